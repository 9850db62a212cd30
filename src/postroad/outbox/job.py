"""A message as the outbox takes it: sealed, timed, with what people search for."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from postroad.address import Address
from postroad.clock import as_datetime
from postroad.errors import MessageError, Suppressed
from postroad.message.envelope import MailObject

Moment = datetime | timedelta
"""An aware time, or how long from now."""

MAX_KEY_CHARACTERS: Final = 255  # ours; room for any identifier, and an index entry stays small


# A delivery's number has 16 bits (32,767); the rest is for new deliveries where refused ones are retried.
MAX_RECIPIENTS: Final = 30_000


@dataclass(frozen=True, slots=True)
class Job:
    """One message to be queued. Times are seconds since the epoch, UTC.

    Raises:
        MessageError: it has too many recipients.
    """

    id: str
    mail: MailObject
    stream: str
    priority: int
    created_at: float
    send_at: float | None = None
    expires_at: float | None = None
    idempotency_key: str | None = None
    payload_hash: str | None = None
    subject: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        number = len(self.mail.envelope.recipients)
        if number > MAX_RECIPIENTS:
            raise MessageError(
                f"{number} recipients; the outbox takes {MAX_RECIPIENTS} with one message",
                field="to",
                advice="Send it several times, each time to some of them.",
            )


def _nobody_to_wake() -> None:
    """For receipts without an outbox."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The message is on disk: whatever happens to this process, it will be delivered, or its fate told.

    Where the caller's own transaction has written it, that is so once it is committed.

    ``id`` is a UUIDv7; ``message_id`` the Message-ID header with its brackets; ``duplicate`` means that the same
    message had been taken before under its idempotency key, and that this is its receipt. ``suppressed`` are those of
    the recipients who get nothing, because they are on the suppression list; maybe all of them.
    """

    id: str
    message_id: str | None
    recipients: tuple[Address, ...]
    duplicate: bool = False
    suppressed: tuple[Address, ...] = ()
    _wake: Callable[[], None] = field(default=_nobody_to_wake, repr=False, compare=False)

    def wake(self) -> None:
        """Have workers look at once for what was committed. Without it they look within 50 ms.

        To be called after the commit of a transaction that ``send`` was given. A receipt that was pickled wakes nobody.
        """
        self._wake()

    def __reduce__(self) -> "tuple[type[Receipt], tuple[object, ...]]":
        return type(self), (self.id, self.message_id, self.recipients, self.duplicate, self.suppressed)

    def raise_for_suppressed(self) -> None:
        """Complain if any recipient is on the suppression list.

        Raises:
            Suppressed: naming them.
        """
        if self.suppressed:
            names = ", ".join(one.addr_spec for one in self.suppressed)
            raise Suppressed(f"on the suppression list: {names}")

    def __str__(self) -> str:
        return self.id


def read_moment(value: Moment | None, name: str, now: float) -> float | None:
    """Seconds since the epoch of an argument that is an aware datetime or a timedelta from ``now``.

    Raises:
        MessageError: naming the argument.
    """
    if value is None:
        return None
    if isinstance(value, timedelta):
        return _within_calendar(now + value.total_seconds(), name)
    if not isinstance(value, datetime):
        raise MessageError(f"{name}: an aware datetime or a timedelta, not {type(value).__name__}", field=name)
    if value.utcoffset() is None:
        sentence = f"{name}: {value.isoformat()} has no time zone"
        raise MessageError(
            sentence, field=name, advice="Give an aware datetime, such as datetime.now(UTC), or a timedelta."
        )
    return value.timestamp()


def _within_calendar(moment: float, name: str) -> float:
    """The moment, if a datetime can hold it: it will be shown as one."""
    try:
        as_datetime(moment)
    except (OverflowError, ValueError, OSError) as fault:
        raise MessageError(f"{name}: beyond the calendar, which ends with the year 9999", field=name) from fault
    return moment


def read_times(send_at: Moment | None, expires_at: Moment | None, now: float) -> tuple[float | None, float | None]:
    """Both times of a message, checked against each other; a ``send_at`` that has passed means now.

    Raises:
        MessageError: a naive datetime, or a message that would expire before it may be sent.
    """
    start = read_moment(send_at, "send_at", now)
    end = read_moment(expires_at, "expires_at", now)
    if end is not None and end <= max(now, start or now):
        raise MessageError("expires_at: lies before the message could be sent", field="expires_at")
    return (start if start is not None and start > now else None), end


def read_key(key: object) -> str | None:
    """The idempotency key as a caller gave it.

    Raises:
        MessageError: it is no str of 1 to 255 printable characters.
    """
    if key is None:
        return None
    if not isinstance(key, str) or not 0 < len(key) <= MAX_KEY_CHARACTERS or not key.isprintable():
        sentence = f"idempotency_key: 1 to {MAX_KEY_CHARACTERS} printable characters, not {key!r:.80}"
        raise MessageError(sentence, field="idempotency_key")
    return key


def payload_hash(mail: MailObject, stream: str, generated: frozenset[str]) -> str:
    """What two sends with one idempotency key must share: SHA-256 over envelope, content and stream.

    ``generated`` names the header fields, in lower case, that were not the caller's but made for this send; they are
    left out, because they differ each time.
    """
    digest = hashlib.sha256()
    sender = mail.envelope.mail_from
    envelope = [stream, sender.addr_spec if sender else "", *(one.addr_spec for one in mail.envelope.recipients)]
    digest.update("\0".join(envelope).encode())
    digest.update(b"\0\0")
    digest.update(_without(mail.content, generated))
    return digest.hexdigest()


def _without(content: bytes, names: frozenset[str]) -> bytes:
    if not names:
        return content
    header, separator, body = content.partition(b"\r\n\r\n")
    field = rb"(?im)^(?:" + b"|".join(sorted(name.encode() for name in names)) + rb"):.*\r\n(?:[ \t].*\r\n)*"
    return re.sub(field, b"", header + b"\r\n") + separator + body


def checked_id(id_: object) -> str:
    """The id of a message, as a caller gave it.

    Raises:
        MessageError: it is no text.
    """
    if not isinstance(id_, str):
        advice = "Pass the id of the receipt: receipt.id."
        raise MessageError(f"the id of a message is a str, not {type(id_).__name__}", field="id", advice=advice)
    return id_
