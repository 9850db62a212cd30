"""From bytes, or a standard message object, to the arguments of an ``Email``.

Any input gives those or a ``MessageError``. Built on ``email``'s compat32 parser for the structure and on our own
decoding for what the parts say. Kept are the addresses (Bcc too), Subject, Date, Message-ID, List-Unsubscribe, the
text, the HTML, attachments and inline images, and every other field that an ``Email`` may carry. Left out is what
belongs to the way a message came (trace, signatures, Resent fields, Return-Path), and a Date, Message-ID or
machine-read field that its own grammar refuses.
"""

from email.errors import InvalidHeaderDefect
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from postroad.address import Address
from postroad.errors import AddressError, MessageError
from postroad.message import date_time, headers, limits, list_headers
from postroad.message import message_id as msg_id
from postroad.message.address_list import address_list
from postroad.message.body_parts import read_body
from postroad.message.extra_headers import is_field_name, refusal
from postroad.message.header_decode import decoded, one_line

if TYPE_CHECKING:
    from datetime import datetime

_ADDRESS_FIELDS: Final = frozenset({"from", "sender", "reply-to", "to", "cc", "bcc"})
_ADVICE: Final = "Send it as it is with RawMessage, or repair it first."
# What the standard library raises on broken input, beside what it documents.
_FAULTS: Final = (ValueError, LookupError, TypeError, AttributeError, AssertionError, ArithmeticError, RecursionError)


def arguments_of_bytes(raw: bytes) -> dict[str, Any]:
    """The arguments of the ``Email`` that a message in its stored or sent form stands for.

    Raises:
        MessageError: a limit of ``limits`` is exceeded, or an address field holds what is no address.
    """
    return arguments_of_message(parsed(raw))


def parsed(raw: bytes) -> "Message[Any, Any]":
    """The structure of a message in its stored or sent form, as the standard library reads it, within ``limits``.

    Raises:
        MessageError: a limit is exceeded, or the standard library gives up.
    """
    if not isinstance(raw, bytes | bytearray | memoryview):
        raise MessageError(f"raw: bytes are needed, not {type(raw).__name__}", field="raw")
    raw = bytes(raw)
    if len(raw) > limits.MAX_OCTETS:
        raise _too("large", f"{len(raw)} octets, {limits.MAX_OCTETS} allowed")
    if raw.count(b"\n") + raw.count(b"\r") > limits.MAX_LINES:
        raise _too("long", f"more than {limits.MAX_LINES} lines")
    growth = _Growth()
    policy = _Guarded(growth=growth)  # type: ignore[call-arg]  # a policy takes each of its attributes as an argument
    make: Any = growth.message
    try:
        return BytesParser(make, policy=policy).parsebytes(raw)
    except MessageError:
        raise
    except _FAULTS as fault:
        raise MessageError("raw: the message cannot be read", field="raw", advice=_ADVICE) from fault


def arguments_of_message(message: "Message[Any, Any]") -> dict[str, Any]:
    """The arguments of the ``Email`` that a standard message object stands for.

    Raises:
        MessageError: a limit of ``limits`` is exceeded, or an address field holds what is no address.
    """
    if not isinstance(message, Message):
        raise MessageError(f"message: an email Message is needed, not {type(message).__name__}", field="message")
    try:
        # What a parser read comes raw, what an EmailMessage was given comes decoded; str() gives either.
        fields = [(str(name), str(_whole(value, name))) for name, value in message.raw_items()]
        return {**_header_arguments(fields), **read_body(message)}
    except MessageError:
        raise
    except _FAULTS as fault:
        raise MessageError("message: it cannot be read", field="message", advice=_ADVICE) from fault


def _too(what: str, why: str) -> MessageError:
    return MessageError(f"raw: the message is too {what}: {why}", field="raw", advice=_ADVICE)


class _Growth:
    """Counts what the parser builds while it builds it, so that a bomb is refused before it goes off."""

    def __init__(self) -> None:
        self._made: list[Message[Any, Any]] = []
        self._fields = 0
        self._header_octets = 0

    def message(self, policy: Any) -> "Message[Any, Any]":
        """What the parser calls for every part (and once to try)."""
        self._made.append(Message(policy=policy))
        if len(self._made) > limits.MAX_PARTS + 1:
            raise _too("complex", f"more than {limits.MAX_PARTS} parts")
        if max(map(_depth, self._made[:2])) >= limits.MAX_DEPTH:
            raise _too("complex", f"parts nested more than {limits.MAX_DEPTH} deep")
        return self._made[-1]

    def field(self, sourcelines: list[str]) -> None:
        octets = sum(map(len, sourcelines))
        self._fields += 1
        self._header_octets += octets
        mime = sourcelines[0][:8].lower() == "content-"
        if octets > (limits.MAX_MIME_FIELD_OCTETS if mime else limits.MAX_FIELD_OCTETS):
            raise _too("large", f"a header field of {octets} octets")
        if self._fields > limits.MAX_FIELDS or self._header_octets > limits.MAX_HEADER_OCTETS:
            raise _too("large", f"more than {limits.MAX_FIELDS} fields or {limits.MAX_HEADER_OCTETS} octets of header")


def _depth(message: "Message[Any, Any]") -> int:
    """How deep the last part of each part goes."""
    depth = 0
    payload: Any = message.get_payload()
    while isinstance(payload, list) and payload:
        depth += 1
        payload = payload[-1].get_payload()
    return depth


class _Guarded(Compat32):
    """compat32, with every header field shown to ``growth`` before it is looked into."""

    growth: _Growth = _Growth()

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        self.growth.field(sourcelines)
        return super().header_source_parse(sourcelines)


def _whole(value: Any, name: str) -> object:
    """The value, unless the standard library could not make sense of all of it and quietly kept the part it could."""
    if name.lower() in _ADDRESS_FIELDS and _is_misread(value):
        raise AddressError(f"{name}: more than addresses stands in it, or less", field=name)
    return value


def _is_misread(value: object) -> bool:
    return any(isinstance(defect, InvalidHeaderDefect) for defect in getattr(value, "defects", ()))


def _header_arguments(fields: list[tuple[str, str]]) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "from_": _addresses(fields, "From"),
        "to": _addresses(fields, "To"),
        "cc": _addresses(fields, "Cc"),
        "bcc": _addresses(fields, "Bcc"),
        "reply_to": _addresses(fields, "Reply-To"),
        "subject": decoded(_first(fields, "Subject") or ""),
        "date": _date(_first(fields, "Date")),
        "message_id": _message_id(_first(fields, "Message-ID")),
        "list_unsubscribe": _list_unsubscribe(fields),
        "headers": tuple(_others(fields)),
    }
    sender = _addresses(fields, "Sender")
    return {**arguments, "sender": sender[0] if sender else None}


def _first(fields: list[tuple[str, str]], name: str) -> str | None:
    wanted = name.lower()
    return next((value for known, value in fields if known.lower() == wanted), None)


def _addresses(fields: list[tuple[str, str]], name: str) -> tuple[Address, ...]:
    wanted = name.lower()
    return tuple(address for known, value in fields if known.lower() == wanted for address in address_list(value, name))


def _date(value: str | None) -> "datetime | None":
    from datetime import UTC  # datetime itself is loaded by email.utils

    try:
        instant = parsedate_to_datetime(one_line(value or ""))
        # RFC 5322 §3.3: "-0000" is UTC of which nothing more is known.
        return date_time.checked(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    except (*_FAULTS, MessageError):
        return None


def _message_id(value: str | None) -> str | None:
    try:
        return msg_id.checked(one_line(value)) if value else None
    except MessageError:
        return None


def _list_unsubscribe(fields: list[tuple[str, str]]) -> list_headers.ListUnsubscribe | None:
    value = one_line(_first(fields, "List-Unsubscribe") or "")
    try:
        found = list_headers.ListUnsubscribe.read(list_headers.listed(value))
    except MessageError:
        return None
    # One-click is promised by the other field alone (RFC 8058 §3.1), never by us in somebody's place.
    if found is None or (found.one_click and _first(fields, "List-Unsubscribe-Post") is not None):
        return found
    return list_headers.ListUnsubscribe(found.uris, one_click=False)


def _others(fields: list[tuple[str, str]]) -> "list[tuple[str, str]]":
    kept = []
    for name, raw in fields:
        if not is_field_name(name) or refusal(name) is not None:
            continue
        value = decoded(raw)
        try:
            headers.check(name, value, name)
        except MessageError:
            continue
        kept.append((name, value))
    return kept
