"""Canonical forms of header fields and bodies, and the hash of a body (RFC 6376 §3.4).

No regular expressions: whether there is white space to change is found by searching
for it, which for most mail says no.
"""

import hashlib
from enum import StrEnum
from typing import Final, NamedTuple

_CHUNK: Final = 262_144  # octets that are made canonical at a time; a body of less is not copied into chunks


class Canonicalization(StrEnum):
    """How much may change on the way: nothing, or white space."""

    SIMPLE = "simple"
    RELAXED = "relaxed"


class Canon(NamedTuple):
    """The two that ``c=`` names (RFC 6376 §3.5)."""

    header: Canonicalization = Canonicalization.RELAXED
    body: Canonicalization = Canonicalization.RELAXED

    @classmethod
    def read(cls, text: str) -> "Canon":
        """``relaxed/simple``; a header's alone means a body's ``simple``.

        Raises:
            ValueError: a word that is neither simple nor relaxed.
        """
        header, slash, body = text.partition("/")
        return cls(Canonicalization(header), Canonicalization(body if slash else "simple"))

    def __str__(self) -> str:
        return f"{self.header}/{self.body}"


def canonical_field(raw: bytes, how: Canonicalization) -> bytes:
    """A whole header field with its last CRLF."""
    if how is Canonicalization.SIMPLE:  # §3.4.1
        return raw
    return relaxed_field(raw.partition(b":")[0].rstrip(b" \t").lower(), raw)


def relaxed_field(key: bytes, raw: bytes) -> bytes:
    """A whole header field whose name in lower case is known (§3.4.2)."""
    value = raw[raw.find(b":") + 1 : -2]
    if b"\n" in value:
        value = value.replace(b"\r\n", b"")
    if b"  " in value or b"\t" in value:
        value = _single_spaced(value)
    return b"%b:%b\r\n" % (key, value.strip(b" "))


def canonical_body(body: bytes, how: Canonicalization) -> bytes:
    """A whole body. For a large one, or for one that comes piece by piece, there is ``BodyHash``."""
    if how is Canonicalization.RELAXED:
        body = _relaxed_lines(body)
        # The last line may lack its CRLF, and the white space before it then still stands there.
        body = body[:-1] if body.endswith(b" ") else body
    body = body[: _end_of_text(body)]
    if body and not body.endswith(b"\r\n"):
        return body + b"\r\n"
    return body or (b"\r\n" if how is Canonicalization.SIMPLE else b"")  # §3.4.3, §3.4.4


class BodyHash:
    """The hash of a canonical body that comes in pieces, cut anywhere; ``length`` is the ``l=`` tag, in octets."""

    def __init__(self, how: Canonicalization, *, length: int | None = None) -> None:
        self._how = how
        self._hash = hashlib.sha256()  # nothing else is left (RFC 8301 §3.1)
        self._length = length
        self._held: list[bytes] = []  # white space and line ends, of which only what follows says what becomes of them
        self._octets = 0  # of the canonical body so far

    def update(self, piece: bytes) -> None:
        """The next octets of the body."""
        text = piece.rstrip(b" \t\r\n")
        if text:
            settled = b"".join((*self._held, text))
            self._held.clear()
            self._feed(_relaxed_lines(settled) if self._how is Canonicalization.RELAXED else settled)
        if len(text) < len(piece):
            self._held.append(piece[len(text) :])

    def digest(self) -> bytes:
        """The hash; nothing may be added after it."""
        last = b"".join(self._held)
        self._held.clear()
        if not self._octets:
            self._feed(canonical_body(last, self._how))
        else:
            # One octet of text before it, so that it is the end of a body, not a whole one.
            self._feed(canonical_body(b"." + last, self._how)[1:])
        return self._hash.digest()

    @property
    def octets(self) -> int:
        """How long the canonical body is, complete once ``digest`` was asked for."""
        return self._octets

    def _feed(self, canonical: bytes) -> None:
        if self._length is not None:
            self._hash.update(canonical[: max(self._length - self._octets, 0)])
        else:
            self._hash.update(canonical)
        self._octets += len(canonical)


class BodyDigest(NamedTuple):
    """``octets`` is the length of the whole canonical body."""

    digest: bytes
    octets: int


def body_digest(body: bytes, how: Canonicalization, *, length: int | None = None) -> BodyDigest:
    """The hash of a body, of its first ``length`` canonical octets where that is given (``l=``)."""
    if len(body) <= _CHUNK:
        canonical = canonical_body(body, how)
        return BodyDigest(hashlib.sha256(canonical[:length]).digest(), len(canonical))
    hashing = BodyHash(how, length=length)
    for start in range(0, len(body), _CHUNK):
        hashing.update(body[start : start + _CHUNK])
    return BodyDigest(hashing.digest(), hashing.octets)


def _single_spaced(text: bytes) -> bytes:
    """Each run of spaces and tabs as one space. Runs halve in each round, so no text takes many."""
    if b"\t" in text:
        text = text.replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text


def _relaxed_lines(text: bytes) -> bytes:
    """White space within lines reduced, and none left at the end of those that have one (§3.4.4 a)."""
    text = _single_spaced(text)
    return text.replace(b" \r\n", b"\r\n") if b" \r\n" in text else text


def _end_of_text(body: bytes) -> int:
    """Where the empty lines at the end begin: behind the CRLF of the last line that holds anything."""
    tail = len(body.rstrip(b"\r\n"))
    if tail + 2 >= len(body):
        return tail if body[tail:] == b"\r\n" and not tail else len(body)
    # Of what is left, only whole CRLFs are line ends; a bare CR or LF is text.
    start = max(body.rfind(b"\r\r", tail), body.rfind(b"\n\n", tail), tail - 1) + 1
    if body.endswith(b"\r"):
        return len(body)
    start += body[start : start + 1] == b"\n"
    return start if not start else min(start + 2, len(body))
