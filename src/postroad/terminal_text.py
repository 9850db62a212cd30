"""Text for people's eyes: nothing that came from a mail or a server may drive the terminal, or hide on it."""

from typing import Final

# C0 and C1 controls and DEL drive terminals (ECMA-48). The others reorder text (UAX #9), end a line for some, or are
# invisible: letters that look like one address and are another.
_DANGEROUS: Final = (
    *range(0x20), *range(0x7F, 0xA0), 0xAD, 0x61C, 0x180E, *range(0x200B, 0x2010), *range(0x2028, 0x202F),
    *range(0x2060, 0x2070), *range(0xD800, 0xE000), 0xFEFF, *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080),
)  # fmt: skip
_ON_ONE_LINE: Final = {code: chr(code).encode("unicode_escape").decode() for code in _DANGEROUS}
_ON_MANY_LINES: Final = {code: escape for code, escape in _ON_ONE_LINE.items() if chr(code) not in "\n\t"}


def one_line(text: object) -> str:
    """The text with every dangerous character written as an escape, such as ``\\x1b`` or ``\\n``."""
    return str(text).translate(_ON_ONE_LINE)


def many_lines(octets: bytes) -> str:
    """UTF-8 as text whose lines end with LF; everything else that is dangerous, or no UTF-8, is escaped."""
    return octets.decode("utf-8", "backslashreplace").replace("\r\n", "\n").translate(_ON_MANY_LINES)
