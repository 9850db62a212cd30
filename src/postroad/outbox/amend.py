"""What a person may do to messages in the outbox: cancel, hold, release, and try again now.

A delivery with a flight record is out of reach: its final dot may be on the wire, and only the answer settles it.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Connection,
    Double,
    Integer,
    Text,
    bindparam,
    case,
    false,
    func,
    insert,
    literal,
    literal_column,
    null,
    select,
    update,
)

from postroad.database.batch import Query, Statement
from postroad.database.given import given
from postroad.database.tables import LEASED, LOCKING_ORDER, content, delivery, flight, message
from postroad.errors import NotFound
from postroad.events import EventKind
from postroad.outbox.job import checked_id
from postroad.outbox.record import ADD_EVENTS
from postroad.outbox.states import EVENTS, DeliveryState, Move, after, allowed


class Amendment(StrEnum):
    """What a wish came to, for one recipient."""

    DONE = "done"
    TOO_LATE = "too_late"  # in flight, or the next hop took it
    NOTHING_TO_DO = "nothing_to_do"  # it is so already, or has ended otherwise
    CONTENT_GONE = "content_gone"  # the message itself is no longer kept: see ``Retention``


@dataclass(frozen=True, slots=True)
class Amended:
    """What a wish came to, and the state that the delivery is in now."""

    id: str
    recipient: str
    result: Amendment
    state: DeliveryState

    def as_dict(self) -> dict[str, Any]:
        """The result as JSON types."""
        return {"id": self.id, "recipient": self.recipient, "result": str(self.result), "state": str(self.state)}


class Wish(NamedTuple):
    """Messages whose deliveries shall be amended."""

    ids: tuple[str, ...]
    now: float


Verb = Callable[[Connection, Sequence[Wish]], "list[tuple[Amended, ...] | Exception]"]


class _Row(NamedTuple):
    id: int
    recipient: str
    state: DeliveryState
    in_flight: bool
    retried: bool  # a later delivery retries this one
    attempts: int
    content_kept: bool
    due_at: float
    first_due_at: float


_retry = delivery.alias("retry")
_ROWS = Query(
    select(
        delivery.c.id,
        delivery.c.recipient,
        delivery.c.state,
        flight.c.delivery_id.is_not(None).label("in_flight"),
        select(func.count()).where(_retry.c.retry_of == delivery.c.id, _retry.c.message_id == delivery.c.message_id)
        .correlate(delivery).scalar_subquery().label("retried"),
        delivery.c.attempts,
        content.c.id.is_not(None).label("content_kept"),
        delivery.c.due_at,
        delivery.c.first_due_at,
    )
    .select_from(
        delivery.outerjoin(flight, flight.c.delivery_id == delivery.c.id)
        .join(message, message.c.id == delivery.c.message_id)
        .outerjoin(content, content.c.id == message.c.content_id)
    )
    .where(delivery.c.message_id == bindparam("message"))
    .order_by(delivery.c.number)
)  # fmt: skip
_LOCK = Query(
    select(delivery.c.id).where(delivery.c.message_id == bindparam("message")).order_by(LOCKING_ORDER).with_for_update()
)
_KNOWN = Query(select(message.c.id).where(message.c.id == bindparam("message")))
_given = given(id=Integer, state=Text, now=Double)
# Owner and epoch change too, so that a flight record of whoever had it is refused.
_SET_ASIDE = Statement(
    update(delivery)
    .where(delivery.c.id == _given.c.id)
    .values(
        state=_given.c.state,
        owner=None,
        epoch=delivery.c.epoch + 1,
        attempts=case((LEASED, delivery.c.attempts - 1), else_=delivery.c.attempts),  # the one under way is none
        due_at=case((LEASED, _given.c.now), else_=delivery.c.due_at),
        changed_at=_given.c.now,
    )
)
_RELEASE = Statement(
    update(delivery).where(delivery.c.id == _given.c.id).values(state=_given.c.state, changed_at=_given.c.now)
)
_MAKE_DUE = Statement(
    update(delivery)
    .where(delivery.c.id == _given.c.id)
    .values(state=_given.c.state, due_at=_given.c.now, owner=None, epoch=delivery.c.epoch + 1, changed_at=_given.c.now)
)
_number = select(func.max(_retry.c.number) + 1).where(_retry.c.message_id == delivery.c.message_id).scalar_subquery()
_AGAIN = Statement(
    insert(delivery).from_select(
        ["message_id", "number", "recipient", "domain", "site", "priority", "state", "due_at", "first_due_at",
         "expires_at", "attempts", "epoch", "uncertain_ever", "assumed", "retry_of", "changed_at", "recipient_key",
         "stream"],
        select(
            delivery.c.message_id,
            _number,
            delivery.c.recipient,
            delivery.c.domain,
            delivery.c.site,
            delivery.c.priority,
            literal_column("'ready'"),
            bindparam("now", type_=Double),
            bindparam("now", type_=Double),
            null(),  # whoever asks for it again now does not want the old limit
            literal(0),
            literal(0),
            false(),
            false(),
            delivery.c.id,
            bindparam("now", type_=Double),
            delivery.c.recipient_key,
            select(message.c.stream).where(message.c.id == delivery.c.message_id).scalar_subquery(),
        ).where(delivery.c.id == bindparam("delivery")),
        include_defaults=False,
    )
)  # fmt: skip
_LATEST = Query(select(func.max(delivery.c.id)).where(delivery.c.retry_of == bindparam("delivery")))

RETRIED_ANEW: Final = frozenset({DeliveryState.REFUSED, DeliveryState.EXPIRED})


def cancel(connection: Connection, wishes: Sequence[Wish]) -> list[tuple[Amended, ...] | Exception]:
    """Take messages back, for every recipient for whom it is not too late."""
    return _amended(connection, wishes, _cancel_one)


def hold(connection: Connection, wishes: Sequence[Wish]) -> list[tuple[Amended, ...] | Exception]:
    """Set messages aside until they are released, for every recipient for whom it is not too late."""
    return _amended(connection, wishes, _hold_one)


def release(connection: Connection, wishes: Sequence[Wish]) -> list[tuple[Amended, ...] | Exception]:
    """Let messages go on that were held."""
    return _amended(connection, wishes, _release_one)


def retry(connection: Connection, wishes: Sequence[Wish]) -> list[tuple[Amended, ...] | Exception]:
    """Make messages due now; a refused or expired delivery gets a new one."""
    return _amended(connection, wishes, _retry_one)


_One = Callable[[Connection, _Row, float], tuple[Amendment, DeliveryState]]


def _amended(connection: Connection, wishes: Sequence[Wish], one: _One) -> list[tuple[Amended, ...] | Exception]:
    return [_wish(connection, wish, one) for wish in wishes]


def _wish(connection: Connection, wish: Wish, one: _One) -> tuple[Amended, ...] | Exception:
    for id_ in wish.ids:
        if not _KNOWN.rows(connection, message=checked_id(id_)):
            return NotFound(f"there is no message {id_!r:.80} in this outbox")
    return tuple(
        Amended(id_, row.recipient, *one(connection, row, wish.now))
        for id_ in wish.ids
        for row in _rows(connection, id_)
    )


def _rows(connection: Connection, message_id: str) -> list[_Row]:
    """The deliveries as they are; nobody changes them until this transaction ends."""
    _LOCK.rows(connection, message=message_id)  # first: who waited here must see what was written meanwhile
    return [
        _Row(id_, recipient, DeliveryState(state), bool(flying), bool(retried), attempts, bool(kept), *times)
        for id_, recipient, state, flying, retried, attempts, kept, *times in _ROWS.rows(connection, message=message_id)
    ]


def _cancel_one(connection: Connection, row: _Row, now: float) -> tuple[Amendment, DeliveryState]:
    return _set_aside(connection, row, Move.CANCEL, now)


def _hold_one(connection: Connection, row: _Row, now: float) -> tuple[Amendment, DeliveryState]:
    return _set_aside(connection, row, Move.HOLD, now)


def _set_aside(connection: Connection, row: _Row, move: Move, now: float) -> tuple[Amendment, DeliveryState]:
    if row.in_flight or row.state is DeliveryState.SENT:
        return Amendment.TOO_LATE, row.state
    return _moved(connection, row, move, now, _SET_ASIDE)


def _release_one(connection: Connection, row: _Row, now: float) -> tuple[Amendment, DeliveryState]:
    first_time_to_come = row.attempts == 0 and now < row.due_at == row.first_due_at
    move = Move.RELEASE_UNTIL_DUE if first_time_to_come else Move.RELEASE
    return _moved(connection, row, move, now, _RELEASE)


def _moved(
    connection: Connection, row: _Row, move: Move, now: float, statement: Statement
) -> tuple[Amendment, DeliveryState]:
    if not allowed(row.state, move):
        return Amendment.NOTHING_TO_DO, row.state
    state = after(row.state, move)
    statement.run(connection, [(row.id, state.value, now)])
    _say(connection, row.id, EVENTS[move], now, {})
    return Amendment.DONE, state


def _retry_one(connection: Connection, row: _Row, now: float) -> tuple[Amendment, DeliveryState]:
    if row.in_flight or row.state is DeliveryState.SENT:
        return Amendment.TOO_LATE, row.state
    if row.state in RETRIED_ANEW and not row.retried:
        if not row.content_kept:
            return Amendment.CONTENT_GONE, row.state
        _AGAIN.run(connection, delivery=row.id, now=now)
        latest = _LATEST.rows(connection, delivery=row.id)[0][0]
        _say(connection, latest, EventKind.RETRIED, now, {"attempts_before": row.attempts})
        return Amendment.DONE, DeliveryState.READY
    return _moved(connection, row, Move.TRY_AGAIN, now, _MAKE_DUE)


def _say(connection: Connection, delivery_id: int, kind: EventKind, now: float, detail: dict[str, Any]) -> None:
    ADD_EVENTS.run(connection, [(delivery_id, kind.value, now, json.dumps(detail) if detail else None)])
