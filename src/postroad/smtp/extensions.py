"""What a server says it can do: the EHLO keywords, read and written (RFC 5321 §4.1.1.1)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Self


@dataclass(frozen=True, slots=True)
class Extensions:
    """Keyword → parameters, keywords in upper case. Empty after HELO. What every message asks is worked out once.

    ``size_limit`` is the largest message in octets (RFC 1870 §4), ``None`` where there is none, or the server does not
    say. ``mail_max``, ``rcpt_max`` and ``rcpt_domain_max`` are LIMITS (RFC 9422 §4): transactions a session, recipients
    and their domains a transaction.
    """

    keywords: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    pipelining: bool = field(init=False, repr=False, compare=False)  # RFC 2920
    starttls: bool = field(init=False, repr=False, compare=False)  # RFC 3207
    eight_bit_mime: bool = field(init=False, repr=False, compare=False)  # RFC 6152
    smtputf8: bool = field(init=False, repr=False, compare=False)  # RFC 6531
    chunking: bool = field(init=False, repr=False, compare=False)  # RFC 3030
    dsn: bool = field(init=False, repr=False, compare=False)  # RFC 3461
    require_tls: bool = field(init=False, repr=False, compare=False)  # RFC 8689
    size_offered: bool = field(init=False, repr=False, compare=False)  # RFC 1870: the SIZE parameter may be given
    size_limit: int | None = field(init=False, repr=False, compare=False)
    mail_max: int | None = field(init=False, repr=False, compare=False)
    rcpt_max: int | None = field(init=False, repr=False, compare=False)
    rcpt_domain_max: int | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        for name, keyword in _FLAGS.items():
            put(self, name, keyword in self.keywords)
        put(self, "size_limit", _number(self.keywords.get("SIZE", ""), digits=20))
        limits = dict(parameter.upper().split("=", 1) for parameter in self._parameters("LIMITS") if "=" in parameter)
        for name, limit in _LIMITS.items():
            put(self, name, _number(limits.get(limit, ""), digits=6))

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Self:
        """Read the EHLO reply's lines after the first, which only greets."""
        keywords: dict[str, str] = {}
        for line in lines:
            keyword, _, parameters = line.strip().partition(" ")
            if keyword.upper().startswith("AUTH="):  # servers from before RFC 2554; still advertised beside AUTH
                keyword, parameters = "AUTH", f"{keyword[5:]} {parameters}"
            keyword = keyword.upper()
            known = keywords.get(keyword)
            keywords[keyword] = f"{known} {parameters}".strip() if known else parameters.strip()
        return cls(MappingProxyType(keywords))

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.keywords

    def _parameters(self, keyword: str) -> list[str]:
        return self.keywords.get(keyword, "").split()

    @property
    def auth_mechanisms(self) -> frozenset[str]:
        """SASL mechanisms in upper case (RFC 4954 §3)."""
        return frozenset(self.keywords.get("AUTH", "").upper().split())

    def __str__(self) -> str:
        return ", ".join(f"{keyword} {parameters}".strip() for keyword, parameters in self.keywords.items())


_FLAGS = {
    "pipelining": "PIPELINING",
    "starttls": "STARTTLS",
    "eight_bit_mime": "8BITMIME",
    "smtputf8": "SMTPUTF8",
    "chunking": "CHUNKING",
    "dsn": "DSN",
    "require_tls": "REQUIRETLS",
    "size_offered": "SIZE",
}
_LIMITS = {"mail_max": "MAILMAX", "rcpt_max": "RCPTMAX", "rcpt_domain_max": "RCPTDOMAINMAX"}


def _number(text: str, *, digits: int) -> int | None:
    """A positive number; ``None`` for 0, and for what is none."""
    return (int(text) or None) if text.isascii() and text.isdigit() and len(text) <= digits else None


@lru_cache(maxsize=64)
def parse_cached(lines: tuple[str, ...]) -> Extensions:
    """``Extensions.parse``; one account's connections all get the same EHLO reply."""
    return Extensions.parse(lines)
