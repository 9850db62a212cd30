"""What a connection to a mail exchanger has to be like before mail goes over it: one value, from all who have a say."""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

from postroad.lookup import Tlsa
from postroad.routing.dane import Associations, Finding
from postroad.routing.mta_sts import Mode, Policy


class Level(Enum):
    """How much is asked."""

    OPPORTUNISTIC = "TLS if offered"  # unverified: better than none (RFC 7435)
    ENCRYPTED = "TLS"  # with whomever (RFC 7672 §2.2)
    AUTHORITY = "TLS with a certificate that is valid for the host"
    DANE = "TLS with a certificate that the DNS names"
    REFUSED = "no mail"  # to this host, until the DNS answers or the policy changes


class PolicyType(StrEnum):
    """Whose word it is, as TLS reports have it (RFC 8460 §4.4)."""

    TLSA = "tlsa"
    STS = "sts"
    NONE = "no-policy-found"


@dataclass(frozen=True, slots=True)
class TlsRequirement:
    """What is asked of a host.

    ``enforced``: if it is not met, no mail goes over the connection; else mail goes all the same, and the failure is
    counted for a report. ``associations`` are the records of which one must match. ``reason`` is for people.
    """

    level: Level
    policy: PolicyType
    enforced: bool
    reason: str
    associations: tuple[Tlsa, ...] = ()


_NOBODY: Final = TlsRequirement(Level.OPPORTUNISTIC, PolicyType.NONE, enforced=False, reason="nobody asks for TLS")


class Wish(Enum):
    """What the sender asks for, whatever the receiver publishes."""

    NOTHING = "nothing"
    VERIFIED = "verified"  # a setting; REQUIRETLS wants besides that the host itself was found safely (RFC 8689 §4.2.1)


def tls_requirement(host: str, dane: Associations, sts: Policy | None, wish: Wish = Wish.NOTHING) -> TlsRequirement:
    """What is asked of a host by its DANE records, the MTA-STS policy of the domain, and the sender.

    DANE goes before MTA-STS: where it fails, MTA-STS must not save the connection (RFC 8461 §2). But where DANE asks
    for no particular certificate, a policy that is enforced may.
    """
    by_dane, by_sts = _by_dane(dane), _by_sts(host, sts)
    if by_dane is not None and by_dane.level is Level.ENCRYPTED and by_sts is not None and by_sts.enforced:
        by_dane = None
    published = by_dane or by_sts or _NOBODY
    if wish is Wish.VERIFIED and not (published.enforced and published.level in _AUTHENTIC):
        return TlsRequirement(
            Level.AUTHORITY, PolicyType.NONE, enforced=True, reason="the sender asks for verified TLS"
        )
    return published


_AUTHENTIC: Final = frozenset({Level.AUTHORITY, Level.DANE, Level.REFUSED})


def _by_dane(dane: Associations) -> TlsRequirement | None:
    if dane.finding is Finding.USABLE:
        reason = f"{dane.host} has TLSA records"
        return TlsRequirement(Level.DANE, PolicyType.TLSA, enforced=True, reason=reason, associations=dane.records)
    if dane.finding is Finding.UNUSABLE:
        reason = f"{dane.host} has TLSA records, none of which can be used"
        return TlsRequirement(Level.ENCRYPTED, PolicyType.TLSA, enforced=True, reason=reason)
    if dane.finding is Finding.UNKNOWN:
        return TlsRequirement(Level.REFUSED, PolicyType.TLSA, enforced=True, reason=dane.reason)
    return None


def _by_sts(host: str, sts: Policy | None) -> TlsRequirement | None:
    if sts is None or sts.mode is Mode.NONE:
        return None
    enforced = sts.mode is Mode.ENFORCE
    if sts.allows(host):
        reason = f"the MTA-STS policy ({sts.mode}) names this host"
        return TlsRequirement(Level.AUTHORITY, PolicyType.STS, enforced=enforced, reason=reason)
    reason = f"the MTA-STS policy ({sts.mode}) names other hosts than {host}"
    return TlsRequirement(Level.REFUSED, PolicyType.STS, enforced=enforced, reason=reason)
