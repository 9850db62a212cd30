"""Macros: texts that change with who sends, and from where (RFC 7208 §7)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

MAX_NAME: Final = 253  # octets of a name in text; what is longer loses labels on its left (RFC 7208 §7.3)
_TAIL: Final = MAX_NAME + 2  # the dot before it shows where its first label begins; a final dot goes
MAX_TEXT: Final = 65_535  # characters of an expanded explanation: no TXT record holds more (RFC 1035 §3.2.1)
DOMAIN_LETTERS: Final = frozenset("slodiphv")  # RFC 7208 §7.2
TEXT_LETTERS: Final = DOMAIN_LETTERS | frozenset("crt")  # "only in exp text" (§7.2)
_ALL_PARTS: Final = 128  # a name has 127 labels at most, so this many parts are all of them (§7.3)
_MACRO: Final = re.compile(r"%\{([A-Za-z])([0-9]*)([rR]?)([.\-+,/_=]*)\}|%([%_-])|%")
_PLAIN: Final = {"%": "%", "_": " ", "-": "%20"}
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")  # RFC 3986 §2.3
_ALPHANUM: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")


class MacroError(ValueError):
    """A text that is no macro string; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Macro:
    """``%{letter digits r delimiters}``: one value, taken apart, turned round, shortened and joined with dots."""

    letter: str  # in lower case
    parts: int = _ALL_PARTS  # how many are kept, from the right
    reverse: bool = False
    delimiters: str = ""
    escape: bool = False  # for a URL: the letter was in upper case

    def expand(self, values: Mapping[str, str]) -> str:
        value = values[self.letter]
        if self.parts < _ALL_PARTS or self.reverse or self.delimiters:
            value = self._transformed(value)
        return _url_escaped(value) if self.escape else value

    def _transformed(self, value: str) -> str:
        delimiters = self.delimiters or "."
        for delimiter in delimiters[1:]:
            value = value.replace(delimiter, delimiters[0])
        parts = value.split(delimiters[0])
        if self.reverse:
            parts.reverse()
        return ".".join(parts[-self.parts :])


@dataclass(frozen=True, slots=True)
class MacroString:
    """A text with its macros, and as it was written. ``%%``, ``%_`` and ``%-`` are macros, too."""

    text: str
    parts: tuple[str | Macro, ...]
    ends_in_macro: bool = False

    @property
    def letters(self) -> frozenset[str]:
        """Which values it needs."""
        return frozenset(part.letter for part in self.parts if isinstance(part, Macro))

    def expand(self, values: Mapping[str, str]) -> str | None:
        """The text; ``None`` if it becomes longer than ``MAX_TEXT``."""
        pieces, length = list[str](), 0
        for piece in self._pieces(values):
            length += len(piece)
            if length > MAX_TEXT:
                return None
            pieces.append(piece)
        return "".join(pieces)

    def name(self, values: Mapping[str, str]) -> str:
        """The domain name: what is too long loses labels on its left, and the final dot goes (RFC 7208 §7.3)."""
        tail = ""
        # From the right, for only so much of it counts: a record may hold thousands of macros.
        for piece in self._pieces(values, from_right=True):
            tail = piece[-_TAIL:] + tail
            if len(tail) >= _TAIL:
                break
        tail = tail.removesuffix(".")
        return tail if len(tail) <= MAX_NAME else tail[-(MAX_NAME + 1) :].partition(".")[2]

    def _pieces(self, values: Mapping[str, str], *, from_right: bool = False) -> Iterator[str]:
        known: dict[Macro, str] = {}
        for part in reversed(self.parts) if from_right else self.parts:
            if isinstance(part, str):
                yield part
            else:
                if part not in known:
                    known[part] = part.expand(values)
                yield known[part]


def read_macros(text: str, letters: frozenset[str]) -> MacroString:
    """Read a ``macro-string`` (RFC 7208 §7.1); which characters may stand between the macros is not looked at.

    Raises:
        MacroError: a ``%`` begins no macro, or one with a letter that may not stand here.
    """
    parts: list[str | Macro] = []
    end = 0
    for found in _MACRO.finditer(text):
        if found.start() > end:
            parts.append(text[end : found.start()])
        parts.append(_read_macro(found, letters))
        end = found.end()
    if end < len(text):
        return MacroString(text, (*parts, text[end:]))
    return MacroString(text, tuple(parts), ends_in_macro=bool(parts))


def read_domain_spec(text: str) -> MacroString:
    """Read a ``domain-spec`` (RFC 7208 §7.1): it ends in a macro, or in a dot and a top label.

    Raises:
        MacroError: it is none.
    """
    if not text:
        raise MacroError("the domain is missing")
    spec = read_macros(text, DOMAIN_LETTERS)
    if not spec.ends_in_macro:
        _check_top_label(spec)
    return spec


def _read_macro(found: "re.Match[str]", letters: frozenset[str]) -> str | Macro:
    letter, digits, reverse, delimiters, plain = found.groups()
    if plain is not None:
        return _PLAIN[plain]
    if letter is None:
        raise MacroError(f"a % begins no macro: {found.string[found.start() : found.start() + 20]!a}")
    if letter.lower() not in letters:
        raise MacroError(f"%{{{letter}}} may not stand here")
    if digits and not digits.strip("0"):
        raise MacroError(f"{found[0][:20]!a} keeps no part")  # "the value MUST be nonzero" (§7.3)
    parts = min(int(digits.lstrip("0")[:4] or _ALL_PARTS), _ALL_PARTS)
    return Macro(letter.lower(), parts, bool(reverse), delimiters, letter.isupper())


def _check_top_label(spec: MacroString) -> None:
    """``domain-end`` (RFC 7208 §7.1)."""
    _, dot, label = str(spec.parts[-1]).removesuffix(".").rpartition(".")
    if not dot:
        raise MacroError(f"{spec.text[:80]!a} is not a domain name with a dot")
    if not _is_top_label(label):
        raise MacroError(f"{label[:80]!a} is no top-level domain")


def _is_top_label(label: str) -> bool:
    if not label or not _ALPHANUM.issuperset(label.replace("-", "")):
        return False
    if "-" in label:
        return not label.startswith("-") and not label.endswith("-")
    return not label.isdigit()


def _url_escaped(value: str) -> str:
    octets = value.encode("utf-8", "replace")  # RFC 3986 §2.5
    return "".join(chr(octet) if chr(octet) in _UNRESERVED else f"%{octet:02X}" for octet in octets)
