"""Messages of the standard library's ``email`` package, with the meaning that ``smtplib.SMTP.send_message`` gives them.

The body is written as that package writes it. Its header cannot be trusted to it: it folds long ``List-Unsubscribe``
and ``References`` into encoded words, puts encoded words into addresses, and lets an encoded line end become a field of
its own (CVE-2024-6923, CVE-2026-1299). So postroad writes the fields that have a grammar of ours, and counts them all.

Loaded only when such a message is given: the ``email`` package is slow to import.
"""

import re
from collections.abc import Iterable
from copy import deepcopy
from email import policy
from email.generator import BytesGenerator
from email.message import EmailMessage, Message
from email.policy import EmailPolicy
from email.utils import format_datetime, getaddresses
from hashlib import sha256
from io import BytesIO
from typing import Any, Final, TypeGuard

from postroad.address import Address
from postroad.clock import SYSTEM_CLOCK, Clock, as_datetime
from postroad.errors import AddressError, MessageError, PostroadError
from postroad.mailer.identity import new_message_id
from postroad.message import headers
from postroad.message.characters import header_text
from postroad.message.raw import RawMessage

_FIELD: Final = re.compile(rb"([!-9;-~]+)[ \t]*:")


def is_standard_message(message: object) -> TypeGuard["Message[Any, Any]"]:
    """Whether this is a message of the standard library."""
    return isinstance(message, Message)


def raw_from(
    message: "Message[Any, Any]",
    *,
    from_addr: str | None = None,
    to_addrs: str | Iterable[str] | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> RawMessage:
    """The message as it goes out: envelope from its headers unless given, without Bcc, with Message-ID and Date.

    Raises:
        MessageError: no sender, no recipients, an address that two readers read differently, more than one set of
            Resent fields, or a header that would become two.
    """
    if not is_standard_message(message):
        raise MessageError(f"a {type(message).__name__} is no email.message.Message", field="message")
    prefix = _resent_prefix(message)
    sender = from_addr if from_addr is not None else _sender(message, prefix)
    recipients = _given(to_addrs) if to_addrs is not None else _recipients(message, prefix)
    if not recipients:
        raise MessageError("to: the message has no To, Cc or Bcc, and to_addrs was not given", field="to")
    content = _completed(_flattened(message), message, sender, clock)
    return RawMessage(content, envelope_from=sender, recipients=recipients)


def _resent_prefix(message: "Message[Any, Any]") -> str:
    resent = message.get_all("Resent-Date") or []
    if len(resent) > 1:  # smtplib's rule: the blocks of fields cannot be told apart reliably
        raise MessageError("resent-date: more than one set of Resent fields", field="resent-date")
    return "Resent-" if resent else ""


def _sender(message: "Message[Any, Any]", prefix: str) -> Address:
    field = f"{prefix}Sender" if f"{prefix}Sender" in message else f"{prefix}From"
    found = _addresses(message, field)
    if not found:
        raise MessageError(
            f"{field.lower()}: the message has no {field}, and from_addr was not given", field=field.lower()
        )
    return found[0]


def _recipients(message: "Message[Any, Any]", prefix: str) -> list[Address]:
    return [one for field in ("To", "Cc", "Bcc") for one in _addresses(message, prefix + field)]


def _given(to_addrs: str | Iterable[str]) -> list[Address]:
    return [Address.parse(one) for one in ([to_addrs] if isinstance(to_addrs, str) else to_addrs)]


def _addresses(message: "Message[Any, Any]", field: str) -> list[Address]:
    return [one for value in message.get_all(field) or [] for one in _mailboxes(str(value), field)]


def _mailboxes(text: str, field: str) -> list[Address]:
    found = []
    for name, spec in getaddresses([text]):
        # The library's parsers disagree about comments and routes: an address that does not stand there was guessed.
        if spec not in text:
            message = f"{field}: {ascii(text)[:80]} can be read in more than one way"
            raise AddressError(message, field=field.lower())
        if spec or name:
            found.append(_address(name, spec, field))
    return found


def _address(name: str, spec: str, field: str) -> Address:
    try:
        return Address(spec, name)
    except AddressError as fault:
        raise AddressError(f"{field}: {fault.message}", field=field.lower()) from fault


def _octets_read(text: str, field: str) -> str:
    """The text with the raw octets of a parsed message, which stand in it as surrogates (PEP 383), read as UTF-8."""
    if text.isascii():
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode()
    except UnicodeEncodeError:  # a surrogate that stands for no octet
        return text
    except UnicodeDecodeError as fault:
        raise MessageError(
            f"{field}: the octet 0x{fault.object[fault.start]:02X} at position {fault.start} is no UTF-8", field=field,
            advice="Set the field to a str, or send the bytes as they are: RawMessage(raw, envelope_from=…, …).",
        ) from None  # fmt: skip


class _OwnHeader(EmailPolicy):
    """The library's policy, with the header fields written by postroad."""

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name.lower().startswith(("content-", "mime-")):
            return super().fold_binary(name, value)
        text = header_text(_octets_read(str(value), name), name)
        if name.lower() in _ADDRESS_FIELDS:
            return self._mailboxes(name, text, value)
        if text.isascii() and name.lower() not in _FREE_TEXT:
            return headers.fold(name, text.split()).encode()
        return headers.unstructured(name, text).encode()

    def _mailboxes(self, name: str, text: str, value: Any) -> bytes:
        try:
            return headers.mailboxes(name, _mailboxes(text, name)).encode()
        except AddressError:  # not one the envelope is taken from, perhaps of an attached message: leave it as it is
            return super().fold_binary(name, value)


_ADDRESS_FIELDS: Final = frozenset(
    f"{prefix}{name}" for prefix in ("", "resent-") for name in ("from", "sender", "reply-to", "to", "cc", "bcc")
)
_FREE_TEXT: Final = frozenset({"subject", "comments", "keywords"})


def _flattened(message: "Message[Any, Any]") -> bytes:
    # The old kind of message keeps its header as text, which goes out as it stands; folding would only spoil it.
    own = isinstance(message, EmailMessage)
    rules = _OwnHeader(linesep="\r\n") if own else policy.compat32.clone(linesep="\r\n", max_line_length=None)
    buffer = BytesIO()
    try:
        BytesGenerator(buffer, mangle_from_=False, policy=rules).flatten(_with_boundaries(message))
    except PostroadError:
        raise
    except Exception as fault:
        raise MessageError(f"message: the email package cannot write it: {fault}", field="message") from fault
    raw = buffer.getvalue()
    _check_fields(raw, message)
    return raw


def _with_boundaries(message: "Message[Any, Any]") -> "Message[Any, Any]":
    """The message, or a copy whose multiparts have boundaries that derive from its content.

    The generator would draw them by lot: the same message made twice would differ, and be another one under its
    idempotency key.
    """
    if all(part.get_boundary() for part in message.walk() if _needs_boundary(part)):
        return message
    own = deepcopy(message)
    content = sha256(b"\0".join(_payload(part) for part in own.walk() if not part.is_multipart())).hexdigest()[:32]
    for number, part in enumerate(part for part in own.walk() if _needs_boundary(part)):
        if part.get_boundary() is None:
            part.set_boundary(f"=_{content}.{number}")
    return own


def _needs_boundary(part: "Message[Any, Any]") -> bool:
    return part.get_content_maintype() == "multipart" and "Content-Type" in part


def _payload(part: "Message[Any, Any]") -> bytes:
    return str(part.get_payload()).encode("utf-8", "surrogateescape")


def _check_fields(raw: bytes, message: "Message[Any, Any]") -> None:
    """Every line of the header is a field that was asked for, or goes on with one (RFC 5322 §2.2.3)."""
    header = raw.partition(b"\r\n\r\n")[0]
    written = [line for line in header.split(b"\r\n") if line[:1] not in (b" ", b"\t")]
    names = [match.group(1).decode().lower() if (match := _FIELD.match(line)) else "" for line in written]
    if names != [name.lower() for name in message.keys()]:  # noqa: SIM118 - fields repeat
        strange = next((name for name in names if name not in message), "a line that is no field")
        raise MessageError(
            f"header: a header's value would become a field of its own ({strange or 'a line that is no field'})",
            field="header",
            advice="A value holds a line end, perhaps inside an encoded word: take it out.",
        )


def _completed(raw: bytes, message: "Message[Any, Any]", sender: Address | str, clock: Clock) -> bytes:
    """With the Message-ID and Date that every message needs (RFC 5322 §3.6), where they were not given."""
    added = b""
    if "Message-ID" not in message:
        added += f"Message-ID: {new_message_id(Address.parse(sender) if sender else None)}\r\n".encode()
    if "Date" not in message:
        added += f"Date: {format_datetime(as_datetime(clock.now()))}\r\n".encode()
    return added + raw
