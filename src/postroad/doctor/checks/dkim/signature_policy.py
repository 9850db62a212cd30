"""DK-09: what is signed, and how, in a message as it goes out."""

from collections.abc import Iterator
from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight
from postroad.doctor.checks.dkim.sample import SAMPLE
from postroad.doctor.subject import Subject
from postroad.lint.finding import Level
from postroad.mailauth.dkim.sign import RELAXED_RELAXED, Signer, sign
from postroad.mailauth.dkim.signature import Signature, Unverifiable, read_signature, tags_of
from postroad.mailauth.domain_name import is_within
from postroad.mailauth.header_section import Signable, read

_LIST_FIELDS: Final = (b"list-unsubscribe", b"list-unsubscribe-post")  # RFC 8058 §4
_SHORTEST: Final = 5 * 86_400  # seconds that a signature must last: as long as mail is tried (RFC 5321 §4.5.4.1)


async def _look(examination: Examination) -> Sight:
    subject = examination.subject
    message = read(_sample(subject, examination.now))
    fields = message.named(b"dkim-signature")
    if not fields:
        yield Seen(Level.FAIL, "the sample is not signed")
    signatures = list[Signature]()
    for field in fields:
        try:
            signatures.append(read_signature(tags_of(field)))
        except Unverifiable as fault:
            yield Seen(Level.FAIL, fault.reason)
    for one in signatures:
        for seen in _faults(one, message):
            yield seen
    if signatures and not any(_related(one.domain, subject.domain) for one in signatures):
        domains = ", ".join(one.domain for one in signatures)
        yield Seen(Level.FAIL, f"no signature is of the domain of From, {subject.domain}: d={domains}")


def _sample(subject: Subject, now: float) -> bytes:
    """The message that was given, else one as we sign it ourselves."""
    if subject.sample is not None:
        return subject.sample
    if not subject.keys:
        raise NotApplicable("no signed message and no private key is known (--sample, --key)")
    message = SAMPLE % subject.domain.encode("ascii")
    signers = [Signer(subject.domain, selector, key) for selector, key in subject.keys.items()]
    return sign(read(message), signers, at=now) + message


def _faults(one: Signature, message: Signable) -> Iterator[Seen]:
    whose = f"the signature of {one.domain}, {one.selector}"
    # RFC 6376 §8.15: signed once more than it is there, or else a second From can be put before it.
    if one.names.count(b"from") < 2:
        yield Seen(Level.WARN, f"{whose}, does not keep a second From out: From is not in h= twice")
    missing = [name.decode() for name in _LIST_FIELDS if message.named(name) and name not in one.names]
    if missing:
        yield Seen(Level.FAIL, f"{whose}, does not cover {' and '.join(missing)}; one-click does not count then")
    if one.length is not None:  # §8.2
        yield Seen(Level.WARN, f"{whose}, has l={one.length}: anybody can add text")
    if one.canon != RELAXED_RELAXED:
        yield Seen(Level.WARN, f"{whose}, has c={one.canon}: white space that a server changes breaks it")
    if one.signed_at is not None and one.expires_at is not None and one.expires_at - one.signed_at < _SHORTEST:
        days = (one.expires_at - one.signed_at) / 86_400
        yield Seen(Level.WARN, f"{whose}, ends after {days:g} days (x=), and mail is tried for five")


def _related(domain: str, other: str) -> bool:
    return is_within(domain, other) or is_within(other, domain)


CHECK: Final = Check(
    "DK-09",
    Area.DKIM,
    "From is signed twice, List-Unsubscribe and -Post are signed, there is no l=, c= is relaxed/relaxed, x= is far, "
    "and d= is aligned with From.",
    "RFC 6376 §5.4, §8.2, §8.15; RFC 8058 §4",
    _look,
)
