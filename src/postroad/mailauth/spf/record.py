"""SPF records, read whole before anything is done by them (RFC 7208 §4.6, §12)."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final, TypeAlias

from postroad.mailauth.spf.macro import DOMAIN_LETTERS, MacroError, MacroString, read_domain_spec, read_macros
from postroad.mailauth.spf.verdict import Result

_VERSION: Final = b"v=spf1"
MAX_OCTETS: Final = 65_535  # of a record: no TXT record holds more (RFC 1035 §3.2.1)

Address: TypeAlias = IPv4Address | IPv6Address


class RecordError(ValueError):
    """What makes a record unreadable: the term, and why."""

    def __init__(self, term: str, reason: str) -> None:
        super().__init__(f"{term[:80]!a}: {reason}" if term else reason)
        self.term = term
        self.reason = reason


class Kind(StrEnum):
    """The mechanisms (RFC 7208 §5)."""

    ALL = "all"
    INCLUDE = "include"
    A = "a"
    MX = "mx"
    PTR = "ptr"
    IP4 = "ip4"
    IP6 = "ip6"
    EXISTS = "exists"

    @property
    def asks(self) -> bool:
        """Whether it counts as a look-up (RFC 7208 §4.6.4)."""
        return self not in (Kind.ALL, Kind.IP4, Kind.IP6)


@dataclass(frozen=True, slots=True)
class Mechanism:
    """A directive: what matches, and the result if it does.

    ``domain`` is ``None`` where the domain itself is meant. ``address`` is that of ip4 and ip6; the prefixes are
    those of ip4 and ip6, or what a and mx have for either family.
    """

    text: str
    qualifier: Result
    kind: Kind
    domain: MacroString | None = None
    address: Address | None = None
    prefix4: int = 32
    prefix6: int = 128


@dataclass(frozen=True, slots=True)
class SpfRecord:
    """A record, read: its mechanisms in order, and its modifiers."""

    text: str
    mechanisms: tuple[Mechanism, ...] = ()
    redirect: MacroString | None = None
    explanation: MacroString | None = None


def spf_texts(texts: Iterable[bytes]) -> list[bytes]:
    """Those of the TXT records that are SPF records (RFC 7208 §4.5)."""
    return [text for text in texts if text[:6].lower() == _VERSION and text[6:7] in (b"", b" ")]


def read_record(content: bytes) -> SpfRecord:
    """Read a record that ``spf_texts`` found.

    Raises:
        RecordError: any of its terms is wrong, used or not (RFC 7208 §4.6).
    """
    if len(content) > MAX_OCTETS:
        raise RecordError("", f"the record has {len(content)} octets, more than a TXT record can hold")
    text = content.decode("latin-1")
    if not text.isascii() or not text.isprintable():
        raise RecordError("", "the record holds what is not printable ASCII")
    reader = _Reader()
    for term in text[len(_VERSION) :].split(" "):
        if term:
            reader.read(term)
    return SpfRecord(text, tuple(reader.mechanisms), reader.redirect, reader.explanation)


_MODIFIER: Final = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)=")
_DIRECTIVE: Final = re.compile(r"([+\-~?]?)([A-Za-z0-9]+)(?=[:/]|\Z)")
_QUALIFIERS: Final = {
    "": Result.PASS,
    "+": Result.PASS,
    "-": Result.FAIL,
    "~": Result.SOFTFAIL,
    "?": Result.NEUTRAL,
}
# RFC 7208 §12: no leading zeros; the ranges are looked at afterwards.
_DUAL_PREFIX: Final = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?\Z")
_PREFIX: Final = re.compile(r"/(0|[1-9][0-9]{0,2})\Z")


class _Reader:
    """Takes the terms one by one."""

    def __init__(self) -> None:
        self.mechanisms: list[Mechanism] = []
        self.redirect: MacroString | None = None
        self.explanation: MacroString | None = None

    def read(self, term: str) -> None:
        modifier = _MODIFIER.match(term)
        try:
            if modifier:
                self._modifier(modifier[1].lower(), term[modifier.end() :], term)
            else:
                self.mechanisms.append(_mechanism(term))
        except MacroError as fault:
            raise RecordError(term, str(fault)) from fault

    def _modifier(self, name: str, value: str, term: str) -> None:
        if name == "redirect":
            _check_once(self.redirect, term)
            self.redirect = read_domain_spec(value)
        elif name == "exp":
            _check_once(self.explanation, term)
            self.explanation = read_domain_spec(value)
        else:
            read_macros(value, DOMAIN_LETTERS)  # unknown ones are ignored, but they are macro strings (§6)


def _check_once(known: MacroString | None, term: str) -> None:
    if known is not None:
        raise RecordError(term, "this modifier stands there twice")  # RFC 7208 §6


def _mechanism(term: str) -> Mechanism:
    directive = _DIRECTIVE.match(term)
    if directive is None:
        raise RecordError(term, "this is no mechanism")
    name = directive[2].lower()
    if name not in _ARGUMENTS:
        raise RecordError(term, f"there is no mechanism {name[:40]!a}")
    return _ARGUMENTS[name](term, _QUALIFIERS[directive[1]], Kind(name), term[directive.end() :])


def _without_argument(term: str, qualifier: Result, kind: Kind, rest: str) -> Mechanism:
    if rest:
        raise RecordError(term, f"{kind} takes no argument")
    return Mechanism(term, qualifier, kind)


def _with_domain(term: str, qualifier: Result, kind: Kind, rest: str) -> Mechanism:
    if not rest.startswith(":"):
        raise RecordError(term, f"{kind} wants a colon and a domain")
    return Mechanism(term, qualifier, kind, read_domain_spec(rest[1:]))


def _with_or_without_domain(term: str, qualifier: Result, kind: Kind, rest: str) -> Mechanism:
    return _with_domain(term, qualifier, kind, rest) if rest else Mechanism(term, qualifier, kind)


def _with_prefixes(term: str, qualifier: Result, kind: Kind, rest: str) -> Mechanism:
    found = _DUAL_PREFIX.search(rest)
    assert found is not None  # it may be empty
    prefix4, prefix6 = int(found[1] or 32), int(found[2] or 128)
    _check_prefix(term, prefix4, 32)
    _check_prefix(term, prefix6, 128)
    spec = rest[: found.start()]
    domain = _with_domain(term, qualifier, kind, spec).domain if spec else None
    return Mechanism(term, qualifier, kind, domain, None, prefix4, prefix6)


def _network4(term: str, qualifier: Result, kind: Kind, rest: str) -> Mechanism:
    text, prefix = _network(term, rest, 32)
    try:
        return Mechanism(term, qualifier, kind, None, IPv4Address(text), prefix)
    except ValueError as fault:
        raise RecordError(term, "this is no IPv4 address") from fault


def _network6(term: str, qualifier: Result, kind: Kind, rest: str) -> Mechanism:
    text, prefix = _network(term, rest, 128)
    try:
        if "%" in text:  # a zone, which is no part of the grammar (RFC 4291 §2.2)
            raise ValueError(text)
        return Mechanism(term, qualifier, kind, None, IPv6Address(text), prefix6=prefix)
    except ValueError as fault:
        raise RecordError(term, "this is no IPv6 address") from fault


def _network(term: str, rest: str, most: int) -> tuple[str, int]:
    if not rest.startswith(":"):
        raise RecordError(term, "a colon and an address are wanted")
    found = _PREFIX.search(rest)
    prefix = int(found[1]) if found else most
    _check_prefix(term, prefix, most)
    return rest[1 : found.start() if found else None], prefix


def _check_prefix(term: str, prefix: int, most: int) -> None:
    if prefix > most:
        raise RecordError(term, f"/{prefix} is more than {most}")


_ARGUMENTS: Final[dict[str, Callable[[str, Result, Kind, str], Mechanism]]] = {
    Kind.ALL: _without_argument,
    Kind.INCLUDE: _with_domain,
    Kind.A: _with_prefixes,
    Kind.MX: _with_prefixes,
    Kind.PTR: _with_or_without_domain,
    Kind.IP4: _network4,
    Kind.IP6: _network6,
    Kind.EXISTS: _with_domain,
}
