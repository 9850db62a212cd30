"""Reading Authentication-Results (RFC 8601 §2.2) as receivers write them: strict in meaning, lenient in spelling.

A result counts only if all of it can be read; one that cannot is kept as text and the next is read. So nothing that a
stranger puts into a value, a comment or a reason becomes a result of its own.
"""

import re
from dataclasses import dataclass
from typing import Final

from postroad.mailauth.domain_name import domain_name
from postroad.mailauth.results.value import KEYWORD, VERSION, AuthenticationResults, MethodResult, Property
from postroad.message.header_decode import octets_resolved, one_line

MAX_OCTETS: Final = 65_536  # of a field; a receiver with fifty signatures to tell of writes 10,000
_WHITE: Final = re.compile(r"[ \t]+")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*+)"')
# Wider than the token of RFC 2045 §5.1: addresses, "<>" and IPv6 addresses are written without quotes.
_WORD: Final = re.compile(r'[^ \t;"()\\]+')
_NAME: Final = re.compile(r'[^ \t;"()\\=]+')
_NUMBER: Final = re.compile(r"[0-9]{1,3}(?![^ \t;()=])")
_ESCAPED: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """There is no Authentication-Results in this field; ``reason`` says why."""

    reason: str


def read_results(value: str) -> AuthenticationResults | Unreadable:
    """Read a field's value, folded or not. It never raises."""
    if len(value) > MAX_OCTETS:
        return Unreadable(f"more than {MAX_OCTETS} octets")
    return _payload(_Scanner(one_line(octets_resolved(value))))


def read_arc_instance(value: str) -> int | None:
    """The place in its chain that an ARC-Authentication-Results field begins with (RFC 8617 §4.1.1), whether or not the
    results behind it can be read. It never raises."""
    return _instance(_Scanner(one_line(octets_resolved(value[:MAX_OCTETS]))))


def claims_to_be_from(value: str, authserv_id: str) -> bool:
    """Whether a field says that this service wrote it, or cannot be read: a border deletes both (RFC 8601 §5)."""
    results = read_results(value)
    return isinstance(results, Unreadable) or _spelled(results.authserv_id) == _spelled(authserv_id)


def _spelled(authserv_id: str) -> str:
    """In the one spelling of a domain name, where it is one (RFC 8601 §2.5)."""
    plain = authserv_id.strip()
    return domain_name(plain) or plain.casefold()


class _Malformed(ValueError):
    """What is there is not what the grammar has there."""


class _Scanner:
    """Takes pieces from the front of a text; white space and comments (CFWS) are skipped, comments are kept."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self.comments: list[str] = []

    @property
    def at_end(self) -> bool:
        return self._place >= len(self._text)

    def skip(self) -> None:
        while not self.at_end:
            if white := _WHITE.match(self._text, self._place):
                self._place = white.end()
            elif self._text[self._place] == "(":
                self._comment()
            else:
                return

    def stands(self, sign: str) -> bool:
        return self._text.startswith(sign, self._place)

    def takes(self, sign: str) -> bool:
        self.skip()
        if not self.stands(sign):
            return False
        self._place += len(sign)
        return True

    def expect(self, sign: str) -> None:
        if not self.takes(sign):
            raise _Malformed(f"no {sign} where one belongs")

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self.skip()
        found = pattern.match(self._text, self._place)
        if found:
            self._place = found.end()
        return found

    def keyword(self) -> str:
        found = self.match(KEYWORD)
        if found is None:
            raise _Malformed("no keyword where one belongs")
        return found.group().lower()

    def value(self, unquoted: re.Pattern[str] = _WORD) -> str:
        """A token, a quoted string, or an address whose local part is quoted; nothing at all is the null address."""
        self.skip()
        parts = []
        while not self.at_end:
            if quoted := _QUOTED.match(self._text, self._place):
                parts.append(_ESCAPED.sub(r"\1", quoted[1]))
                self._place = quoted.end()
            elif word := unquoted.match(self._text, self._place):
                parts.append(word.group())
                self._place = word.end()
            else:
                break
        return "".join(parts)

    def rest_of_result(self, start: int) -> str:
        """What stands behind the semicolon at ``start``, if there is one, up to the next that is neither quoted nor
        in a comment."""
        start += self._text.startswith(";", start)
        self._place = start
        while not self.at_end and not self.stands(";"):
            if self.stands("("):
                self._comment(strict=False)
            elif self.stands('"'):
                quoted = _QUOTED.match(self._text, self._place)
                self._place = quoted.end() if quoted else len(self._text)
            else:
                self._place += 1
        return self._text[start : self._place].strip()

    @property
    def place(self) -> int:
        return self._place

    def _comment(self, *, strict: bool = True) -> None:
        """Comments may hold comments (RFC 5322 §3.2.2)."""
        depth, start, place = 0, self._place, self._place
        while place < len(self._text):
            sign = self._text[place]
            depth += (sign == "(") - (sign == ")")
            place += 2 if sign == "\\" else 1
            if not depth:
                self._place = place
                self.comments.append(self._text[start + 1 : place - 1].strip())
                return
        self._place = len(self._text)
        if strict:
            raise _Malformed("a comment that does not end")


def _payload(scanner: _Scanner) -> AuthenticationResults | Unreadable:
    try:
        authserv_id = scanner.value(_NAME)
        version = scanner.match(_NUMBER)
        scanner.skip()
    except _Malformed as fault:
        return Unreadable(str(fault))
    if not authserv_id.strip() or scanner.stands("="):
        return Unreadable("it does not say who wrote it")
    if not scanner.at_end and not scanner.stands(";"):
        # Whose name is it then: "mx.example.com", or what another reader makes of "mx (.) example.com"?
        return Unreadable("something stands between the name of who wrote it and the results")
    if version and int(version.group()) != VERSION:
        return Unreadable(f"version {version.group()} of the field is not known")  # §2.5
    results: list[MethodResult] = []
    unread: list[str] = []
    while not scanner.at_end:
        start = scanner.place
        try:
            result = _result(scanner)
        except _Malformed:
            unread.append(scanner.rest_of_result(start))
        else:
            results += [result] if result else []
    return AuthenticationResults(authserv_id, tuple(results), VERSION, tuple(filter(None, unread)))


def _result(scanner: _Scanner) -> MethodResult | None:
    """One result with the semicolon before it; ``None`` for ``none``, and for a semicolon with nothing behind it."""
    scanner.expect(";")
    scanner.comments.clear()
    scanner.skip()
    if scanner.at_end:
        return None
    method = scanner.keyword()
    version = VERSION
    if scanner.takes("/"):
        number = scanner.match(_NUMBER)
        if number is None:
            raise _Malformed("no version behind /")
        version = int(number.group())
    if _ends(scanner):
        if method == "none":
            return None
        raise _Malformed("a method without a result")
    scanner.expect("=")
    result = scanner.keyword()
    reason, properties = _details(scanner)
    return MethodResult(method, result, properties, reason, "; ".join(filter(None, scanner.comments)), version)


def _details(scanner: _Scanner) -> tuple[str, tuple[Property, ...]]:
    reason = ""
    properties: list[Property] = []
    while not _ends(scanner):
        word = scanner.keyword()
        if scanner.takes("."):
            name = scanner.keyword()
            scanner.expect("=")
            properties.append(Property(word, name, scanner.value()))
        elif word == "reason":
            scanner.expect("=")
            reason = scanner.value()
        else:  # "action=none", as some write without a type, says nothing that is defined
            scanner.expect("=")
            scanner.value()
    return reason, tuple(properties)


def _ends(scanner: _Scanner) -> bool:
    scanner.skip()
    return scanner.at_end or scanner.stands(";")


def _instance(scanner: _Scanner) -> int | None:
    """``i=1;`` before everything else (RFC 8617 §4.2.1)."""
    try:
        scanner.expect("i")
        scanner.expect("=")
        number = scanner.match(_NUMBER)
        scanner.expect(";")
    except _Malformed:
        return None
    return int(number.group()) if number else None
