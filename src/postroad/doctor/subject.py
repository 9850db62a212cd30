"""Who is examined: a domain, and what is known of how its mail is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, TypeAlias

from postroad.errors import ConfigurationError
from postroad.mailauth.domain_name import domain_name

if TYPE_CHECKING:
    from postroad.mailauth.dkim.keys import SigningKey

Address: TypeAlias = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is examined. Names come in any spelling, and are kept as A-labels in lower case.

    ``domain`` is that of From, ``mail_from`` that of the return path (without one, the same); ``helo`` is what the
    hosts say in EHLO. ``ips`` send the mail. ``selectors`` are those of DKIM keys in use, ``keys`` the private ones by
    selector, ``key_dates`` since when each signs, in seconds since the epoch. ``sample`` is a message as it goes out.
    ``parked``: the domain sends no mail at all. A selector may come with ``._domainkey`` and the domain behind it; an
    IPv4 address that is written as one of IPv6 is kept as what it is.

    Raises:
        ConfigurationError: a name is none.
    """

    domain: str
    mail_from: str = ""
    helo: str | None = None
    ips: tuple[Address, ...] = ()
    selectors: tuple[str, ...] = ()
    keys: "Mapping[str, SigningKey]" = field(default_factory=dict, repr=False)
    key_dates: Mapping[str, float] = field(default_factory=dict)
    sample: bytes | None = field(default=None, repr=False)
    parked: bool = False

    def __post_init__(self) -> None:
        _refuse_address(self.domain)
        domain = _name("domain", self.domain)
        object.__setattr__(self, "domain", domain)
        object.__setattr__(self, "mail_from", _name("mail_from", self.mail_from.rpartition("@")[2] or domain))
        given = [_selector(one, domain) for one in self.selectors]
        object.__setattr__(self, "keys", {_selector(one, domain): key for one, key in self.keys.items()})
        selectors = tuple(dict.fromkeys([*given, *self.keys]))
        object.__setattr__(self, "selectors", selectors)
        object.__setattr__(self, "ips", tuple(dict.fromkeys(map(_as_seen, self.ips))))
        if self.helo is not None:
            # An address or a single label is no domain of ours, but what is said there is what a check is about.
            object.__setattr__(self, "helo", domain_name(self.helo) or self.helo.strip())

    @property
    def spf_domains(self) -> tuple[str, ...]:
        """The names that receivers ask for a policy: that of MAIL FROM, and that of HELO (RFC 7208 §2.3, §2.4)."""
        helo = domain_name(self.helo) if self.helo and "." in self.helo else None
        return tuple(dict.fromkeys(filter(None, (self.mail_from, helo))))


def _selector(text: str, domain: str) -> str:
    return _name("selector", text).removesuffix(f"._domainkey.{domain}").removesuffix("._domainkey")


def _as_seen(ip: Address) -> Address:
    """The address that receivers see: ``::ffff:192.0.2.1`` is how a host writes IPv4 to itself (RFC 4291 §2.5.5.2)."""
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return mapped or ip


def _refuse_address(text: str) -> None:
    try:
        ip_address(text.strip().removeprefix("[").removesuffix("]"))
    except ValueError:
        return
    advice = "Give the domain of From, and the address that sends its mail with --ip."
    raise ConfigurationError(f"domain: {text!a:.80} is an address", setting="domain", advice=advice)


def _name(field_: str, text: str) -> str:
    name = domain_name(text)
    if name is None:
        advice = "Give a name as in example.com, without @ and without a scheme."
        raise ConfigurationError(f"{field_}: {text!a:.80} is no domain name", setting=field_, advice=advice)
    return name
