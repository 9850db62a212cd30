"""What a message means to a foreign reader: the standard library reads what postroad rendered."""

import email.policy
from email import message_from_bytes, message_from_string
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.utils import getaddresses
from typing import Any

from postroad.message import Email, InlineImage


def read(content: bytes) -> EmailMessage:
    """The message as ``email.policy.default`` reads it; with UTF-8 in the header as text (RFC 6532)."""
    if content.isascii():
        return message_from_bytes(content, policy=email.policy.default)
    return message_from_string(content.decode().replace("\r\n", "\n"), policy=email.policy.default)


def read_plainly(content: bytes) -> "Message[str, str]":
    """The message as the older compat32 policy reads it: headers undecoded."""
    return message_from_bytes(content) if content.isascii() else message_from_string(content.decode())


def field_names(content: bytes) -> list[str]:
    """The names of the fields in the header, in order; a line that is none counts as itself."""
    header = content.partition(b"\r\n\r\n")[0]
    lines = [line for line in header.split(b"\r\n") if line[:1] not in (b" ", b"\t")]
    return [line.partition(b":")[0].decode("latin-1") for line in lines]


def expected_field_names(message: Email) -> list[str]:
    """The fields that a message asks for."""
    names = ["From"]
    names += ["Sender"] if message.sender else []
    names += ["Reply-To"] if message.reply_to else []
    names += ["To"] if message.to or not message.cc else []
    names += ["Cc"] if message.cc else []
    names += ["Subject"] if message.subject else []
    names += ["Date"] if message.date else []
    names += ["Message-ID"] if message.message_id else []
    if message.list_unsubscribe:
        names += ["List-Unsubscribe", *(["List-Unsubscribe-Post"] if message.list_unsubscribe.one_click else [])]
    names += [name for name, _ in message.headers.fields]
    names += ["MIME-Version", "Content-Type"]
    multipart = message.html is not None or bool(message.attachments)
    return names if multipart else [*names, "Content-Transfer-Encoding"]


def subject_of(content: bytes) -> str:
    """The subject, by the older decoder, which keeps every character of an encoded word."""
    raw = (read_plainly(content)["Subject"] or "").replace("\r\n", "").replace("\n", "")
    return str(make_header(decode_header(raw)))


def mailboxes_of(content: bytes, name: str) -> list[tuple[str, str]]:
    """(display name, address) of every mailbox of a field."""
    raw = [value.replace("\r\n", "").replace("\n", "") for value in read_plainly(content).get_all(name, [])]
    return [(words(phrase), spec) for phrase, spec in getaddresses(raw)]


def words(text: str) -> str:
    """The text with its encoded words decoded."""
    return str(make_header(decode_header(text))) if "=?" in text else text


def leaves(message: Any) -> list[Any]:
    """The parts that hold content."""
    if message.get_content_maintype() == "multipart":
        return [leaf for part in message.iter_parts() for leaf in leaves(part)]
    return [message]


def assert_same_files(message: Email, content: bytes) -> None:
    """Every attachment arrives octet for octet, under its name."""
    found = [part for part in leaves(read(content)) if part.get_filename()]
    images = [item for item in message.attachments if isinstance(item, InlineImage) and message.html is not None]
    files = [item for item in message.attachments if item not in images]
    assert [part.get_filename() for part in found] == [item.filename for item in (*images, *files)]
    for part, item in zip(found, (*images, *files), strict=True):
        assert octets_of(part) == item.content


def octets_of(part: Any) -> bytes:
    """The content of a leaf, decoded; of an attached message, as it stood there."""
    if part.get_content_type() == "message/rfc822":
        nested = part.get_payload(0)
        return bytes(nested.as_bytes(policy=nested.policy.clone(linesep="\r\n", refold_source="none")))
    octets = part.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return octets
