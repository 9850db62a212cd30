"""From what a user hands over to what goes on the wire: Message-ID and Date fixed, once, for all tries."""

from typing import TYPE_CHECKING, TypeAlias, Union

from postroad.clock import SYSTEM_CLOCK, Clock, as_datetime
from postroad.errors import MessageError
from postroad.mailer.identity import new_message_id
from postroad.message.email import Email
from postroad.message.envelope import MailObject
from postroad.message.raw import RawMessage
from postroad.message.seal import DEFAULT_MAX_SIZE, seal

if TYPE_CHECKING:
    from email.message import Message as StandardMessage

Sendable: TypeAlias = Union[Email, RawMessage, "StandardMessage"]
"""What every sending method takes; a standard message goes with ``smtplib.send_message``'s meaning."""


def compose(message: Sendable, *, clock: Clock = SYSTEM_CLOCK, max_size: int | None = DEFAULT_MAX_SIZE) -> MailObject:
    """Make a message ready to go; an ``Email`` without Message-ID or Date gets them here, and keeps them for all tries.

    Raises:
        MessageError: too large, or no message at all.
    """
    now = clock.now()
    if isinstance(message, Email):
        message_id = message.message_id or new_message_id(message.from_[0])
        date = None if message.date is not None else as_datetime(now)
        return seal(message, message_id=message_id, date=date, accepted_at=now, max_size=max_size)
    if isinstance(message, RawMessage):
        return seal(message, accepted_at=now, max_size=max_size)
    from postroad.mailer.standard_message import is_standard_message, raw_from

    if is_standard_message(message):
        return seal(raw_from(message, clock=clock), accepted_at=now, max_size=max_size)
    raise MessageError(
        f"a {type(message).__name__} is no message",
        field="message",
        advice="Give an Email, a RawMessage or a standard email.message.EmailMessage.",
    )
