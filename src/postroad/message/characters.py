"""Which characters may stand in a header, a parameter or a body.

RFC 5322 §2.2 and RFC 6532 §3: a field is one logical line of printable text. A line break let through here would be
somebody else's header, so every value passes this gate when its message is made.
"""

from postroad.address import first_control, named
from postroad.errors import MessageError


def header_text(value: object, field: str) -> str:
    """``value`` if it is a str that can stand in a header.

    Raises:
        MessageError: naming ``field``, the character and its position (in characters, from 0).
    """
    if not isinstance(value, str):
        raise MessageError(f"{field}: a str is needed, not {type(value).__name__}", field=field)
    position = first_control(value)
    if position >= 0:
        raise MessageError(
            f"{field}: {named(value[position])} at position {position}; a header holds one line of plain text",
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
