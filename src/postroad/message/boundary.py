"""Boundaries of multipart bodies: made from the content, and certain not to occur in it (RFC 2046 §5.1.1).

Every boundary begins with ``=_``, which neither quoted-printable nor base64 can produce (a trick that RFC 2045 §6.7
names), so only parts that go as they are have to be looked through.
"""

from binascii import crc32
from typing import Final

from postroad.message.encode import Encoded, Encoding

# crc32 gives up the interpreter lock above 5 KiB. In a busy process getting it back costs ten times the checksum of an
# ordinary body, which is therefore taken in pieces; a large one is worth the other threads' turn.
_PIECE: Final = 4096
_LARGE: Final = 64 * 1024


def _checksum(body: bytes, checksum: int) -> int:
    if len(body) <= _PIECE or len(body) > _LARGE:
        return crc32(body, checksum)
    for start in range(0, len(body), _PIECE):
        checksum = crc32(body[start : start + _PIECE], checksum)
    return checksum


class Boundaries:
    """Makes the boundaries of one message, after every leaf it holds was shown to ``saw``.

    A checksum is enough: a boundary is no secret, only different from the next one and absent from the parts.
    """

    __slots__ = ("_checksum", "_octets", "_plain", "_used")

    def __init__(self) -> None:
        self._checksum = 0
        self._octets = 0
        self._plain: list[bytes] = []  # parts in which a boundary could occur
        self._used: set[bytes] = set()

    def saw(self, encoded: Encoded) -> None:
        """Take a leaf's body into account."""
        self._checksum = _checksum(encoded.body, self._checksum)
        self._octets += len(encoded.body)
        if encoded.encoding is Encoding.SEVEN_BIT and b"=_" in encoded.body:
            self._plain.append(encoded.body)

    def make(self) -> bytes:
        """A boundary for what was seen so far; never the same twice, never the beginning of another."""
        number = len(self._used)
        while True:
            boundary = b"=_%08x.%010x.%06x" % (self._checksum, self._octets, number)
            if boundary not in self._used and not any(boundary in body for body in self._plain):
                self._used.add(boundary)
                return boundary
            number += 1
