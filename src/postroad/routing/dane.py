"""DANE: the DNS, signed, says which certificate a mail exchanger has (RFC 7672, RFC 6698)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from hashlib import sha256, sha512
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from postroad.lookup import Answer, RecordType, Resolver, Status, Tlsa

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography.x509 import Certificate

MAX_RECORDS: Final = 100  # that are compared with a certificate; a host has a handful
MAX_CHAIN: Final = 10  # certificates of a chain that are looked at; public ones have three


class Usage(IntEnum):
    """Usages that are possible for SMTP (RFC 7672 §3.1); PKIX-TA and PKIX-EE are not (§3.1.3)."""

    DANE_TA = 2  # an authority, for which the name and the dates count
    DANE_EE = 3  # the host's own key, and nothing else counts (§3.1.1)


class Finding(Enum):
    """What the DNS says about the certificates of a host."""

    ABSENT = "no DANE"  # none, or nothing that is signed
    USABLE = "usable"  # one of the records must match
    UNUSABLE = "unusable"  # there are some, and none that can be used: TLS, but from whomever (RFC 7672 §2.2)
    UNKNOWN = "unknown"  # the DNS failed: this host must not be used now (RFC 7672 §2.1.1)


@dataclass(frozen=True, slots=True)
class Associations:
    """The TLSA records of a host that can be used, and the host's name as they have it (RFC 7672 §2.2.3)."""

    finding: Finding
    host: str
    records: tuple[Tlsa, ...] = ()
    reason: str = ""


async def associations(host: str, resolver: Resolver, port: int = 25) -> Associations:
    """Ask for the TLSA records of a mail exchanger. It never raises.

    Only for a host that was found through authentic MX records (RFC 7672 §2.2.1). Its own addresses have to be
    authentic, too: else the TLSA records are not asked for, for many servers of unsigned zones fail on that (§2.2.2).
    """
    answers = [await resolver.lookup(host, kind) for kind in (RecordType.A, RecordType.AAAA)]
    found = [answer for answer in answers if answer.status is Status.FOUND]
    failed = next((answer for answer in answers if answer.status.temporary), None)
    if failed is not None and not found:
        return Associations(Finding.UNKNOWN, host, reason=_reason(failed))
    if not found or not all(answer.authentic for answer in found):
        return Associations(Finding.ABSENT, host)
    known = Associations(Finding.ABSENT, host)
    for name in dict.fromkeys((*found[0].aliases[-1:], host)):  # where the alias leads goes first (§2.2.3)
        known = await _at(name, resolver, port)
        if known.finding is not Finding.ABSENT:
            break
    return known


async def _at(host: str, resolver: Resolver, port: int) -> Associations:
    answer = await resolver.lookup(f"_{port}._tcp.{host}", RecordType.TLSA)
    if answer.status.temporary:
        return Associations(Finding.UNKNOWN, host, reason=_reason(answer))
    if answer.status is not Status.FOUND or not answer.authentic:
        return Associations(Finding.ABSENT, host)
    usable = tuple([one for one in answer.associations if is_usable(one)][:MAX_RECORDS])
    return Associations(Finding.USABLE if usable else Finding.UNUSABLE, host, usable)


def _reason(answer: Answer) -> str:
    return f"{answer.kind} of {answer.name}: {answer.reason or answer.status.value}"


def is_usable(record: Tlsa) -> bool:
    """Whether a record can match anything: a known usage, selector and matching type (RFC 7672 §3.1)."""
    digests = {0: None, 1: 32, 2: 64}
    if record.usage not in list(Usage) or record.selector not in (0, 1) or record.matching not in digests:
        return False
    length = digests[record.matching]
    return len(record.data) == length if length else bool(record.data)


@dataclass(frozen=True, slots=True)
class Match:
    """The record that a chain satisfies; without one ``reason`` says why there is none."""

    record: Tlsa | None
    reason: str = ""


def match(records: Sequence[Tlsa], chain: Sequence[bytes], names: Sequence[str], now: "datetime") -> Match:
    """Compare a certificate chain (DER, the host's own first) with the records of its host. It never raises.

    ``names`` are those that the certificate may be for, where an authority is what matches: the host, and the domain
    of the recipient (RFC 7672 §3.2.2). ``now`` is aware.
    """
    if not chain:
        return Match(None, "the host showed no certificate")
    certificates = chain[:MAX_CHAIN]
    for record in records:
        if record.usage == Usage.DANE_EE and _is_of(record, certificates[0]):
            return Match(record)
    for record in records:
        if record.usage == Usage.DANE_TA and _is_under(record, certificates, names, now):
            return Match(record)
    return Match(None, "no TLSA record matches the certificate of the host")


def _is_of(record: Tlsa, certificate: bytes) -> bool:
    selected = certificate if record.selector == 0 else public_key(certificate)
    return selected is not None and _digested(selected, record.matching) == record.data


def _digested(octets: bytes, matching: int) -> bytes:
    """Matching types (RFC 6698 §2.1.3)."""
    if matching == 0:
        return octets
    return sha256(octets).digest() if matching == 1 else sha512(octets).digest()


def public_key(certificate: bytes) -> bytes | None:
    """The SubjectPublicKeyInfo, in DER; ``None``: it is none that is known."""
    from cryptography.exceptions import UnsupportedAlgorithm  # late: only DANE needs it, and it takes 50 ms
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from cryptography.x509 import InvalidVersion, load_der_x509_certificate

    try:
        key = load_der_x509_certificate(certificate).public_key()
    except (ValueError, TypeError, InvalidVersion, UnsupportedAlgorithm):
        return None
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _is_under(record: Tlsa, chain: Sequence[bytes], names: Sequence[str], now: "datetime") -> bool:
    """Whether an authority of the chain is the record's, and has issued what is before it (RFC 7672 §3.1.2)."""
    anchors = [at for at, certificate in enumerate(chain) if at > 0 and _is_of(record, certificate)]
    loaded = _loaded(chain[: anchors[0] + 1]) if anchors else None
    if not loaded:
        return False
    issued = all(_issued(lower, upper) for lower, upper in pairwise(loaded))
    in_time = all(one.not_valid_before_utc <= now <= one.not_valid_after_utc for one in loaded)
    return issued and in_time and any(_is_for(loaded[0], name) for name in names)


def _loaded(chain: Sequence[bytes]) -> "list[Certificate] | None":
    from cryptography.x509 import InvalidVersion, load_der_x509_certificate  # late, as above

    try:
        return [load_der_x509_certificate(one) for one in chain]
    except (ValueError, InvalidVersion):
        return None


def _issued(lower: "Certificate", upper: "Certificate") -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm  # late, as above
    from cryptography.x509 import BasicConstraints, DuplicateExtension, ExtensionNotFound, UnsupportedGeneralNameType

    try:
        lower.verify_directly_issued_by(upper)
        return upper.extensions.get_extension_for_class(BasicConstraints).value.ca
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    except (DuplicateExtension, ExtensionNotFound, UnsupportedGeneralNameType):
        return False


def _is_for(certificate: "Certificate", name: str) -> bool:
    """Whether a certificate names a host: as a DNS name, whose leftmost label may be ``*`` (RFC 6125 §6.4.3)."""
    from cryptography import x509  # late, as above

    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        known = [one.lower().rstrip(".") for one in extension.value.get_values_for_type(x509.DNSName)]
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return False
    wanted = name.lower().rstrip(".")
    _, dot, rest = wanted.partition(".")
    return wanted in known or bool(dot and f"*.{rest}" in known)
