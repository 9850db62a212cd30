"""From an ``Email`` to the bytes of its content.

The same message gives the same bytes on every Python: order, folding, encodings and boundaries depend on the message
alone. Nothing is checked here; whatever can be wrong was refused when the message and its parts were made.
"""

from typing import TYPE_CHECKING, NamedTuple

from postroad.message import date_time, headers, mime_parameters
from postroad.message.attachment import Attachment, InlineImage
from postroad.message.boundary import Boundaries
from postroad.message.encode import (
    Encoded,
    Encoding,
    canonical,
    canonical_lines,
    encode_octets,
    encode_text,
    encode_text_file,
    fits_seven_bit,
)
from postroad.message.media_type import OCTET_STREAM, MediaType

if TYPE_CHECKING:
    from datetime import datetime

    from postroad.message.email import Email


class Entity(NamedTuple):
    """A MIME entity (RFC 2045 §2.4): its own header fields, and its body in pieces that are joined once."""

    fields: str
    pieces: tuple[bytes, ...]


def render(email: "Email", *, message_id: str | None = None, date: "datetime | None" = None) -> bytes:
    """The content of a message: CRLF line ends, 7-bit, except for an address whose local part is not ASCII (RFC 6532).

    ``message_id`` (with brackets) and ``date`` (aware) stand in where the message has none of its own; neither is
    invented. Bcc is never rendered.
    """
    entity = _body(email, Boundaries())
    fields = _header(email, email.message_id or message_id, email.date or date)
    head = f"{fields}MIME-Version: 1.0\r\n{entity.fields}\r\n"
    content = b"".join((head.encode(), *entity.pieces))
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def _header(email: "Email", message_id: str | None, date: "datetime | None") -> str:
    lines = [headers.mailboxes("From", email.from_)]
    if email.sender is not None:
        lines.append(headers.mailboxes("Sender", (email.sender,)))
    if email.reply_to:
        lines.append(headers.mailboxes("Reply-To", email.reply_to))
    lines.append(_destinations(email))
    if email.subject:
        lines.append(headers.unstructured("Subject", email.subject))
    if date is not None:
        lines.append(f"Date: {date_time.rendered(date)}\r\n")
    if message_id is not None:
        lines.append(headers.fold("Message-ID", (message_id,)))
    if email.list_unsubscribe is not None:
        lines.append(headers.uris("List-Unsubscribe", email.list_unsubscribe.uris))
        if email.list_unsubscribe.one_click:
            lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")  # RFC 8058 §3.1
    lines += [headers.added(name, value) for name, value in email.headers.fields]
    return "".join(lines)


def _destinations(email: "Email") -> str:
    if not email.to and not email.cc:
        # A header without any destination looks like spam; an empty group is the form for it (RFC 5322 §3.4).
        return "To: undisclosed-recipients:;\r\n"
    to = headers.mailboxes("To", email.to) if email.to else ""
    return to + headers.mailboxes("Cc", email.cc) if email.cc else to


def _body(email: "Email", boundaries: Boundaries) -> Entity:
    images = [item for item in email.attachments if isinstance(item, InlineImage)] if email.html is not None else []
    # A picture that no HTML shows is a file like any other.
    files = [item for item in email.attachments if not images or not isinstance(item, InlineImage)]
    readings = _readings(email, images, boundaries)
    if not files:
        return _alternative(readings, boundaries)
    parts = [_alternative(readings, boundaries)] if readings else []
    parts += [_file(item, boundaries) for item in files]
    return _multipart("mixed", parts, boundaries)


def _readings(email: "Email", images: list[InlineImage], boundaries: Boundaries) -> list[Entity]:
    """The ways to read the message, plainest first (RFC 2046 §5.1.4)."""
    readings = []
    if email.text is not None:
        readings.append(_text("plain", email.text, boundaries))
    elif email.html is not None:
        readings.append(_text("plain", _made_from(email.html), boundaries))
    if email.html is not None:
        html = _text("html", email.html, boundaries)
        shown = [_file(image, boundaries) for image in images]
        readings.append(_multipart("related", [html, *shown], boundaries, ' type="text/html";') if shown else html)
    readings += [_invitation(item, boundaries) for item in email.attachments if _is_invitation(item)]
    return readings


def _made_from(html: str) -> str:
    from postroad.message.plain_text import plain_text  # loaded late: the table of HTML's entities costs start-up time

    return plain_text(html)


def _is_invitation(item: Attachment) -> bool:
    # Calendars offer their buttons only for an alternative with a method (RFC 6047 §2.4); the file serves the others.
    return item.content_type.startswith("text/calendar;") and item.media_type.parameter("method") is not None


def _invitation(item: Attachment, boundaries: Boundaries) -> Entity:
    parameters = [mime_parameters.plain(name, value) for name, value in item.media_type.parameters]
    fields = mime_parameters.field("Content-Type", "text/calendar", parameters)
    return _leaf(fields, encode_text(canonical_lines(item.content)), boundaries)  # RFC 5545 §3.1: CRLF lines


def _alternative(readings: list[Entity], boundaries: Boundaries) -> Entity:
    return readings[0] if len(readings) == 1 else _multipart("alternative", readings, boundaries)


def _text(subtype: str, text: str, boundaries: Boundaries) -> Entity:
    return _leaf(f"Content-Type: text/{subtype}; charset=utf-8\r\n", encode_text(canonical(text)), boundaries)


def _file(item: Attachment, boundaries: Boundaries) -> Entity:
    media_type = item.media_type
    essence, encoded = _encoded(item.content, media_type)
    parameters = [mime_parameters.plain(name, value) for name, value in media_type.parameters]
    parameters.append(mime_parameters.name_for_old_clients(item.filename))
    fields = mime_parameters.field("Content-Type", essence, parameters)
    disposition = "attachment"
    if isinstance(item, InlineImage):
        fields += headers.fold("Content-ID", (f"<{item.cid}>",))
        disposition = "inline"
    fields += mime_parameters.field("Content-Disposition", disposition, mime_parameters.filename(item.filename))
    return _leaf(fields, encoded, boundaries)


def _encoded(content: bytes, media_type: MediaType) -> tuple[str, Encoded]:
    if media_type.maintype == "text":
        return media_type.essence, encode_text_file(content)
    if media_type.maintype != "message":
        return media_type.essence, encode_octets(content)
    # RFC 2046 §5.2.1: a message may not be encoded; one that 7bit cannot carry is a file like any other.
    lines = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if fits_seven_bit(lines):
        return media_type.essence, Encoded(Encoding.SEVEN_BIT, lines)
    return OCTET_STREAM, encode_octets(content)


def _leaf(fields: str, encoded: Encoded, boundaries: Boundaries) -> Entity:
    boundaries.saw(encoded)
    return Entity(f"{fields}Content-Transfer-Encoding: {encoded.encoding.value}\r\n", (encoded.body,))


def _multipart(subtype: str, parts: list[Entity], boundaries: Boundaries, parameter: str = "") -> Entity:
    boundary = boundaries.make()
    pieces: list[bytes] = []
    for part in parts:
        pieces += (b"\r\n--" if pieces else b"--", boundary, b"\r\n", part.fields.encode(), b"\r\n", *part.pieces)
    pieces += (b"\r\n--", boundary, b"--")
    fields = f'Content-Type: multipart/{subtype};{parameter}\r\n boundary="{boundary.decode()}"\r\n'
    return Entity(fields, tuple(pieces))
