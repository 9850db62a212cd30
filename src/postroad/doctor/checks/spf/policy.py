"""The policies that a domain's SPF record is made of, read whole: its own, and those that it leads to."""

from collections.abc import Iterator
from dataclasses import dataclass

from postroad.doctor.check import Examination, NotApplicable
from postroad.lookup import RecordType
from postroad.mailauth.spf.macro import MacroString
from postroad.mailauth.spf.record import Kind, RecordError, SpfRecord, read_record, spf_texts

MAX_POLICIES = 100  # that are looked at; ten can be reached before a receiver gives up (RFC 7208 §4.6.4)


@dataclass(frozen=True, slots=True)
class Policy:
    """What stands at a domain. ``path`` are the domains that led there, ``term`` is what did, in the last of them."""

    domain: str
    texts: tuple[bytes, ...]
    record: SpfRecord | None = None
    fault: RecordError | None = None
    path: tuple[str, ...] = ()
    term: str = ""

    @property
    def own(self) -> bool:
        return not self.path

    @property
    def loops(self) -> bool:
        """It is one of those that led to it."""
        return self.domain in self.path


async def own_policy(domain: str, examination: Examination) -> Policy:
    """What the domain itself publishes.

    Raises:
        Unanswered: nothing was learnt.
    """
    return _read(domain, spf_texts((await examination.ask(domain, RecordType.TXT)).texts))


async def policies_of(domain: str, examination: Examination) -> tuple[Policy, ...]:
    """The domain's own policy, then those that it includes or redirects to, each below the one that names it.

    Raises:
        NotApplicable: the domain has no record that can be read, which other checks tell of.
        Unanswered: nothing was learnt.
    """
    own = await own_policy(domain, examination)
    if own.record is None:
        raise NotApplicable(_why_not(own))
    found = [own]
    await _follow(own, found, {domain}, examination)
    return tuple(found)


async def readable(examination: Examination) -> tuple[Policy, ...]:
    """The own policies of the domains of MAIL FROM and HELO, as far as they can be read.

    Raises:
        NotApplicable: there is none.
        Unanswered: nothing was learnt.
    """
    own = [await own_policy(domain, examination) for domain in examination.subject.spf_domains]
    read = tuple(policy for policy in own if policy.record is not None)
    if not read:
        raise NotApplicable(_why_not(own[0]))
    return read


def references(record: SpfRecord) -> Iterator[tuple[str, MacroString]]:
    """The terms that lead to other policies, with the domains that they name."""
    for mechanism in record.mechanisms:
        if mechanism.kind is Kind.ALL:
            return  # nothing behind it counts, redirect neither (RFC 7208 §5.1, §6.1)
        if mechanism.kind is Kind.INCLUDE and mechanism.domain is not None:
            yield mechanism.text, mechanism.domain
    if record.redirect is not None:
        yield f"redirect={record.redirect.text}", record.redirect


async def _follow(policy: Policy, found: list[Policy], seen: set[str], examination: Examination) -> None:
    assert policy.record is not None
    for term, spec in references(policy.record):
        if len(found) >= MAX_POLICIES or spec.letters - {"d"}:
            continue  # where it leads differs with who sends
        name = spec.name({"d": policy.domain}).lower()
        texts = spf_texts((await examination.ask(name, RecordType.TXT)).texts)
        next_ = _read(name, texts, (*policy.path, policy.domain), term)
        found.append(next_)
        if next_.record is not None and name not in seen:
            seen.add(name)
            await _follow(next_, found, seen, examination)


def _read(domain: str, texts: list[bytes], path: tuple[str, ...] = (), term: str = "") -> Policy:
    if len(texts) != 1:
        return Policy(domain, tuple(texts), path=path, term=term)
    try:
        return Policy(domain, tuple(texts), read_record(texts[0]), path=path, term=term)
    except RecordError as fault:
        return Policy(domain, tuple(texts), fault=fault, path=path, term=term)


def _why_not(policy: Policy) -> str:
    if policy.fault is not None:
        return f"the SPF record of {policy.domain} cannot be read, as SPF-02 says"
    number = "no SPF record" if not policy.texts else f"{len(policy.texts)} SPF records"
    return f"{policy.domain} has {number}, as SPF-01 says"
