"""Asking the world a question: what SPF, DKIM, DMARC, MTA-STS and the doctor ask, and nothing of how it is found out.

A look-up that went wrong is an answer, too: whether a name does not exist (RFC 2308) or could not be asked about
decides between a verdict and "try again", so no caller may take the one for the other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol


class RecordType(StrEnum):
    """The kinds of DNS records that mail asks for."""

    A = "A"
    AAAA = "AAAA"
    CNAME = "CNAME"
    DNSKEY = "DNSKEY"
    DS = "DS"
    MX = "MX"
    NS = "NS"
    PTR = "PTR"
    SOA = "SOA"
    SPF = "SPF"  # type 99, retired (RFC 7208 §3.1): what is left of it is to be told
    TLSA = "TLSA"
    TXT = "TXT"


class Status(Enum):
    """How a look-up ended."""

    FOUND = "found"
    NO_DATA = "no data"  # the name exists, without records of this type (RFC 2308 §2.2)
    NO_NAME = "no such name"  # NXDOMAIN (RFC 2308 §2.1); nothing below it exists either (RFC 8020)
    TIMEOUT = "timeout"  # nobody answered in time
    FAILED = "server failure"  # SERVFAIL, REFUSED, a malformed or a bogus answer

    @property
    def temporary(self) -> bool:
        """Nothing was learnt; it may be another time."""
        return self in (Status.TIMEOUT, Status.FAILED)


@dataclass(frozen=True, slots=True)
class Mx:
    """A mail exchanger (RFC 1035 §3.3.9). The host is without its final dot; the root ("") is a null MX (RFC 7505)."""

    preference: int
    host: str


@dataclass(frozen=True, slots=True)
class Tlsa:
    """An association of a certificate with a name (RFC 6698 §2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes


Record = IPv4Address | IPv6Address | Mx | Tlsa | bytes | str
"""A and AAAA: an address. TXT: the octets of its strings, joined (RFC 7208 §3.3). CNAME, NS, PTR: a name without its
final dot. MX and TLSA: their values. SOA, DS and DNSKEY: as they stand in a zone file (str)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was asked, and what came back."""

    name: str
    kind: RecordType
    status: Status
    records: tuple[Record, ...] = ()
    ttl: float = 0.0  # seconds that it may be kept
    authentic: bool = False  # DNSSEC was validated by a resolver that is declared trusted (RFC 4035 §3.2.3)
    aliases: tuple[str, ...] = ()  # the chain of CNAMEs that led to it, in order
    reason: str = ""  # of a temporary failure, for people

    @property
    def addresses(self) -> tuple[IPv4Address | IPv6Address, ...]:
        return tuple([one for one in self.records if isinstance(one, IPv4Address | IPv6Address)])

    @property
    def exchanges(self) -> tuple[Mx, ...]:
        return tuple([one for one in self.records if isinstance(one, Mx)])

    @property
    def texts(self) -> tuple[bytes, ...]:
        return tuple([one for one in self.records if isinstance(one, bytes)])

    @property
    def names(self) -> tuple[str, ...]:
        return tuple([one for one in self.records if isinstance(one, str)])

    @property
    def associations(self) -> tuple[Tlsa, ...]:
        return tuple([one for one in self.records if isinstance(one, Tlsa)])


class Resolver(Protocol):
    """Asks the DNS. It never raises: whatever happens, even for a name that cannot be asked about, is an ``Answer``.

    A name that is not valid in the DNS (a label of more than 63 octets, an empty label) is ``NO_NAME``.
    """

    async def lookup(self, name: str, kind: RecordType) -> Answer:
        """Ask for the records of this type at this name (A-labels; case and a final dot do not matter)."""
        ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a web server answered to GET."""

    url: str
    code: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """There was no answer, not one that may be used, or one too long; ``reason`` says which.

    ``untrusted``: the server was reached, and its certificate is not valid for its name.
    """

    url: str
    reason: str
    untrusted: bool = False


class Fetcher(Protocol):
    """Fetches a document by HTTPS, verified against the public authorities, following no redirects (RFC 8461 §3.3)."""

    async def get(self, url: str, *, limit: int, timeout: float) -> Fetched | FetchFailed:
        """The whole answer, of at most ``limit`` octets, within ``timeout`` seconds. It never raises."""
        ...


def found(name: str, kind: RecordType, records: Iterable[Record], ttl: float = 0.0) -> Answer:
    """An answer with these records; without any, that there is no data."""
    all_ = tuple(records)
    return Answer(name, kind, Status.FOUND if all_ else Status.NO_DATA, all_, ttl)
