"""What a server says it can do: the EHLO keywords, read and written (RFC 5321 §4.1.1.1)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Self


@dataclass(frozen=True, slots=True)
class Extensions:
    """Keyword → parameters, keywords in upper case. Empty after HELO."""

    keywords: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

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

    @property
    def pipelining(self) -> bool:
        """RFC 2920."""
        return "PIPELINING" in self.keywords

    @property
    def starttls(self) -> bool:
        """RFC 3207."""
        return "STARTTLS" in self.keywords

    @property
    def eight_bit_mime(self) -> bool:
        """RFC 6152."""
        return "8BITMIME" in self.keywords

    @property
    def smtputf8(self) -> bool:
        """RFC 6531."""
        return "SMTPUTF8" in self.keywords

    @property
    def size_offered(self) -> bool:
        """RFC 1870: the SIZE parameter may be given."""
        return "SIZE" in self.keywords

    @property
    def size_limit(self) -> int | None:
        """The largest message in octets (RFC 1870 §4); ``None`` where there is none, or the server does not say."""
        text = self.keywords.get("SIZE", "")
        limit = int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else 0
        return limit or None

    @property
    def chunking(self) -> bool:
        """RFC 3030."""
        return "CHUNKING" in self.keywords

    @property
    def dsn(self) -> bool:
        """RFC 3461."""
        return "DSN" in self.keywords

    @property
    def require_tls(self) -> bool:
        """RFC 8689."""
        return "REQUIRETLS" in self.keywords

    def limit(self, name: str) -> int | None:
        """One of LIMITS (RFC 9422 §4): ``MAILMAX``, ``RCPTMAX``, ``RCPTDOMAINMAX``; ``None`` where it is not said."""
        for parameter in self.keywords.get("LIMITS", "").split():
            key, _, text = parameter.partition("=")
            if key.upper() == name and text.isascii() and text.isdigit() and len(text) <= 6 and int(text) > 0:
                return int(text)
        return None

    @property
    def auth_mechanisms(self) -> frozenset[str]:
        """SASL mechanisms in upper case (RFC 4954 §3)."""
        return frozenset(self.keywords.get("AUTH", "").upper().split())

    def __str__(self) -> str:
        return ", ".join(f"{keyword} {parameters}".strip() for keyword, parameters in self.keywords.items())


@lru_cache(maxsize=64)
def parse_cached(lines: tuple[str, ...]) -> Extensions:
    """``Extensions.parse``; one account's connections all get the same EHLO reply."""
    return Extensions.parse(lines)
