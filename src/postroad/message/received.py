"""One Received field: what a server wrote down when it took a message over.

The grammar is that of RFC 5321 §4.4; what stands in real mail is wider, so everything here is optional and nothing is
an error. Postfix, sendmail, Exim, qmail, Exchange and Gmail each put the client's address, the TLS version and the
account into comments of their own form.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Final

from postroad.message.header_decode import octets_resolved, one_line

# RFC 5321 §4.4, and "tls" of RFC 8314 §4.3.
_CLAUSES: Final = frozenset({"from", "by", "via", "with", "id", "for", "tls"})
_LEXEME: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|\\.|[();]|[^\s();"\\]++|["\\]', re.DOTALL)
# IANA "Mail Transmission Types": RFC 5321 §4.4, RFC 3848, RFC 6531 §4.3. S is TLS, A is AUTH.
_REGISTERED: Final = re.compile(r"(?:UTF8)?(?:SMTP|LMTP)(S?)(A?)|(?:ESMTP)(S?)(A?)|SMTP", re.IGNORECASE)
_VERSION: Final = re.compile(r"(?i)(?<![a-z0-9_])(TLS|SSL)\s?v?(1(?:[._][0-3])?|[23])(?![a-z0-9])")
_CIPHERS: Final = (
    re.compile(r"(?i)\bcipher(?:\s*[=:]\s*|\s+)([a-z0-9][a-z0-9_.-]{2,80})"),
    re.compile(r"\b(TLS_[A-Z0-9_]{6,80})"),
    re.compile(r"(?i)(?:TLS|SSL)v?[0-9][0-9._]*[:, ]\s*([A-Z0-9]{2,20}[_-][A-Z0-9_-]{2,80})"),
    re.compile(r"\b([A-Z0-9]{2,20}(?:-[A-Z0-9]{2,20}){1,6})\s+encrypted\b"),
)
_HELO: Final = re.compile(r"(?i)\b(?:helo|ehlo)[ =]\s*(\S+)")
_HOST_BEFORE_ADDRESS: Final = re.compile(r"(?:^|[\s@])([A-Za-z0-9_][A-Za-z0-9_.-]*)\s*\[")
_AUTHENTICATED: Final = re.compile(
    r"(?i)(?<!not )\bauthenticated(?:\s+(?:sender|user|as))?\s*[:=]?\s*([^\s(),;]*@?[^\s(),;]*)"
)
_ADDRESS: Final = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f.:]{2,45})\]|(?:^|[\s@(])([0-9A-Fa-f.:]{3,45})(?=$|[\s):])")
_DATE_FAULTS: Final = (ValueError, TypeError, IndexError, OverflowError, AttributeError)
MAX_OCTETS: Final = 10_000  # of a field; ten times what the longest of them have


@dataclass(frozen=True, slots=True)
class Received:
    """A hop, as the server that wrote it saw it; ``None`` is what it did not say.

    ``helo`` is the name the client gave, ``host`` the one its address has by DNS, ``address`` its IP address. ``by`` is
    who wrote the field; ``protocol`` stands behind ``with``. ``tls`` is true where TLS is said or shown, false where a
    registered protocol says there was none. ``user`` is the account, where it is named.
    """

    helo: str | None = None
    host: str | None = None
    address: str | None = None
    by: str | None = None
    via: str | None = None
    protocol: str | None = None
    id: str | None = None
    recipient: str | None = None
    at: datetime | None = None
    tls: bool | None = None
    tls_version: str | None = None
    cipher: str | None = None
    authenticated: bool | None = None
    user: str | None = None

    @classmethod
    def read(cls, value: str) -> "Received":
        """Read the field's value, folded or not. Whatever it holds, something comes out."""
        text = one_line(octets_resolved(value[:MAX_OCTETS]))
        clauses = _clauses(text)
        protocol = _words(clauses, "with")
        comments = [comment for clause in clauses.values() for comment in clause.comments]
        version, cipher = _tls(clauses, comments)
        secure, known = _by_protocol(protocol)
        shown, user = _account(comments)
        client = _client(clauses.get("from"))
        return cls(
            helo=client.helo,
            host=client.host,
            address=client.address,
            by=_first(clauses, "by"),
            via=_words(clauses, "via"),
            protocol=protocol,
            id=_first(clauses, "id"),
            recipient=_first(clauses, "for"),
            at=_moment(text),
            tls=True if version or cipher else secure,
            tls_version=version,
            cipher=cipher,
            authenticated=True if shown else known,
            user=user,
        )


# ── the parts of the field ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Clause:
    words: list[str]
    comments: list[str]


def _clauses(text: str) -> dict[str, _Clause]:
    """What stands behind each keyword, up to the date; before the first one, under an empty name."""
    clause = _Clause([], [])
    clauses = {"": clause}
    for kind, lexeme in _lexemes(text):
        keyword = lexeme.lower()
        if kind == ";":
            break
        if kind == "(":
            clause.comments.append(lexeme)
        elif keyword in _CLAUSES and keyword not in clauses:
            clause = clauses[keyword] = _Clause([], [])
        else:
            clause.words.append(lexeme)
    return clauses


def _lexemes(text: str) -> Iterator[tuple[str, str]]:
    """Words, and whole comments (RFC 5322 §3.2.2), which may hold others; a semicolon outside of them."""
    depth = start = 0
    for found in _LEXEME.finditer(text):
        lexeme = found.group()
        if lexeme == "(":
            start = found.end() if not depth else start
            depth += 1
        elif lexeme == ")" and depth:
            depth -= 1
            if not depth:
                yield "(", text[start : found.start()]
        elif not depth:
            yield (";" if lexeme == ";" else "word"), lexeme
    if depth:
        yield "(", text[start:]


def _words(clauses: dict[str, _Clause], name: str) -> str | None:
    clause = clauses.get(name)
    return " ".join(clause.words) or None if clause else None


def _first(clauses: dict[str, _Clause], name: str) -> str | None:
    clause = clauses.get(name)
    return clause.words[0].strip("<>") or None if clause and clause.words else None


def _moment(text: str) -> datetime | None:
    """The date behind the last semicolon (RFC 5321 §4.4)."""
    _, semicolon, date = text.rpartition(";")
    return read_date(date) if semicolon else None


def read_date(text: str) -> datetime | None:
    """A date of a header (RFC 5322 §3.3, §4.3) in UTC, for which it is also taken without its zone."""
    try:
        instant = parsedate_to_datetime(text.strip())
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except _DATE_FAULTS:
        return None


# ── the client ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Client:
    helo: str | None = None
    host: str | None = None
    address: str | None = None


def _client(clause: _Clause | None) -> _Client:
    # Postfix, sendmail: "helo (host [address])"; Exim: "host ([address] helo=helo)"; qmail: "host (HELO helo) (ip)".
    if clause is None:
        return _Client()
    said = clause.words[0].strip("<>").rstrip(".") if clause.words else None
    address = _address(said or "") or next(filter(None, map(_address, clause.comments)), None)
    helo = next((found[1] for comment in clause.comments if (found := _HELO.search(comment))), None)
    if helo is not None:
        return _Client(helo.strip("[]") if _address(helo) else helo, _known(said), address)
    hosts = (found[1] for comment in clause.comments if (found := _HOST_BEFORE_ADDRESS.search(comment)))
    return _Client(said, _known(next(hosts, None)), address)


def _known(host: str | None) -> str | None:
    return None if host is None or host.lower() == "unknown" or _address(host) else host.rstrip(".")


def _address(text: str) -> str | None:
    for found in _ADDRESS.finditer(text):
        try:
            return str(ip_address(found[1] or found[2].rstrip(":.")))
        except ValueError:
            continue
    return None


# ── TLS and AUTH ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _tls(clauses: dict[str, _Clause], comments: list[str]) -> tuple[str | None, str | None]:
    version = next((found for comment in comments if (found := _VERSION.search(comment))), None)
    cipher = _first(clauses, "tls")
    for pattern in () if cipher else _CIPHERS:
        cipher = next((found[1] for comment in comments if (found := pattern.search(comment))), None)
        if cipher:
            break
    return (f"{version[1].upper()}v{version[2].replace('_', '.')}" if version else None), cipher


def _by_protocol(protocol: str | None) -> tuple[bool | None, bool | None]:
    """Whether there was TLS, and AUTH; unknown where the protocol is not one of the registered."""
    found = _REGISTERED.fullmatch(protocol or "")
    if found is None:
        return None, None
    return bool(found[1] or found[3]), bool(found[2] or found[4])


def _account(comments: list[str]) -> tuple[bool, str | None]:
    for comment in comments:
        found = _AUTHENTICATED.search(comment)
        if found:
            return True, found[1] if "sender" in found[0].lower() or "@" in found[1] else None
    return False, None
