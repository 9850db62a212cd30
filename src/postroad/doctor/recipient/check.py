"""What is to be said of an address before mail goes to it: ADDR-01 to ADDR-04."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from postroad.address import Address
from postroad.doctor.check import excerpt
from postroad.doctor.recipient.spelling import meant_by, words_of
from postroad.doctor.step import Step
from postroad.errors import AddressError
from postroad.lint.finding import Finding, Level
from postroad.lookup import Resolver
from postroad.routing.mx import MailHosts, Reception, mail_hosts

_SYNTAX: Final = Step(
    "ADDR-01", "An address is local@domain, as all software reads it alike.", "RFC 5321 §4.1.2, RFC 6531"
)
_DOMAIN: Final = Step(
    "ADDR-02",
    "The domain exists and receives mail: it has mail exchangers, or at least an address.",
    "RFC 5321 §5.1, RFC 7505 §3",
)
_SPELLING: Final = Step("ADDR-03", "The domain is spelt as it was meant; ask who typed it.", "practice")
_ROLE: Final = Step(
    "ADDR-04", "The address is somebody's own: what a group or a function reads draws complaints.", "RFC 2142"
)
_GRAVITY: Final = {
    Reception.EXCHANGERS: Level.PASS,
    Reception.IMPLICIT: Level.WARN,
    Reception.NULL_MX: Level.FAIL,
    Reception.NOWHERE: Level.FAIL,
    Reception.UNKNOWN: Level.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class CheckedAddress:
    """What was found. ``address`` and ``hosts`` are there as far as the text is one; ``suggestion`` is an address."""

    text: str
    address: Address | None
    hosts: MailHosts | None
    suggestion: str | None
    findings: tuple[Finding, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        hosts = sorted(self.hosts.hosts, key=lambda one: (one.preference, one.host)) if self.hosts is not None else []
        return {
            "address": self.text,
            "normalized": self.address.addr_spec if self.address is not None else None,
            "domain": self.address.domain if self.address is not None else None,
            "reception": self.hosts.reception.name.lower() if self.hosts is not None else None,
            "mx": [one.host for one in hosts],
            "suggestion": self.suggestion,
            "findings": [one.as_dict() for one in self.findings],
        }


async def check_address(text: str, resolver: Resolver) -> CheckedAddress:
    """Look at an address, with or without a display name. It never raises, and asks the DNS alone."""
    try:
        address = Address.parse(text)
    except AddressError as fault:
        return CheckedAddress(text, None, None, None, (_SYNTAX.finding(Level.FAIL, excerpt(fault.message)),))
    hosts = None if address.domain.startswith("[") else await mail_hosts(address.domain, resolver)
    meant = meant_by(address.domain)
    suggestion = f"{address.local}@{meant}" if meant is not None else None
    return CheckedAddress(text, address, hosts, suggestion, tuple(_findings(address, hosts, suggestion)))


def _findings(address: Address, hosts: MailHosts | None, suggestion: str | None) -> Iterator[Finding]:
    if address.needs_smtputf8:
        yield _SYNTAX.finding(Level.INFO, "its local part is not ASCII: only servers with SMTPUTF8 take mail for it")
    else:
        yield _SYNTAX.finding(Level.PASS, f"{address.addr_spec} is an address")
    yield _of_domain(address, hosts)
    if suggestion is None:
        yield _SPELLING.finding(Level.PASS, f"{address.domain} is not nearly another well-known domain")
    else:
        meant = suggestion.rpartition("@")[2]
        yield _SPELLING.finding(Level.WARN, f"{address.domain} is one letter from {meant}", suggestion)
    if is_role(address.local):
        yield _ROLE.finding(Level.INFO, f"{address.local}@ is a function, and not a person")
    else:
        yield _ROLE.finding(Level.PASS, "it is no well-known function")


def _of_domain(address: Address, hosts: MailHosts | None) -> Finding:
    if hosts is None:
        return _DOMAIN.finding(
            Level.WARN, f"{address.domain} is an address and no domain; hardly anybody takes mail so"
        )
    told = {
        Reception.EXCHANGERS: f"mail goes to {', '.join(sorted(one.host for one in hosts.hosts))}",
        Reception.IMPLICIT: f"{hosts.domain} has no mail exchanger, and receives at its own address, if at all",
    }
    return _DOMAIN.finding(_GRAVITY[hosts.reception], told.get(hosts.reception, hosts.reason))


def is_role(local: str) -> bool:
    """Whether the part before the @ names a function (RFC 2142); what follows a + makes no difference."""
    return local.casefold().partition("+")[0].replace(".", "").replace("_", "-") in words_of("functions.txt")
