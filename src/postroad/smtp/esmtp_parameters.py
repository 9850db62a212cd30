"""The parameters of MAIL and RCPT as a server reads them: ``KEYWORD`` or ``KEYWORD=value`` (RFC 5321 §4.1.2)."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from postroad.smtp.server_events import OriginalRecipient

_KEYWORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_SIZE: Final = re.compile(r"[0-9]{1,20}")  # RFC 1870 §6.1
_XTEXT: Final = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+")  # RFC 3461 §4
_UTF8_XTEXT: Final = re.compile(r"(?:[!-*,-<>-~\x80-\U0010ffff]|\+[0-9A-F]{2})+")  # RFC 6533 §3, utf-8-addr-unitext too
_HEX: Final = re.compile(r"\+([0-9A-F]{2})")
_EMBEDDED: Final = re.compile(r"\\x\{([0-9A-F]{2,6})\}")  # RFC 6533 §3
_ENVID: Final = re.compile(r"[ -~]{1,100}")  # decoded; RFC 3461 §4.4
_ADDRESS_TYPE: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")  # an atom, RFC 3461 §4.2
_ORCPT_OCTETS: Final = 500  # RFC 3461 §4.2
_NOTIFY: Final = ("SUCCESS", "FAILURE", "DELAY")


class MalformedParameter(ValueError):
    """A parameter is not in its form, or given twice."""


class ParameterNotOffered(ValueError):
    """A parameter belongs to no extension that EHLO named."""


def read(text: str, offered: frozenset[str]) -> Mapping[str, str]:
    """Keywords in upper case, with their values as they came.

    Raises:
        MalformedParameter, ParameterNotOffered: see there.
    """
    given: dict[str, str] = {}
    for word in text.split(" "):
        if not word:
            continue
        keyword, equals, value = word.partition("=")
        keyword = keyword.upper()
        if not _KEYWORD.fullmatch(keyword) or (equals and not value) or keyword in given:
            raise MalformedParameter(keyword)
        if keyword not in offered:
            raise ParameterNotOffered(keyword)
        if not _FORMS[keyword](value):
            raise MalformedParameter(keyword)
        given[keyword] = value
    return given


def from_xtext(text: str) -> str:
    """RFC 3461 §4: ``+`` and two hexadecimal digits stand for a character."""
    return _HEX.sub(lambda match: chr(int(match[1], 16)), text)


def notify(value: str) -> tuple[str, ...]:
    """NOTIFY's words in upper case (RFC 3461 §4.1)."""
    return tuple(dict.fromkeys(value.upper().split(",")))


def original_recipient(value: str) -> OriginalRecipient:
    """ORCPT's value, decoded (RFC 3461 §4.2).

    Raises:
        ValueError: it is malformed.
    """
    address_type, _, encoded = value.partition(";")
    international = address_type.lower() == "utf-8"
    form = _UTF8_XTEXT if international else _XTEXT
    fits = len(value.encode()) <= _ORCPT_OCTETS and _ADDRESS_TYPE.fullmatch(address_type) and form.fullmatch(encoded)
    address = from_xtext(encoded)
    if international:
        address = _EMBEDDED.sub(lambda match: chr(int(match[1], 16)), address)
    if not fits or not address.isprintable():  # what could start a second line somewhere is nobody's name
        raise MalformedParameter("ORCPT")
    return OriginalRecipient(address_type.lower(), address)


def _is_notify(value: str) -> bool:
    words = value.upper().split(",")
    return words == ["NEVER"] or all(word in _NOTIFY for word in words)


def _is_original_recipient(value: str) -> bool:
    try:
        original_recipient(value)
    except ValueError:  # chr() raises one as well, beyond the last character there is
        return False
    return True


def _is_envid(value: str) -> bool:
    return _XTEXT.fullmatch(value) is not None and _ENVID.fullmatch(from_xtext(value)) is not None


_FORMS: Final[Mapping[str, Callable[[str], bool]]] = {
    "SIZE": lambda value: _SIZE.fullmatch(value) is not None,
    "BODY": lambda value: value.upper() in ("7BIT", "8BITMIME"),  # RFC 6152 §3
    "SMTPUTF8": lambda value: not value,  # RFC 6531 §3.4
    "REQUIRETLS": lambda value: not value,  # RFC 8689 §4.1
    "AUTH": lambda value: value == "<>" or _XTEXT.fullmatch(value) is not None,  # RFC 4954 §5: read, and not believed
    "RET": lambda value: value.upper() in ("FULL", "HDRS"),  # RFC 3461 §4.3
    "ENVID": _is_envid,
    "NOTIFY": _is_notify,
    "ORCPT": _is_original_recipient,
}
