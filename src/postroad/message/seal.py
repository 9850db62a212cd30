"""From a message to the mail object that goes on the wire: rendered once, measured, its form declared."""

from typing import TYPE_CHECKING, Final

from postroad.errors import MessageError
from postroad.log import logger
from postroad.message.email import Email
from postroad.message.envelope import Body, MailObject, looked_through
from postroad.message.raw import RawMessage
from postroad.message.render import render

if TYPE_CHECKING:
    from datetime import datetime

DEFAULT_MAX_SIZE: Final = 25_000_000  # octets of content; what the large providers take
LARGE: Final = 10_000_000  # octets; above it many receiving servers refuse, and mobile readers give up

_log = logger("message")


def seal(
    message: Email | RawMessage,
    *,
    message_id: str | None = None,
    date: "datetime | None" = None,
    accepted_at: float | None = None,
    max_size: int | None = DEFAULT_MAX_SIZE,
) -> MailObject:
    """Make a message ready to go.

    ``message_id`` (with brackets) and ``date`` (aware) are used where an ``Email`` brings none of its own; a raw
    message goes as it is. ``accepted_at`` is now, in seconds since the epoch. ``max_size`` is in octets of content,
    ``None`` for no limit. Over 10 MB a warning is logged.

    Raises:
        MessageError: field ``size``, where the content is larger than ``max_size``.
    """
    if isinstance(message, Email):
        mail = _sealed_email(message, message_id, date, accepted_at)
    else:
        mail = _sealed_raw(message, accepted_at)
    size = len(mail.content)
    if max_size is not None and size > max_size:
        raise MessageError(
            f"size: {_size(size)} of content, {_size(max_size)} allowed (files grow by 37 % in mail)",
            field="size",
            advice="Put large files where they can be downloaded, and send the link.",
        )
    if size > LARGE:
        _log.warning("a message of %s: many servers refuse that; send a link instead of large files", _size(size))
    return mail


def _sealed_email(
    email: Email, message_id: str | None, date: "datetime | None", accepted_at: float | None
) -> MailObject:
    envelope = email.envelope
    content = looked_through(render(email, message_id=message_id, date=date))
    # Rendered content is 7-bit but for addresses, so the first look decides nearly always.
    smtputf8 = not content.isascii() or envelope.needs_smtputf8
    return MailObject(
        envelope, content, email.message_id or message_id, _body_of(content), smtputf8, email.tags, email.metadata,
        accepted_at,
    )  # fmt: skip


def _sealed_raw(message: RawMessage, accepted_at: float | None) -> MailObject:
    return MailObject(
        message.envelope, message.content, message.message_id, message.body, message.smtputf8, accepted_at=accepted_at
    )


def _body_of(content: bytes) -> Body:
    return Body.SEVEN_BIT if content.isascii() else Body.EIGHT_BIT


def _size(octets: int) -> str:
    return f"{octets / 1_000_000:.1f} MB" if octets >= 100_000 else f"{octets} octets"
