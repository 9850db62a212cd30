"""SPF-06: what the policy says of everybody else."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.spf.policy import Policy, is_ours, policies_of, readable
from postroad.doctor.checks.spf.still_sending import still_sending, without_terms
from postroad.doctor.checks.spf.wording import ended
from postroad.lint.finding import Level
from postroad.mailauth.spf.record import Kind, Mechanism, SpfRecord
from postroad.mailauth.spf.verdict import Result


async def _look(examination: Examination) -> Sight:
    for own in await readable(examination):
        policy = await _ending(own, examination)
        async for seen in _open_to_all(own, policy, examination):
            yield seen
        if policy is None or policy.record is None:
            continue  # the redirect leads nowhere, as SPF-08 or SPF-09 says
        last = _all(policy.record)
        faults = _of(policy, last) or _behind(policy, policy.record, last)
        if not faults and last is not None:
            yield Seen(Level.PASS, f"{policy.domain} ends with {last.text}")
            continue
        firm = last is not None and last.qualifier in (Result.FAIL, Result.SOFTFAIL)
        mended = ended(policy.record.text, last.text if last is not None and firm else "~all")
        ours = is_ours(policy, examination)
        publish = await still_sending(policy.domain, mended, examination, entry=policy.entry) if ours else ()
        for level, sentence in faults:
            yield Seen(level, sentence, publish)


async def _open_to_all(own: Policy, ending: Policy | None, examination: Examination) -> Sight:
    """What lets everybody send though the last word does not: an include of a policy that does."""
    for policy in await policies_of(own.domain, examination):
        last = _all(policy.record) if policy.record is not None else None
        if policy.own or policy == ending or last is None or last.qualifier is not Result.PASS:
            continue
        if policy.term.startswith(("-", "~", "?")):
            continue  # who is let in there is not let in here
        seen = f"{policy.path[-1]}: {excerpt(policy.term)} lets every host of the world send, by {last.text} there"
        publish = await without_terms(own, {policy.term}, examination) if len(policy.path) == 1 else ()
        yield Seen(Level.FAIL, seen, publish)


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


def _of(policy: Policy, last: Mechanism | None) -> list[tuple[Level, str]]:
    if last is None:
        return [(Level.WARN, f"{policy.domain} ends without all: it says nothing of other hosts")]
    if last.qualifier is Result.PASS:
        return [(Level.FAIL, f"{policy.domain}: {last.text} lets every host of the world send")]
    if last.qualifier is Result.NEUTRAL:
        return [(Level.WARN, f"{policy.domain}: {last.text} says nothing of other hosts")]
    return []


def _behind(policy: Policy, record: SpfRecord, last: Mechanism | None) -> list[tuple[Level, str]]:
    if last is None:
        return []
    seen = []
    late = [one.text for one in record.mechanisms[record.mechanisms.index(last) + 1 :]]
    if late:
        seen.append((Level.WARN, f"{policy.domain}: behind {last.text} nothing counts: {excerpt(' '.join(late))}"))
    if record.redirect is not None:
        sentence = f"{policy.domain}: redirect={excerpt(record.redirect.text)} does not count beside {last.text}"
        seen.append((Level.WARN, sentence))
    return seen


def _all(record: SpfRecord) -> Mechanism | None:
    return next((one for one in record.mechanisms if one.kind is Kind.ALL), None)


CHECK: Final = Check(
    "SPF-06",
    Area.SPF,
    "The policy ends with ~all or -all; nothing stands behind that, no redirect beside it, and no include lets "
    "everybody send.",
    "RFC 7208 §5.1, §6.1",
    _look,
)
