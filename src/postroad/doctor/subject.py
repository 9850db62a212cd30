"""Who is examined: a domain, and what is known of how its mail is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
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
    ``parked``: the domain sends no mail at all.

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
        domain = _name("domain", self.domain)
        object.__setattr__(self, "domain", domain)
        object.__setattr__(self, "mail_from", _name("mail_from", self.mail_from.rpartition("@")[2] or domain))
        given = [_name("selector", one).removesuffix(f"._domainkey.{domain}") for one in self.selectors]
        selectors = tuple(dict.fromkeys([*given, *self.keys]))
        object.__setattr__(self, "selectors", selectors)
        if self.helo is not None:
            # An address or a single label is no domain of ours, but what is said there is what a check is about.
            object.__setattr__(self, "helo", domain_name(self.helo) or self.helo.strip())

    @property
    def spf_domains(self) -> tuple[str, ...]:
        """The names that receivers ask for a policy: that of MAIL FROM, and that of HELO (RFC 7208 §2.3, §2.4)."""
        helo = domain_name(self.helo) if self.helo and "." in self.helo else None
        return tuple(dict.fromkeys(filter(None, (self.mail_from, helo))))


def _name(field_: str, text: str) -> str:
    name = domain_name(text)
    if name is None:
        advice = "Give a name as in example.com, without @ and without a scheme."
        raise ConfigurationError(f"{field_}: {text!a:.80} is no domain name", setting=field_, advice=advice)
    return name
