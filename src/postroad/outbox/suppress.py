"""Keeping mail from those who are on the suppression list: asked at enqueue, in the claim, and with the flight record.

Whoever is put on the list loses what waits for him at once. What was enqueued in the same moment is caught by the
claim, and what was claimed in the same moment by the flight record, which is refused; see ``flight``.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Integer,
    Text,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    update,
)

from postroad.address import Address
from postroad.database.batch import Query, Statement
from postroad.database.given import given, given_values
from postroad.database.tables import LEASED, LOCKING_ORDER, delivery, flight, message, suppression
from postroad.events import EventKind
from postroad.outbox.record import ADD_EVENTS
from postroad.outbox.states import MOVES, DeliveryState, Move
from postroad.suppression.entry import Suppression
from postroad.suppression.list import EVERY_STREAM, Suppressed, add, place_of, remove, suppressed


class Suppress(NamedTuple):
    """Entries for the list."""

    entries: tuple[Suppression, ...]
    now: float


class Unsuppress(NamedTuple):
    """An entry to be taken off the list."""

    key: str
    stream: str | None
    now: float


# An older version has written rows without the key.
RECIPIENT_KEY: Final = func.coalesce(delivery.c.recipient_key, func.lower(delivery.c.recipient))

# Asked once for all rows of a statement, and mostly no: it spares them the question about each.
_ANYBODY: Final = select(suppression.alias("anybody").c.key).exists()

_STOPPABLE: Final[list[ColumnElement[Any]]] = [
    literal_column(f"'{state}'") for state, move in MOVES if move is Move.SUPPRESS
]
# Locked first and looked at afterwards, so that a flight record is seen that was being written meanwhile.
_FOR_THEM = Query(
    select(delivery.c.id, delivery.c.recipient_key, message.c.stream)
    .select_from(delivery.join(message, message.c.id == delivery.c.message_id))
    .where(delivery.c.recipient_key.in_(given_values(Text)), delivery.c.state.in_(_STOPPABLE))
    .order_by(LOCKING_ORDER)
    .with_for_update(of=delivery)
)
_IN_FLIGHT = Query(select(flight.c.delivery_id).where(flight.c.delivery_id.in_(given_values(Integer))))
_ended = given(id=Integer)
_END = Statement(
    update(delivery)
    .where(delivery.c.id == _ended.c.id)
    .values(
        state=literal_column(f"'{DeliveryState.SUPPRESSED}'"),
        owner=None,
        epoch=delivery.c.epoch + 1,
        attempts=case((LEASED, delivery.c.attempts - 1), else_=delivery.c.attempts),  # the one under way is none
        changed_at=bindparam("now", type_=Double),
    )
)


def suppress(connection: Connection, wishes: Sequence[Suppress]) -> list[int | Exception]:
    """Put entries on the list and stop what waits for them; how many of the entries changed the list."""
    return [_suppress(connection, wish) for wish in wishes]


def _suppress(connection: Connection, wish: Suppress) -> int:
    changed = add(connection, wish.entries, wish.now)
    stop_waiting(connection, sorted({entry.key for entry in wish.entries}), wish.now)
    return sum(place_of(entry) in changed for entry in wish.entries)


def unsuppress(connection: Connection, wishes: Sequence[Unsuppress]) -> list[Suppression | Exception | None]:
    """Take entries off the list; what has ended as suppressed stays so."""
    return [remove(connection, *wish) for wish in wishes]


def stop_waiting(connection: Connection, keys: Sequence[str], now: float) -> None:
    """End the deliveries to these mailboxes whose final dot cannot be out yet."""
    waiting = _FOR_THEM.rows(connection, keys)
    flying = {id_ for (id_,) in _IN_FLIGHT.rows(connection, [row[0] for row in waiting])}
    listed = suppressed(connection, keys)
    end(connection, reasons(listed, [row for row in waiting if row[0] not in flying], now), now)


def reasons(listed: Suppressed, rows: Iterable[Sequence[Any]], now: float) -> dict[int, str]:
    """Why deliveries must not go out; a row is a delivery's number, its recipient's key and its stream."""
    if not listed:
        return {}
    found = ((id_, listed.reason(key, stream, now)) for id_, key, stream in rows)
    return {id_: reason for id_, reason in found if reason is not None}


def end(connection: Connection, deliveries: dict[int, str], now: float) -> None:
    """Write down that deliveries ended, for these reasons, because their recipients are on the list."""
    _END.run(connection, [(id_,) for id_ in sorted(deliveries)], now=now)
    rows = [(id_, EventKind.SUPPRESSED.value, now, detail(reason)) for id_, reason in sorted(deliveries.items())]
    ADD_EVENTS.run(connection, rows)


def detail(reason: str) -> str:
    """What the event of a suppressed delivery says."""
    return json.dumps({"reason": reason})


def key_of(recipient: str, key: str | None) -> str:
    """The key of a delivery's recipient, also where the row has none."""
    return Address(recipient).key if key is None else key


def listed_for(stream: Any, now: Any) -> ColumnElement[bool]:
    """In SQL: whether the recipient of a delivery gets no mail of the stream."""
    entry = (
        select(suppression.c.key)
        .where(
            suppression.c.key == RECIPIENT_KEY,
            suppression.c.stream.in_([literal_column(f"'{EVERY_STREAM}'"), stream]),
            or_(suppression.c.expires_at.is_(None), suppression.c.expires_at > now),
        )
        .correlate_except(suppression)
    )
    return and_(_ANYBODY, entry.exists())
