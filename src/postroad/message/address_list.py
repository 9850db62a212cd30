"""Reading the address lists of other people's headers: lenient with names, strict with addresses.

Comments, groups and quoting of RFC 5322 §3.4 are understood around an address and refused within one: where two readers
would see two addresses, as in ``user@good.example(x)evil.example``, none is taken.
"""

import re
from collections.abc import Iterator
from typing import Final

from postroad.address import Address, shown
from postroad.errors import AddressError
from postroad.message.header_decode import octets_resolved, one_line, words_decoded

_LEXEME: Final = re.compile(
    r'"(?:[^"\\]|\\.)*+"'  # quoted string
    r"|=\?[^?\s]++\?[bBqQ]\?[^?\s]*+\?="  # encoded word, which may hold anything
    r"|<[^<>]*+>"
    r"|\[[^\[\]]*+\]"  # address literal
    r"|[,;:()]"
    r"|\\."  # a quote that is quoted opens nothing, and need not be looked for to the end
    r'|(?:(?!=\?)[^"<\[,;:()\\])++'
    r"|.",
    re.DOTALL,
)
_NAME_ALONE: Final = re.compile(r"<?\s*([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+)\s*>?")


def address_list(raw: str, field: str) -> tuple[Address, ...]:
    """The mailboxes of an address field; the members of a group count, its name does not.

    Raises:
        AddressError: naming ``field`` and the entry that is no mailbox.
    """
    return tuple(_mailboxes(one_line(octets_resolved(raw)), field))


def _mailboxes(text: str, field: str) -> Iterator[Address]:
    entry = _Entry(field)
    depth = 0
    for found in _LEXEME.finditer(text):
        lexeme = found.group()
        if lexeme == "(":
            depth += 1
        elif lexeme == ")" and depth:
            depth -= 1
            lexeme = " " if not depth else ")"
        if depth:
            entry.comment(lexeme if depth > 1 or lexeme != "(" else "")
        elif lexeme in (",", ";"):
            yield from entry.finished()
            entry = _Entry(field)
        elif lexeme == ":" and not entry.angled:
            entry = _Entry(field)  # what stood before was the name of a group
        else:
            entry.add(lexeme)
    if depth:
        raise AddressError(f"{field}: a comment that does not end in {shown(text)}", field=field)
    yield from entry.finished()


def qualified(raw: str, domain: str) -> str:
    """The field with ``@domain`` behind every name that stands alone where an address belongs (RFC 6409 §4.2).

    Everything else stays character by character, whether or not it can be read.
    """
    if not domain or _needs_no_domain(raw):
        return raw
    places: list[int] = []
    depth, words, angled = 0, list[re.Match[str]](), False
    for found in (*_LEXEME.finditer(raw), None):
        lexeme = found.group() if found else ","
        if lexeme in ("(", ")"):
            depth = max(0, depth + (1 if lexeme == "(" else -1))
        elif depth and found:
            continue
        elif lexeme in (",", ";", ":"):
            places += [] if lexeme == ":" or angled else _lone_name(words)
            words, angled = [], False
        elif found and lexeme.startswith("<"):
            angled = True
            places += _lone_name([found])
        elif found and lexeme.strip():
            words.append(found)
    for place in reversed(places):
        raw = f"{raw[:place]}@{domain}{raw[place:]}"
    return raw


def _needs_no_domain(raw: str) -> bool:
    """The ordinary field at a glance: one address."""
    return raw.count("@") == 1 and not any(character in raw for character in ',;("')


def _lone_name(words: "list[re.Match[str]]") -> list[int]:
    """Where a domain is missing: behind the one name that the entry's words are."""
    if len(words) != 1:
        return []
    found = _NAME_ALONE.fullmatch(words[0].group())
    return [words[0].start() + found.end(1)] if found else []


class _Entry:
    """One entry of the list, as far as it was read."""

    __slots__ = ("_comment", "_field", "_text", "angled")

    def __init__(self, field: str) -> None:
        self._field = field
        self._text: list[str] = []
        self._comment: list[str] = []
        self.angled: str | None = None

    def comment(self, text: str) -> None:
        self._comment.append(text)

    def add(self, lexeme: str) -> None:
        if lexeme.startswith("<") and lexeme.endswith(">"):
            if self.angled is not None:
                raise self._error("".join(self._text), "two addresses without a comma between them")
            self.angled = lexeme[1:-1].strip()
        elif self.angled is not None and lexeme.strip():
            raise self._error(lexeme, "text after the address; several addresses are separated by commas")
        elif self._comment and self._text and lexeme.strip() and "@" in "".join(self._text):
            # Some readers take the comment out and join both sides, others stop at it.
            raise self._error("".join(self._text) + lexeme, "a comment inside an address")
        else:
            self._text.append(lexeme)

    def finished(self) -> Iterator[Address]:
        text = "".join(self._text).strip()
        if self.angled is not None:
            yield self._address(self.angled, _name(text))
        elif text:
            yield self._address(text, _name("".join(self._comment)))

    def _address(self, spec: str, name: str) -> Address:
        try:
            return Address(spec, name)
        except AddressError as fault:
            raise AddressError(f"{self._field}: {fault.message}", field=self._field, advice=fault.advice) from fault

    def _error(self, text: str, why: str) -> AddressError:
        return AddressError(f"{self._field}: {shown(text)}: {why}", field=self._field)


def _name(text: str) -> str:
    """A display name: quotes taken off, encoded words decoded, also where they stand in quotes against the rule."""
    if '"' in text:
        text = re.sub(r'\\.|"((?:[^"\\]|\\.)*+)"', _unquoted, text)
    return one_line(words_decoded(text) if "=?" in text else text)


def _unquoted(found: "re.Match[str]") -> str:
    return found.group() if found[1] is None else re.sub(r"\\(.)", r"\1", found[1])
