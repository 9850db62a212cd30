"""The policies that a domain's SPF record is made of, read whole: its own, and those that it leads to."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from postroad.doctor.check import Examination, NotApplicable
from postroad.lookup import Answer, RecordType
from postroad.mailauth.domain_name import is_within
from postroad.mailauth.spf.macro import MacroString
from postroad.mailauth.spf.record import Kind, RecordError, SpfRecord, read_record, spf_texts

MAX_POLICIES = 100  # that are looked at; ten can be reached before a receiver gives up (RFC 7208 §4.6.4)


@dataclass(frozen=True, slots=True)
class Policy:
    """What stands at a domain. ``path`` are the domains that led there, ``term`` is what did, in the last of them.
    ``aliased``: it stands where an alias leads to."""

    domain: str
    texts: tuple[bytes, ...]
    record: SpfRecord | None = None
    fault: RecordError | None = None
    path: tuple[str, ...] = ()
    term: str = ""
    aliased: bool = False

    @property
    def own(self) -> bool:
        return not self.path

    @property
    def entry(self) -> str:
        """The domain that receivers begin with."""
        return self.path[0] if self.path else self.domain

    @property
    def loops(self) -> bool:
        """It is one of those that led to it."""
        return self.domain in self.path


def is_ours(policy: Policy, examination: Examination) -> bool:
    """Whether who owns the domain can publish another record there, as at ``_spf.acme.example``; what else a policy
    leads to is somebody else's, and beside an alias stands nothing (RFC 1034 §3.6.2)."""
    subject = examination.subject
    if policy.aliased:
        return False
    return policy.own or any(is_within(policy.domain, one) for one in (subject.domain, *subject.spf_domains))


async def own_policy(domain: str, examination: Examination) -> Policy:
    """What the domain itself publishes.

    Raises:
        Unanswered: nothing was learnt.
    """
    return _read(domain, await examination.ask(domain, RecordType.TXT))


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
        answer = await examination.ask(name, RecordType.TXT)
        next_ = _read(name, answer, (*policy.path, policy.domain), term)
        found.append(next_)
        if next_.record is not None and name not in seen:
            seen.add(name)
            await _follow(next_, found, seen, examination)


def _read(domain: str, answer: Answer, path: tuple[str, ...] = (), term: str = "") -> Policy:
    texts = tuple(spf_texts(answer.texts))
    policy = Policy(domain, texts, path=path, term=term, aliased=bool(answer.aliases))
    if len(texts) != 1:
        return policy
    try:
        return replace(policy, record=read_record(texts[0]))
    except RecordError as fault:
        return replace(policy, fault=fault)


def _why_not(policy: Policy) -> str:
    if policy.fault is not None:
        return f"the SPF record of {policy.domain} cannot be read, as SPF-02 says"
    number = "no SPF record" if not policy.texts else f"{len(policy.texts)} SPF records"
    return f"{policy.domain} has {number}, as SPF-01 says"
