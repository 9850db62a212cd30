"""Encoded words: non-ASCII text in header fields (RFC 2047).

Each word is at most 75 characters, is UTF-8, and holds whole characters: a word must decode by itself (RFC 2047 §5).
They stand for text and for display names only, never inside an address, a URI or a msg-id (RFC 2047 §5 rule 3).
"""

from binascii import b2a_base64
from typing import Final

MAX_WORD: Final = 75  # characters; RFC 2047 §2
MAX_LINE: Final = 76  # characters of a line that holds an encoded word; RFC 2047 §2
_FRAME: Final = len("=?utf-8?q??=")
MIN_ROOM: Final = _FRAME + 12  # the least useful word: one character of four octets in Q

# RFC 2047 §5 rule 3: what may stand bare in Q inside a phrase; used everywhere, so that one table serves all fields.
_BARE: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/"
_Q: Final = ["_" if code == 0x20 else chr(code) if code in _BARE else f"={code:02X}" for code in range(256)]


def encoded_words(text: str, first_room: int = MAX_WORD) -> list[str]:
    """The text as encoded words; the first one takes at most ``first_room`` characters.

    In Q, which people can still read, unless B is much shorter.
    """
    if not MIN_ROOM <= first_room <= MAX_WORD:
        first_room = MAX_WORD
    octets = text.encode()
    quoted = octets.decode("latin-1").translate(_Q)
    if len(quoted) <= len(octets) * 2:  # B makes 4 characters of 3 octets
        return _q_words(quoted, first_room)
    return _b_words(octets, first_room)


def _q_words(quoted: str, room: int) -> list[str]:
    words = []
    start, end = 0, len(quoted)
    while end - start > room - _FRAME:
        cut = start + room - _FRAME
        if quoted[cut - 1] == "=":  # never inside =XX
            cut -= 1
        elif quoted[cut - 2] == "=":
            cut -= 2
        while quoted[cut] == "=" and quoted[cut + 1] in "89AB":  # never before a continuation octet (RFC 3629 §3)
            cut -= 3
        words.append(f"=?utf-8?q?{quoted[start:cut]}?=")
        start, room = cut, MAX_WORD
    words.append(f"=?utf-8?q?{quoted[start:]}?=")
    return words


def _b_words(octets: bytes, room: int) -> list[str]:
    words = []
    start, end = 0, len(octets)
    while start < end:
        cut = start + (room - _FRAME) // 4 * 3
        while cut < end and octets[cut] & 0xC0 == 0x80:  # a continuation octet belongs to the character before
            cut -= 1
        words.append(f"=?utf-8?b?{b2a_base64(octets[start:cut], newline=False).decode()}?=")
        start, room = cut, MAX_WORD
    return words
