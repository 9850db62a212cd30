"""The machine-read part of a delivery status notification (RFC 3464, RFC 6533), read as it is found in real mail.

Groups of fields: the first speaks of the message, each other one of a recipient. Some servers leave the empty line out
between them, misspell a field, or put the recipient into the first group; all of that is read.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from postroad.message.header_decode import words_decoded
from postroad.reports.mail import read_fields

MAX_RECIPIENTS: Final = 1_000  # of one notice; servers take 100 or some more for one message (RFC 5321 §4.5.3.1.8)

# RFC 6533 §3: an address in ASCII has its other characters as \x{HEX}.
_EMBEDDED: Final = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_MOST_OF_UNICODE: Final = 0x10FFFF
_XTEXT: Final = re.compile(r"\+([0-9A-F]{2})")  # RFC 3461 §4
_GROUPS: Final = re.compile(r"\n[ \t]*\n+")
_RECIPIENT_FIELDS: Final = frozenset({"final-recipient", "original-recipient"})


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """What a notice says of one recipient (RFC 3464 §2.3); empty is what it does not say.

    ``recipient`` is the address that the mail was sent to, where the notice names it, else the one that it ended at;
    ``action`` is ``failed``, ``delayed``, ``delivered``, ``relayed``, ``expanded``, or what else the server made of it.
    """

    recipient: str = ""
    final_recipient: str = ""
    action: str = ""
    status: str = ""
    diagnostic: str = ""
    remote_mta: str = ""
    reporting_mta: str = ""
    category: str = ""


def read_delivery_status(text: str) -> tuple[RecipientStatus, ...]:
    """The recipients of a message/delivery-status part with LF line ends, the first ``MAX_RECIPIENTS`` of them."""
    groups = (
        read_fields(f"{group.lstrip()}\n", encoded_words=False) for group in _GROUPS.split(text)[: MAX_RECIPIENTS + 1]
    )
    return tuple(islice(_recipients(groups), MAX_RECIPIENTS))


def _recipients(groups: Iterable[tuple[tuple[str, str], ...]]) -> Iterator[RecipientStatus]:
    about_all: dict[str, str] = {}
    for group in groups:
        for fields in _single(group):
            if "reporting-mta" in fields and not about_all:
                about_all = fields
            if _is_recipient(fields):
                yield _status(fields, about_all)


def _is_recipient(fields: dict[str, str]) -> bool:
    if not fields.keys().isdisjoint(_RECIPIENT_FIELDS):
        return True
    return "action" in fields and "status" in fields


def _single(group: tuple[tuple[str, str], ...]) -> Iterator[dict[str, str]]:
    """A group; where the empty line between two was lost, both."""
    fields: dict[str, str] = {}
    for name, value in group:
        if name in fields and name in ("final-recipient", "action"):
            yield fields
            fields = {}
        fields.setdefault(name, value)
    yield fields


def _status(fields: dict[str, str], about_all: dict[str, str]) -> RecipientStatus:
    final = address_in(fields.get("final-recipient", ""))
    original = address_in(fields.get("original-recipient", ""))
    return RecipientStatus(
        recipient=_sent_to(original, final),
        final_recipient=final,
        action=fields.get("action", "").partition("(")[0].strip().lower(),
        status=fields.get("status", ""),
        diagnostic=_typed(words_decoded(fields.get("diagnostic-code", ""))),
        remote_mta=_host(fields.get("remote-mta", "")),
        reporting_mta=_host(about_all.get("reporting-mta", "")),
        category=fields.get("x-powermta-bouncecategory", ""),
    )


def _sent_to(original: str, final: str) -> str:
    """The address that the mail was sent to; some servers hand it on in xtext, as it came in ORCPT (RFC 3461 §4.2)."""
    if "@" not in original:
        return final or original
    return final if final and _XTEXT.sub(_octet, original).lower() == final.lower() else original


def _octet(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def address_in(value: str) -> str:
    """The address of ``rfc822; ann@example.com`` (RFC 3464 §2.1.2), or of ``utf-8; …`` (RFC 6533 §3)."""
    kind, semicolon, rest = value.partition(";")
    address = (rest if semicolon else kind).strip()
    if address.startswith("<") and address.endswith(">"):
        address = address[1:-1].strip()
    return _EMBEDDED.sub(_character, address) if "\\x{" in address else address


def _character(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    return chr(number) if number <= _MOST_OF_UNICODE and not 0xD800 <= number <= 0xDFFF else found[0]


def _typed(value: str) -> str:
    """The text of ``smtp; 550 …`` (RFC 3464 §2.1.2); all of it where no type stands before."""
    kind, semicolon, rest = value.partition(";")
    if not semicolon or " " in kind.strip() or not kind.strip():
        return value.strip()
    return rest.strip()


def _host(value: str) -> str:
    """The name of ``dns; mx.example.com (192.0.2.1)``."""
    text = value.partition(";")[2] if ";" in value else value
    words = text.split()
    return words[0].strip("[]").rstrip(".").lower() if words else ""
