"""SPF-06: what the policy says of everybody else."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.spf.policy import Policy, policies_of, readable
from postroad.doctor.checks.spf.wording import ended
from postroad.doctor.remedy import txt
from postroad.lint.finding import Level
from postroad.mailauth.spf.record import Kind, Mechanism, SpfRecord
from postroad.mailauth.spf.verdict import Result


async def _look(examination: Examination) -> Sight:
    for own in await readable(examination):
        policy = await _ending(own, examination)
        if policy is None or policy.record is None:
            continue  # the redirect leads nowhere, as SPF-08 or SPF-09 says
        for seen in _of(policy, policy.record):
            # The record of somebody else is not ours to publish.
            yield seen if policy.own else Seen(seen.level, seen.text)


async def _ending(policy: Policy, examination: Examination) -> Policy | None:
    """The policy that has the last word: at the end of the redirects."""
    found = {one.domain: one for one in await policies_of(policy.domain, examination)}
    passed: set[str] = set()
    while policy.record is not None and policy.record.redirect is not None and _all(policy.record) is None:
        spec = policy.record.redirect
        name = "" if spec.letters - {"d"} else spec.name({"d": policy.domain}).lower()
        if name in passed or name not in found:
            return None
        passed.add(name)
        policy = found[name]
    return policy


def _of(policy: Policy, record: SpfRecord) -> list[Seen]:
    last, mild = _all(record), (txt(policy.domain, ended(record.text)),)
    if last is None:
        return [Seen(Level.WARN, f"{policy.domain} ends without all: it says nothing of other hosts", mild)]
    if last.qualifier is Result.PASS:
        return [Seen(Level.FAIL, f"{policy.domain}: {last.text} lets every host of the world send", mild)]
    if last.qualifier is Result.NEUTRAL:
        return [Seen(Level.WARN, f"{policy.domain}: {last.text} says nothing of other hosts", mild)]
    return [*_behind(policy, record, last)] or [Seen(Level.PASS, f"{policy.domain} ends with {last.text}")]


def _behind(policy: Policy, record: SpfRecord, last: Mechanism) -> list[Seen]:
    publish = (txt(policy.domain, ended(record.text, last.text)),)
    seen = []
    place = record.mechanisms.index(last)
    late = [one.text for one in record.mechanisms[place + 1 :]]
    if late:
        seen.append(
            Seen(Level.WARN, f"{policy.domain}: behind {last.text} nothing counts: {excerpt(' '.join(late))}", publish)
        )
    if record.redirect is not None:
        sentence = f"{policy.domain}: redirect={excerpt(record.redirect.text)} does not count beside {last.text}"
        seen.append(Seen(Level.WARN, sentence, publish))
    return seen


def _all(record: SpfRecord) -> Mechanism | None:
    return next((one for one in record.mechanisms if one.kind is Kind.ALL), None)


CHECK: Final = Check(
    "SPF-06",
    Area.SPF,
    "The policy ends with ~all or -all; nothing stands behind that, and no redirect beside it.",
    "RFC 7208 §5.1, §6.1",
    _look,
)
