"""Content-Transfer-Encoding: any octets as lines of ASCII (RFC 2045 §6).

What is rendered is always 7-bit, because it is rendered, and signed, before any server is known.
"""

import re
from binascii import b2a_base64, b2a_qp
from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple

LINE: Final = 76  # characters of a line in quoted-printable and base64; RFC 2045 §6.7 rule 5 and §6.8
PLAIN_LINE: Final = 78  # characters of a line that goes as it is: the SHOULD of RFC 5322 §2.1.1
MUST: Final = 998  # octets of a line without its CRLF; RFC 5322 §2.1.1
_OCTETS_A_LINE: Final = LINE // 4 * 3

_TEXT: Final = b"\t\r\n" + bytes(range(0x20, 0x7F))
# A line that begins so is changed to ">From " by mbox stores, which breaks signatures.
_FROM_LINE: Final = rb"(?m)^From [^\r\n]*"


class Encoding(Enum):
    """The three ways that every server can carry."""

    SEVEN_BIT = "7bit"
    QUOTED_PRINTABLE = "quoted-printable"
    BASE64 = "base64"


class Encoded(NamedTuple):
    """A body ready for the wire, in lines of CRLF; the last line has none: what follows the body brings it."""

    encoding: Encoding
    body: bytes


def canonical(text: str) -> bytes:
    """Text as UTF-8 with CRLF line ends (RFC 2046 §4.1.1)."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\n", "\r\n").encode()


def canonical_lines(octets: bytes) -> bytes:
    """The octets of a text with CRLF line ends."""
    return octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def encode_text(octets: bytes) -> Encoded:
    """Canonical text in the first of 7bit, or the shorter of quoted-printable and base64."""
    if is_plain(octets):
        return Encoded(Encoding.SEVEN_BIT, octets)
    return _shorter(octets, quoted_printable)


def encode_text_file(octets: bytes) -> Encoded:
    """A text whose line ends must arrive as they are."""
    return _shorter(octets, quoted_printable_exact)


def encode_octets(octets: bytes) -> Encoded:
    """Octets of any kind."""
    return Encoded(Encoding.BASE64, base64(octets))


def _shorter(octets: bytes, quote: Callable[[bytes], bytes]) -> Encoded:
    # Each octet that quoted-printable must escape costs two more. Where that alone is too much, it need not be made.
    escaped = len(octets.translate(None, _TEXT))
    most = base64_length(len(octets))
    if len(octets) + 2 * escaped <= most:
        quoted = quote(octets)
        if len(quoted) <= most:
            return Encoded(Encoding.QUOTED_PRINTABLE, quoted)
    return Encoded(Encoding.BASE64, base64(octets))


def is_plain(octets: bytes) -> bool:
    """Whether the canonical text survives as it is: ASCII, short lines, nothing that servers or stores touch."""
    if not octets.isascii() or octets.translate(None, _TEXT):
        return False
    if b" \r\n" in octets or b"\t\r\n" in octets or octets.endswith((b" ", b"\t")):
        return False  # trailing white space gets lost on the way
    if octets.startswith(b"From ") or b"\nFrom " in octets:
        return False  # mbox stores change such lines to ">From "
    lines = octets.split(b"\r\n")
    return b"." not in lines and max(map(len, lines)) <= PLAIN_LINE


def fits_seven_bit(octets: bytes) -> bool:
    """Whether CRLF lines can go as they are: ASCII, no NUL, no bare CR, at most 998 octets (RFC 2045 §2.7)."""
    lines = octets.split(b"\r\n")
    return octets.isascii() and b"\0" not in octets and b"\r" not in b"".join(lines) and max(map(len, lines)) <= MUST


def quoted_printable(octets: bytes) -> bytes:
    """Canonical text in quoted-printable (RFC 2045 §6.7)."""
    if octets.endswith(b"\r\n"):
        return _without_from_lines(b2a_qp(octets, istext=True))
    # The encoder takes its line end from the text, so it must see one.
    return _without_from_lines(b2a_qp(octets + b"\r\n", istext=True)[:-2])


def quoted_printable_exact(octets: bytes) -> bytes:
    """Octets in quoted-printable, line ends escaped like all else (RFC 2045 §6.7 rule 4)."""
    return _without_from_lines(b2a_qp(octets, istext=False).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def _without_from_lines(quoted: bytes) -> bytes:
    return re.sub(_FROM_LINE, _guard_from, quoted) if b"From " in quoted else quoted


def _guard_from(line: "re.Match[bytes]") -> bytes:
    rest = line.group()[5:]
    guarded = b"=46rom " + rest
    if len(guarded) <= LINE:
        return guarded
    return b"=46rom =\r\n" + (b"=46" + rest[1:] if rest.startswith(b"From ") else rest)


def base64(octets: bytes) -> bytes:
    """Octets in base64, 76 characters a line (RFC 2045 §6.8)."""
    lines = [b2a_base64(octets[start : start + _OCTETS_A_LINE]) for start in range(0, len(octets), _OCTETS_A_LINE)]
    return b"".join(lines)[:-1].replace(b"\n", b"\r\n")


def base64_length(octets: int) -> int:
    """How long ``base64`` makes so many octets."""
    characters = (octets + 2) // 3 * 4
    return characters + 2 * ((characters - 1) // LINE) if octets else 0
