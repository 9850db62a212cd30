"""What a message that others wrote means to the standard library: each header field, each leaf's octets."""

import email.policy
import re
from email import message_from_bytes, message_from_string
from email.message import Message
from typing import Any

from postroad.address import Address
from postroad.message import Body, Envelope, MailObject
from tests.message.meaning import mailboxes_of, words

ADDRESSES = frozenset({"from", "to", "cc", "reply-to", "sender"})
PARAMETERED = frozenset({"content-type", "content-disposition"})
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]+")  # in a header as good as a space
# An encoded word with raw characters in it is none (RFC 2047 §2), and the standard library decodes some of them.
HALF_ENCODED = re.compile(r"=\?[^?\s]+\?[bBqQ]\?[ -~]*[^\x00-\x7f]")
# What the conversions are there to change.
OF_THE_TRANSFER = frozenset({"content-transfer-encoding", "mime-version"})


def mail_of(content: bytes, *, smtputf8: bool = False) -> MailObject:
    """The content between two ASCII addresses."""
    envelope = Envelope(Address.parse("a@example.com"), (Address.parse("b@example.com"),))
    body = Body.SEVEN_BIT if content.isascii() else Body.EIGHT_BIT
    return MailObject(envelope, content, None, body, smtputf8)


def leaves_of(content: bytes) -> "list[tuple[str, bytes]]":
    """Type and decoded octets of every leaf, without the line ends at their end, which base64 has no use for."""
    message = message_from_bytes(content, policy=email.policy.compat32)
    leaves = [part for part in message.walk() if not part.is_multipart()]
    return [(part.get_content_type(), _octets(part).rstrip(b"\r\n")) for part in leaves]


def _octets(part: "Message[Any, Any]") -> bytes:
    octets = part.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return octets


def headers_of(content: bytes) -> "list[list[tuple[str, object]]]":
    """For every part, its fields with what they say; UTF-8 in them read as RFC 6532 has it."""
    text = content.decode("utf-8", "surrogateescape")
    message = message_from_string(text, policy=email.policy.compat32)
    return [[(name, value) for name, value in _fields(part) if name not in OF_THE_TRANSFER] for part in message.walk()]


def _fields(part: "Message[Any, Any]") -> "list[tuple[str, object]]":
    return [(name.lower(), _said(name.lower(), str(value))) for name, value in part.raw_items()]


def _said(name: str, raw: str) -> object:
    unfolded = CONTROL.sub(" ", raw.replace("\r\n", "")).strip()
    if name in ADDRESSES:
        return [
            (phrase, _a_labels(spec)) for phrase, spec in mailboxes_of(f"{name}: {unfolded}\r\n\r\n".encode(), name)
        ]
    if name in PARAMETERED:
        field = email.policy.default.header_factory(name, unfolded)
        return (str(field).partition(";")[0].strip().lower(), dict(field.params))
    return words(unfolded)


def _a_labels(spec: str) -> str:
    return Address.parse(spec).addr_spec if spec and not spec.isascii() else spec
