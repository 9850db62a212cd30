"""Parameters of Content-Type and Content-Disposition (RFC 2045 §5.1, RFC 2231)."""

import re
from typing import Final

from postroad.message import encoded_word
from postroad.message.headers import SHOULD

_BARE: Final = r"[!#$%&'*+.^_`{|}~0-9A-Za-z-]+"  # RFC 2045 §5.1: token
_UNRESERVED: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_PERCENT: Final = [chr(code) if code in _UNRESERVED else f"%{code:02X}" for code in range(256)]  # RFC 2231 §7
_SECTION: Final = 60  # characters of one section: with the parameter's name and number it stays within 78


def field(name: str, value: str, parameters: list[str]) -> str:
    """``Name: value; parameter; …``, a parameter a line where one line is too short; with its line end."""
    line = f"{name}: {value}"
    lines = ""
    for parameter in parameters:
        line += ";"
        if len(line) + 1 + len(parameter) > SHOULD or "\r\n" in parameter:
            lines += f"{line}\r\n"
            line = f" {parameter}"
        else:
            line = f"{line} {parameter}"
    return f"{lines}{line}\r\n"


def plain(name: str, value: str) -> str:
    """``name=value``, quoted where it is no token."""
    return f"{name}={value}" if re.fullmatch(_BARE, value) else quoted(name, value)


def quoted(name: str, value: str) -> str:
    """``name="value"``."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"'


def _simple(value: str) -> bool:
    return value.isascii() and len(value) <= _SECTION and "=?" not in value and "%" not in value


def filename(value: str) -> list[str]:
    """``filename=`` of Content-Disposition: RFC 2231 where ASCII or one line does not do."""
    return [quoted("filename", value)] if _simple(value) else extended("filename", value)


def extended(name: str, value: str) -> list[str]:
    """A parameter in the form of RFC 2231 §4, in sections (§3) where one line is too short."""
    percent = value.encode().decode("latin-1").translate(_PERCENT)
    if len(percent) <= _SECTION:
        return [f"{name}*=utf-8''{percent}"]
    sections = _sections(f"utf-8''{percent}")
    return [f"{name}*{number}*={section}" for number, section in enumerate(sections)]


def _sections(text: str) -> list[str]:
    sections = []
    start = 0
    while start < len(text):
        cut = start + _SECTION
        if cut < len(text):
            escape = text.rfind("%", cut - 2, cut)  # never inside %XX
            cut = escape if escape >= 0 else cut
            while text[cut] == "%" and text[cut + 1] in "89AB":  # never inside a character (RFC 3629 §3)
                cut -= 3
        sections.append(text[start:cut])
        start = cut
    return sections


def name_for_old_clients(value: str) -> str:
    """``name=`` of Content-Type: what clients without RFC 2231 show.

    An encoded word in a quoted string is against RFC 2047 §5 rule 3, and is what those clients understand.
    """
    if _simple(value):
        return quoted("name", value)
    words = encoded_word.encoded_words(value, SHOULD - len(' name="";'))
    return 'name="' + "\r\n ".join(words) + '"'
