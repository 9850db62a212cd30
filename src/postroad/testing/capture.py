"""``capture()``: whatever is sent inside its block stays in the process.

::

    with postroad.testing.capture() as sent:
        register_user("ann@example.com")
    message = sent.one()
    assert message.recipients[0] == "ann@example.com"
    assert "Welcome" in message.subject

It covers ``Mailer``, ``AsyncMailer``, ``Outbox`` and ``AsyncOutbox`` in every thread of the process: nothing is
connected and nothing is written. Captures may be nested; the innermost one gets the messages.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, overload

from postroad.address import Address
from postroad.mailer.intercept import intercept, release
from postroad.message.email import Email
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport
from postroad.transport.settled import accepted

if TYPE_CHECKING:
    from email.message import EmailMessage

    from postroad.message.attachment import Attachment


@dataclass(frozen=True)
class CapturedMessage:
    """A message that would have gone out, as it would have stood on the wire.

    ``stream`` is the outbox's stream, ``None`` where a mailer would have sent it at once.
    """

    mail: MailObject
    stream: str | None = None

    @property
    def content(self) -> bytes:
        """The whole message, with CRLF line ends."""
        return self.mail.content

    @property
    def mail_from(self) -> Address | None:
        """The envelope's sender, ``None`` for the null sender."""
        return self.mail.envelope.mail_from

    @property
    def recipients(self) -> tuple[Address, ...]:
        """The envelope's recipients, Bcc included."""
        return self.mail.envelope.recipients

    @cached_property
    def message(self) -> "EmailMessage":
        """The content as the standard library reads it: an independent opinion."""
        from email import message_from_bytes, policy

        return message_from_bytes(self.content, policy=policy.default)

    @cached_property
    def email(self) -> Email:
        """The content read back as an ``Email``.

        Raises:
            MessageError: a raw message that no ``Email`` can express.
        """
        return Email.from_bytes(self.content)

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "")

    @property
    def text(self) -> str | None:
        """The plain-text part."""
        return self.email.text

    @property
    def html(self) -> str | None:
        """The HTML part."""
        return self.email.html

    @property
    def attachments(self) -> "tuple[Attachment, ...]":
        return self.email.attachments

    def __repr__(self) -> str:
        return f"<{self.subject!r} to {', '.join(map(str, self.recipients))}>"


class Captured(Sequence[CapturedMessage]):
    """The messages captured so far, in order. Grows while the block runs, also from other threads."""

    def __init__(self) -> None:
        self._messages: list[CapturedMessage] = []
        self._lock = threading.Lock()

    # what the interceptor's contract asks for

    def sent(self, mail: MailObject) -> SendReport:
        self._add(CapturedMessage(mail))
        return accepted(mail)

    def queued(self, mail: MailObject, stream: str) -> None:
        self._add(CapturedMessage(mail, stream))

    def _add(self, message: CapturedMessage) -> None:
        with self._lock:
            self._messages.append(message)

    # what a test asks

    def all(self) -> tuple[CapturedMessage, ...]:
        """Every message so far."""
        return tuple(self._messages)

    def one(self) -> CapturedMessage:
        """The only message.

        Raises:
            AssertionError: there is none, or more than one; it lists them.
        """
        if len(self._messages) != 1:
            raise AssertionError(f"exactly one message expected, {self!r}")
        return self._messages[0]

    def none(self) -> None:
        """Nothing was sent.

        Raises:
            AssertionError: something was; it lists it.
        """
        if self._messages:
            raise AssertionError(f"no message expected, {self!r}")

    def to(self, address: str | Address) -> tuple[CapturedMessage, ...]:
        """The messages that this recipient would have got."""
        key = Address.parse(address).key
        return tuple(one for one in self._messages if any(recipient.key == key for recipient in one.recipients))

    @overload
    def __getitem__(self, index: int) -> CapturedMessage: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[CapturedMessage, ...]: ...
    def __getitem__(self, index: int | slice) -> CapturedMessage | tuple[CapturedMessage, ...]:
        return tuple(self._messages[index]) if isinstance(index, slice) else self._messages[index]

    def __len__(self) -> int:
        return len(self._messages)

    def __repr__(self) -> str:
        listed = "".join(f"\n  {message!r}" for message in self._messages)
        return f"{len(self._messages)} captured{':' if listed else ''}{listed}"


@contextmanager
def capture() -> Iterator[Captured]:
    """Keep whatever is sent inside the block, in every thread, from leaving the process."""
    captured = Captured()
    intercept(captured)
    try:
        yield captured
    finally:
        release(captured)
