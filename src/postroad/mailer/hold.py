"""Mail that the next hop holds until a time: for email APIs that can, refused by all other routes."""

from dataclasses import replace
from typing import TYPE_CHECKING

from postroad.errors import MessageError, Unsupported
from postroad.message.envelope import MailObject
from postroad.reply import Phase
from postroad.transport.contract import Ability, Transport

if TYPE_CHECKING:
    from datetime import datetime, timedelta


def held_until(mail: MailObject, send_at: "datetime | timedelta", transport: Transport, now: float) -> MailObject:
    """The message with the time it is to be sent at; ``now`` is in seconds since the epoch. A time that has passed
    means now.

    Raises:
        MessageError: ``send_at`` is no aware time.
        Unsupported: the route holds no mail.
    """
    due = _moment(send_at, now)
    if due <= now:
        return mail
    if Ability.SEND_AT not in transport.abilities:
        raise Unsupported(
            f"send_at: {transport.name} holds no mail until a time", phase=Phase.MESSAGE,
            advice="Put it into an outbox: Outbox.send(…, send_at=…) works with every route.",
        )  # fmt: skip
    return replace(mail, send_at=due)


def _moment(send_at: "datetime | timedelta", now: float) -> float:
    from datetime import datetime, timedelta  # late: whoever names no time does not pay for it at start-up

    if isinstance(send_at, timedelta):
        return now + send_at.total_seconds()
    moment: object = send_at
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise MessageError(
            "send_at: an aware datetime or a timedelta is needed", field="send_at",
            advice="Give an aware datetime, such as datetime.now(UTC), or a timedelta.",
        )  # fmt: skip
    return moment.timestamp()
