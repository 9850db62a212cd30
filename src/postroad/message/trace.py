"""The way a message took, as its header tells it: every hop, and how long it took from one to the next.

Each server puts its Received field on top (RFC 5321 §4.4), so the way is read from the bottom. Only what one's own
servers wrote can be relied upon: whoever sent the message may have written the fields below.
"""

from dataclasses import dataclass
from datetime import datetime

from postroad.message import limits
from postroad.message.header_decode import decoded
from postroad.message.header_fields import Field, read_header
from postroad.message.received import Received, read_date

MAX_HOPS = 1_000  # fields that are read; servers take more than a hundred for a loop (RFC 5321 §6.3)


@dataclass(frozen=True, slots=True)
class Hop:
    """``delay`` is in seconds, since the last hop before this one whose time is known; negative where clocks differ."""

    received: Received
    delay: float | None


@dataclass(frozen=True, slots=True)
class Trace:
    """The way of one message, the first hop first. ``written`` is its Date; ``results`` are its Authentication-Results
    (RFC 8601), the newest first, as text. ``left_out`` counts the oldest hops, where there are more than ``MAX_HOPS``;
    ``field_count`` is 0 where there is no header at all, and so no message."""

    message_id: str
    subject: str
    written: datetime | None
    hops: tuple[Hop, ...]
    results: tuple[str, ...]
    left_out: int
    field_count: int

    @property
    def seconds(self) -> float | None:
        """From the first hop to the last one; ``None`` where fewer than two times are known."""
        times = [hop.received.at for hop in self.hops if hop.received.at is not None]
        return (times[-1] - times[0]).total_seconds() if len(times) > 1 else None


def trace_of(raw: bytes) -> Trace:
    """Read the way of a message from its header. Whatever ``raw`` is, something comes out."""
    fields, _ = read_header(raw[: limits.MAX_HEADER_OCTETS])
    written = [field.value for field in fields if field.name == "received"]
    received = [Received.read(value) for value in written[:MAX_HOPS]]
    return Trace(
        message_id=_text(fields, "message-id"),
        subject=_text(fields, "subject"),
        written=read_date(_text(fields, "date")),
        hops=_hops(received[::-1]),
        results=tuple(decoded(field.value) for field in fields if field.name == "authentication-results"),
        left_out=len(written) - len(received),
        field_count=len(fields),
    )


def _hops(received: list[Received]) -> tuple[Hop, ...]:
    hops = []
    before: datetime | None = None
    for one in received:
        delay = (one.at - before).total_seconds() if one.at is not None and before is not None else None
        hops.append(Hop(one, delay))
        before = one.at or before
    return tuple(hops)


def _text(fields: tuple[Field, ...], name: str) -> str:
    return next((decoded(field.value) for field in fields if field.name == name), "")
