"""Which characters may stand in a header, a parameter or a body.

RFC 5322 §2.2 and RFC 6532 §3: a field is one logical line of printable text. A line break let through here would be
somebody else's header, so every value passes this gate when its message is made.
"""

import re
from typing import Final

from postroad.errors import MessageError

# C0 and C1 controls, DEL, the two Unicode line breaks, and halves of surrogate pairs, which UTF-8 cannot carry.
_NOT_IN_HEADER: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def header_text(value: object, field: str) -> str:
    """``value`` if it is a str that can stand in a header.

    Raises:
        MessageError: naming ``field``, the character and its position (in characters, from 0).
    """
    if not isinstance(value, str):
        raise MessageError(f"{field}: a str is needed, not {type(value).__name__}", field=field)
    if not value.isprintable():  # the fast answer for nearly all text; the slow one knows ZWJ and soft hyphens
        found = _NOT_IN_HEADER.search(value)
        if found:
            raise MessageError(
                f"{field}: {named(found.group())} at position {found.start()}; a header holds one line of plain text",
                field=field,
                advice="Remove line breaks and control characters before the text becomes part of a message.",
            )
    return value


def body_text(value: object, field: str) -> str:
    """``value`` if it is a str that can be the text of a body: everything but NUL and halves of surrogate pairs.

    Raises:
        MessageError: naming ``field``, the character and its position (in characters, from 0).
    """
    if not isinstance(value, str):
        raise MessageError(f"{field}: a str is needed, not {type(value).__name__}", field=field)
    position = value.find("\0")
    if position < 0 and not value.isascii():
        position = _surrogate(value)
    if position >= 0:
        raise MessageError(f"{field}: {named(value[position])} at position {position}", field=field)
    return value


def _surrogate(text: str) -> int:
    """Where the first lone surrogate stands, -1 where there is none."""
    try:
        text.encode()  # many times faster than looking for it with a regular expression
    except UnicodeEncodeError as fault:
        return fault.start
    return -1


def named(character: str) -> str:
    """The character as an error message calls it."""
    kind = "a lone surrogate" if "\ud800" <= character <= "\udfff" else "a control character"
    return f"{kind} (U+{ord(character):04X})"


def shown(text: str) -> str:
    """The text for an error message: escaped and cut, so that it cannot break a log or a terminal."""
    cut = text if len(text) <= 80 else f"{text[:77]}..."
    return repr(cut) if cut.isprintable() else ascii(cut)
