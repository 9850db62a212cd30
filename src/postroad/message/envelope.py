"""Who a message goes from and to on the wire, apart from what its headers say.

Sources: RFC 5321 §2.3.1 (a mail object is an envelope and a content) and §4.5.5 (the null reverse-path).
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from postroad.address import Address
from postroad.message.dsn_request import Dsn
from postroad.message.metadata import Metadata


class Body(Enum):
    """The content's declared form, as in MAIL's BODY parameter (RFC 6152)."""

    SEVEN_BIT = "7BIT"
    EIGHT_BIT = "8BITMIME"


@dataclass(frozen=True, slots=True)
class Envelope:
    """``mail_from`` is the return path, ``None`` for the null sender ``<>``; ``recipients`` bare and each once.

    ``dsn`` says what the sender wants to be told (RFC 3461). With ``require_tls`` no hop may hand the message on
    without verified TLS (RFC 8689).
    """

    mail_from: Address | None
    recipients: tuple[Address, ...]
    dsn: Dsn | None = None
    require_tls: bool = False

    @property
    def needs_smtputf8(self) -> bool:
        """An address of the envelope has a non-ASCII local part (RFC 6531 §3.4)."""
        if self.mail_from is not None and self.mail_from.needs_smtputf8:
            return True
        return any(recipient.needs_smtputf8 for recipient in self.recipients)


class WireLines(bytes):
    """Content that has been looked through: every CR stands before an LF, every LF behind a CR.

    It spares the transport another look; content that is plain ``bytes`` gets one.
    """

    __slots__ = ()


class UndottedLines(WireLines):
    """And no line begins with a dot, so that there is nothing to stuff (RFC 5321 §4.5.2)."""

    __slots__ = ()


def looked_through(content: bytes) -> WireLines:
    """Content that is known to have CRLF line ends only."""
    dotted = content.startswith(b".") or b"\r\n." in content
    return WireLines(content) if dotted else UndottedLines(content)


_NO_METADATA: Final = Metadata()


@dataclass(frozen=True, slots=True)
class MailObject:
    """A message ready to go: its envelope, and its content as it stands on the wire before dot-stuffing.

    ``content`` has CRLF line ends only, and ends with one. ``smtputf8`` is true where the envelope or a header holds
    UTF-8, so that only SMTPUTF8 can carry it. ``message_id`` has its angle brackets; a raw message may have none.
    ``tags`` and ``metadata`` stay beside the content: an email API is told them, SMTP has no place for them.
    ``send_at`` is when an email API is to send it, in seconds since the epoch; ``None``: now.
    ``accepted_at`` is when the message was taken to be sent, in seconds since the epoch; a signature made later bears
    that time, the same at every try.
    """

    envelope: Envelope
    content: bytes
    message_id: str | None = None
    body: Body = Body.SEVEN_BIT
    smtputf8: bool = False
    tags: tuple[str, ...] = ()
    metadata: Metadata = _NO_METADATA
    accepted_at: float | None = None
    send_at: float | None = None
