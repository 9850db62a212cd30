"""The msg-id: what names a message for ever, in Message-ID, In-Reply-To and References (RFC 5322 §3.6.4)."""

import re
from typing import Final

from postroad.address import shown
from postroad.errors import MessageError
from postroad.message.characters import header_text

MAX_MESSAGE_ID_OCTETS: Final = 986  # RFC 5322 §2.1.1: a line of 998 octets, less "Message-ID: "

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_DOT_ATOM = rf"{_ATEXT}+(?:\.{_ATEXT}+)*"
_MESSAGE_ID: Final = rf"<{_DOT_ATOM}@(?:{_DOT_ATOM}|\[[!-Z^-~]*\])>"
# What others put into References is often not quite a msg-id; a reply must quote it as it is (RFC 5322 §4.5.4).
_FOREIGN_ID: Final = r"<[!-;=?-~]+>"


def checked(value: object, field: str = "message_id") -> str:
    """The msg-id with its angle brackets; they may be left out in ``value``.

    Raises:
        MessageError: naming ``field`` where the text is no msg-id.
    """
    text = header_text(value, field).strip(" ")
    if not text.startswith("<") and not text.endswith(">"):
        text = f"<{text}>"
    if len(text) > MAX_MESSAGE_ID_OCTETS:
        raise MessageError(f"{field}: longer than {MAX_MESSAGE_ID_OCTETS} octets", field=field)
    if not re.fullmatch(_MESSAGE_ID, text):
        raise MessageError(
            f"{field}: {shown(text)} is not a msg-id (RFC 5322 §3.6.4)",
            field=field,
            advice="Give <unique-part@domain> in ASCII, or leave it out: one is made when the message is sent.",
        )
    return text


def make(domain: str, unique: str) -> str:
    """A msg-id in ``domain`` (ASCII, as in ``Address.domain``); ``unique`` is the caller's never repeated part.

    Raises:
        MessageError: the parts do not make a msg-id.
    """
    return checked(f"<{unique}@{domain}>")


def listed(value: str, field: str) -> tuple[str, ...]:
    """The msg-ids of a References or In-Reply-To value, each with its brackets.

    Raises:
        MessageError: naming ``field`` where the text is anything but msg-ids.
    """
    ids = tuple(value.replace("><", "> <").split())
    for identifier in ids:
        if not re.fullmatch(_FOREIGN_ID, identifier) or len(identifier) > MAX_MESSAGE_ID_OCTETS:
            raise MessageError(
                f"{field}: {shown(identifier)} is not a msg-id (RFC 5322 §3.6.4)",
                field=field,
                advice="Give msg-ids with their angle brackets, separated by spaces: <a@example.com> <b@example.com>.",
            )
    return ids
