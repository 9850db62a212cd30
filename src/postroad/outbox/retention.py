"""Forgetting what is over: contents first, then everything else about a message.

What is over is a message of whose recipients each is in a final state, counted from the last change. It goes in small
batches, each a transaction of its own, in the order in which messages were queued (their ids begin with the time), so
that nobody waits for it. What is not over stays for as long as it takes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from sqlalchemy import Column, Connection, Double, Integer, Text, bindparam, delete, literal_column, select

from postroad.database.batch import Query, Statement
from postroad.database.given import given_values
from postroad.database.tables import LOCKING_ORDER, attempt, content, delivery, event, message
from postroad.errors import ConfigurationError
from postroad.outbox.states import FINAL
from postroad.outbox.uuid7 import first_uuid7

BATCH: Final = 200  # messages of a transaction: some milliseconds
SHORTEST_METADATA: Final = timedelta(days=1)  # an idempotency key must be known for that long


@dataclass(frozen=True, slots=True)
class Retention:
    """How long messages are kept after they are over; ``None`` is for ever.

    ``content`` is the message itself, which a retry of a refused delivery needs; ``metadata`` is all that ``status``
    and ``find`` tell about it, and its idempotency key.

    Raises:
        ConfigurationError: a time is negative, the metadata would go before a day is over, or before the content.
    """

    content: timedelta | None = timedelta(days=7)
    metadata: timedelta | None = timedelta(days=90)

    def __post_init__(self) -> None:
        for name, kept in (("content", self.content), ("metadata", self.metadata)):
            if kept is not None and not isinstance(kept, timedelta):
                raise ConfigurationError(
                    f"retention: {name} is a timedelta or None, not {type(kept).__name__}", setting="retention"
                )
        if self.content is not None and self.content < timedelta(0):
            raise ConfigurationError("retention: content is kept for 0 seconds or more", setting="retention")
        if self.metadata is None:
            return
        if self.metadata < SHORTEST_METADATA:
            raise ConfigurationError("retention: metadata is kept for a day or more", setting="retention")
        if self.content is None or self.content > self.metadata:
            raise ConfigurationError("retention: content is not kept for longer than metadata", setting="retention")


DEFAULT_RETENTION: Final = Retention()


def checked_retention(retention: object) -> Retention:
    """What was given as ``retention``, if it is one.

    Raises:
        ConfigurationError: it is something else.
    """
    if not isinstance(retention, Retention):
        raise ConfigurationError(
            f"retention: a Retention is needed, not {type(retention).__name__}",
            setting="retention",
            advice="Say Retention(content=timedelta(days=7), metadata=timedelta(days=90)).",
        )
    return retention


class Sweep(NamedTuple):
    """A batch to be looked at: messages behind the id ``after`` of which the last change is older than ``before``."""

    after: str
    before: float  # seconds since the epoch


_not_over = select(delivery.c.message_id).where(
    delivery.c.message_id.in_(given_values(Text)),
    delivery.c.state.not_in([literal_column(f"'{state}'") for state in sorted(FINAL)])
    | (delivery.c.changed_at >= bindparam("before", type_=Double)),
)
# Whoever wants to try one of them again locks its rows too, so it is either seen below or finds the content gone.
_LOCK = Query(
    select(delivery.c.id, delivery.c.message_id)
    .where(delivery.c.message_id.in_(given_values(Text)))
    .order_by(LOCKING_ORDER)
    .with_for_update()
)
_NOT_OVER = Query(_not_over)


def _oldest(column: Column[str]) -> Query:
    return Query(
        select(column)
        .where(column > bindparam("after"), column < bindparam("end"))
        .order_by(column)
        .limit(bindparam("most", type_=Integer))
    )


_CONTENTS = _oldest(content.c.id)
_MESSAGES = _oldest(message.c.id)
_DROP_CONTENTS = Statement(delete(content).where(content.c.id.in_(given_values(Text))))
_DROP_MESSAGES = Statement(delete(message).where(message.c.id.in_(given_values(Text))))
_DROP_DELIVERIES = Statement(delete(delivery).where(delivery.c.id.in_(given_values(Integer))))
_DROP_ATTEMPTS = Statement(delete(attempt).where(attempt.c.delivery_id.in_(given_values(Integer))))
_DROP_EVENTS = Statement(delete(event).where(event.c.delivery_id.in_(given_values(Integer))))


def forget_contents(connection: Connection, sweeps: Sequence[Sweep]) -> list[str | Exception | None]:
    """Delete contents of messages that are over; where the next batch begins, ``None`` at the end."""
    return [_forget_contents(connection, sweep) for sweep in sweeps]


def forget_messages(connection: Connection, sweeps: Sequence[Sweep]) -> list[str | Exception | None]:
    """Delete messages that are over, with all that is known of them; where the next batch begins."""
    return [_forget_messages(connection, sweep) for sweep in sweeps]


def _forget_contents(connection: Connection, sweep: Sweep) -> str | None:
    ids = _batch(connection, _CONTENTS, sweep)
    over, _ = _locked_and_over(connection, ids, sweep)
    _DROP_CONTENTS.run(connection, over)
    return ids[-1] if len(ids) == BATCH else None


def _forget_messages(connection: Connection, sweep: Sweep) -> str | None:
    ids = _batch(connection, _MESSAGES, sweep)
    over, deliveries = _locked_and_over(connection, ids, sweep)
    _DROP_ATTEMPTS.run(connection, deliveries)
    _DROP_EVENTS.run(connection, deliveries)
    _DROP_DELIVERIES.run(connection, deliveries)
    _DROP_CONTENTS.run(connection, over)
    _DROP_MESSAGES.run(connection, over)
    return ids[-1] if len(ids) == BATCH else None


def _batch(connection: Connection, oldest: Query, sweep: Sweep) -> list[str]:
    rows = oldest.rows(connection, after=sweep.after, end=first_uuid7(sweep.before), most=BATCH)
    return [id_ for (id_,) in rows]


def _locked_and_over(connection: Connection, ids: list[str], sweep: Sweep) -> tuple[list[str], list[int]]:
    """The messages of these that are over, and the keys of their deliveries."""
    locked = _LOCK.rows(connection, ids)
    not_over = {id_ for (id_,) in _NOT_OVER.rows(connection, ids, before=sweep.before)}
    over = [id_ for id_ in ids if id_ not in not_over]
    return over, [key for key, message_id in locked if message_id not in not_over]
