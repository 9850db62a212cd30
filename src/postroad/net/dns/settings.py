"""Whom to ask, how long, and whom to believe."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final, NamedTuple

from postroad.errors import ConfigurationError
from postroad.net.host_name import as_address, checked_port

_SYSTEM: Final = Path("/etc/resolv.conf")
_MAX_NAMESERVERS: Final = 3  # as many as resolv.conf(5) lets count (MAXNS)
_PORT: Final = 53


class Nameserver(NamedTuple):
    """The address and the port of a recursive resolver."""

    address: str
    port: int = _PORT


class Trust(Enum):
    """Whether the resolver validates DNSSEC, and the way to it cannot be tampered with (RFC 4035 §3.2.3, §4.9.3)."""

    AS_CONFIGURED = "as configured"  # ``options trust-ad`` in resolv.conf says so
    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsSettings:
    """How the DNS is asked. Times are in seconds.

    Raises:
        ConfigurationError: a name server is no address, or a time is none.
    """

    nameservers: tuple[Nameserver, ...] = ()  # none: those of /etc/resolv.conf, read when the resolver is made
    trust: Trust = Trust.AS_CONFIGURED
    total_timeout: float = 15.0  # for a question; SPF allows itself 20 for all of its own (RFC 7208 §4.6.4)
    try_timeout: float = 3.0  # for an answer of one server; recursion to slow servers takes a second or two
    tries: int = 2  # of every server, as resolv.conf(5) has it
    max_entries: int = 10_000  # answers that are kept, of about 1 kB each
    max_ttl: float = 86_400.0  # no answer is kept for longer: a day, as many resolvers have it
    max_negative_ttl: float = 3_600.0  # "one to three hours" (RFC 2308 §5)
    failure_ttl: float = 5.0  # at least 1, at most 300 (RFC 9520 §3.2)

    def __post_init__(self) -> None:
        for server in self.nameservers:
            if as_address(server.address.partition("%")[0]) is None:
                raise ConfigurationError(f"{server.address!a:.80} is no address", setting="nameservers")
            checked_port(server.port, "nameservers")
        for name in ("total_timeout", "try_timeout", "tries", "max_entries"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name} has to be more than 0", setting=name)

    def completed(self, path: Path = _SYSTEM) -> "Asked":
        """Whom to ask after all: what is not said here is what the machine uses."""
        configured = _read(path)
        servers = self.nameservers or configured.nameservers
        return Asked(servers, configured.trusted if self.trust is Trust.AS_CONFIGURED else self.trust is Trust.TRUSTED)


class Asked(NamedTuple):
    """The name servers in the order in which they are asked, and whether their word about DNSSEC is taken."""

    nameservers: tuple[Nameserver, ...]
    trusted: bool


def _read(path: Path) -> Asked:
    """What a resolv.conf says (resolv.conf(5)); without one, this machine is asked, as the C library has it."""
    try:
        lines = [line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        lines = []
    servers = [Nameserver(line[1]) for line in lines if _names_server(line)]
    trusted = any(line[0] == "options" and "trust-ad" in line[1:] for line in lines if line)
    return Asked(tuple(servers[:_MAX_NAMESERVERS]) or (Nameserver("127.0.0.1"),), trusted)


def _names_server(line: list[str]) -> bool:
    return len(line) > 1 and line[0] == "nameserver" and as_address(line[1].partition("%")[0]) is not None
