"""Looking into the outbox, without changing it."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Integer,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    true,
)

from postroad.address import Address
from postroad.clock import as_datetime
from postroad.database.batch import Query, given_values
from postroad.database.tables import WAITING, attempt, delivery, event, message
from postroad.errors import ConfigurationError, NotFound
from postroad.events import EventKind
from postroad.outbox.states import DeliveryState, state_at
from postroad.outbox.status import (
    AttemptStatus,
    DeliveryStatus,
    EventStatus,
    MessageStatus,
    OutboxStats,
    QueueEntry,
)
from postroad.outbox.suspend import suspensions

DEFAULT_LIMIT: Final = 50  # entries of a list; a screen or two

_MESSAGE = Query(
    select(
        message.c.id,
        message.c.message_id,
        message.c.stream,
        message.c.mail_from,
        message.c.subject,
        message.c.size,
        message.c.tags,
        message.c.metadata,
        message.c.idempotency_key,
        message.c.created_at,
        message.c.send_at,
        message.c.expires_at,
    ).where(message.c.id == bindparam("id"))
)
_DELIVERIES = Query(
    select(
        delivery.c.id,
        delivery.c.number,
        delivery.c.recipient,
        delivery.c.state,
        delivery.c.attempts,
        delivery.c.due_at,
        delivery.c.code,
        delivery.c.enhanced,
        delivery.c.phase,
        delivery.c.text,
        delivery.c.uncertain_ever,
        delivery.c.assumed,
        delivery.c.retry_of,
    )
    .where(delivery.c.message_id == bindparam("id"))
    .order_by(delivery.c.number)
)
_ATTEMPTS = Query(
    select(
        attempt.c.delivery_id,
        attempt.c.number,
        attempt.c.route,
        attempt.c.started_at,
        attempt.c.ended_at,
        attempt.c.result,
        attempt.c.code,
        attempt.c.enhanced,
        attempt.c.phase,
        attempt.c.text,
    )
    .where(attempt.c.delivery_id.in_(given_values(Integer)))
    .order_by(attempt.c.id)
)
_EVENTS = Query(
    select(event.c.delivery_id, event.c.kind, event.c.at, event.c.detail)
    .where(event.c.delivery_id.in_(given_values(Integer)))
    .order_by(event.c.id)
)


def message_status(connection: Connection, id_: str, now: float) -> MessageStatus:
    """A message and all its deliveries.

    Raises:
        NotFound: there is no such message.
    """
    rows = _MESSAGE.rows(connection, id=id_)
    if not rows:
        raise NotFound(f"there is no message {id_!r:.80} in this outbox")
    id_, header_id, stream, mail_from, subject, size, tags, metadata, key, created_at, send_at, expires_at = rows[0]
    return MessageStatus(
        id=id_,
        message_id=header_id,
        stream=stream,
        mail_from=mail_from,
        subject=subject or "",
        size=size,
        tags=tuple(json.loads(tags)),
        metadata=MappingProxyType(json.loads(metadata)),
        idempotency_key=key,
        created_at=as_datetime(created_at),
        send_at=None if send_at is None else as_datetime(send_at),
        expires_at=None if expires_at is None else as_datetime(expires_at),
        recipients=_recipients(connection, id_, now),
    )


def _recipients(connection: Connection, id_: str, now: float) -> tuple[DeliveryStatus, ...]:
    rows = _DELIVERIES.rows(connection, id=id_)
    ids = [row[0] for row in rows]
    numbers = {row[0]: row[1] for row in rows}
    history: dict[int, list[AttemptStatus]] = defaultdict(list)
    for row in _ATTEMPTS.rows(connection, ids):
        history[row[0]].append(_attempt(row))
    events: dict[int, list[EventStatus]] = defaultdict(list)
    for delivery_id, kind, at, detail in _EVENTS.rows(connection, ids):
        known = MappingProxyType(json.loads(detail) if detail else {})
        events[delivery_id].append(EventStatus(EventKind(kind), as_datetime(at), known))
    return tuple(
        _delivery(row, numbers, now, history=tuple(history[row[0]]), events=tuple(events[row[0]])) for row in rows
    )


def _delivery(row: Sequence[Any], numbers: dict[int, int], now: float, **log: Any) -> DeliveryStatus:
    _, number, recipient, state, attempts, due_at, code, enhanced, phase, text, uncertain, assumed, first = row
    current = state_at(DeliveryState(state), due_at, now)
    return DeliveryStatus(
        number=number,
        recipient=recipient,
        state=current,
        attempts=attempts,
        due_at=as_datetime(due_at) if current in _PLANNED else None,
        code=code,
        enhanced=enhanced,
        phase=phase,
        text=text,
        uncertain_ever=bool(uncertain),
        assumed=bool(assumed),
        retry_of=numbers.get(first),
        **log,
    )


_PLANNED: Final = frozenset({DeliveryState.SCHEDULED, DeliveryState.READY})


def _attempt(row: Sequence[Any]) -> AttemptStatus:
    _, number, route, started_at, ended_at, result, code, enhanced, phase, text = row
    begun, ended = as_datetime(started_at), as_datetime(ended_at)
    return AttemptStatus(number, route, begun, ended, result, code, enhanced, phase, text or "")


# ── lists ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Search:
    """What a list shall hold; everything that is given must hold."""

    state: str | None = None
    recipient: str | None = None
    domain: str | None = None
    stream: str | None = None
    limit: int = DEFAULT_LIMIT


_NOW: Final = bindparam("now", type_=Double)
_STATE_NOW: Final = case(
    (and_(delivery.c.state == DeliveryState.SCHEDULED.value, delivery.c.due_at <= _NOW), DeliveryState.READY.value),
    else_=delivery.c.state,
)


def entries(connection: Connection, search: Search, now: float) -> tuple[QueueEntry, ...]:
    """Deliveries, newest first.

    Raises:
        ConfigurationError: there is no such state.
    """
    query = Query(
        select(
            delivery.c.message_id,
            delivery.c.recipient,
            _STATE_NOW.label("state_now"),
            delivery.c.attempts,
            delivery.c.due_at,
            delivery.c.code,
            delivery.c.text,
            delivery.c.uncertain_ever,
            message.c.stream,
            message.c.mail_from,
            message.c.subject,
            message.c.created_at,
        )
        .select_from(delivery.join(message, message.c.id == delivery.c.message_id))
        .where(_condition(search))
        .order_by(delivery.c.id.desc())
        .limit(max(0, search.limit))
    )
    return tuple(_entry(row) for row in query.rows(connection, now=now))


def _entry(row: Sequence[Any]) -> QueueEntry:
    id_, recipient, state, attempts, due_at, code, text, uncertain, stream, mail_from, subject, created_at = row
    current = DeliveryState(state)
    return QueueEntry(
        id=id_,
        recipient=recipient,
        state=current,
        attempts=attempts,
        due_at=as_datetime(due_at) if current in _PLANNED else None,
        code=code,
        text=text,
        uncertain_ever=bool(uncertain),
        stream=stream,
        mail_from=mail_from,
        subject=subject or "",
        created_at=as_datetime(created_at),
    )


def _condition(search: Search) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [true()]
    if search.state is not None:
        conditions.append(literal(_known_state(search.state).value) == _STATE_NOW)
    if search.recipient is not None:
        address = Address.parse(search.recipient)
        folded = func.lower(delivery.c.recipient) == address.key
        conditions.append(or_(delivery.c.recipient == address.addr_spec, folded))
    if search.domain is not None:
        conditions.append(delivery.c.domain == search.domain.lower().removeprefix("@"))
    if search.stream is not None:
        conditions.append(message.c.stream == search.stream)
    return and_(*conditions)


def _known_state(name: str) -> DeliveryState:
    try:
        return DeliveryState(name)
    except ValueError:
        known = ", ".join(DeliveryState)
        raise ConfigurationError(f"{name!r} is no state of a delivery; there are {known}", setting="state") from None


# ── numbers ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_COUNTS = Query(
    select(
        _STATE_NOW.label("state_now"),
        func.count().label("number"),
        func.sum(delivery.c.uncertain_ever).label("ever"),
    ).group_by(_STATE_NOW)
)
_OLDEST = Query(select(func.min(delivery.c.due_at)).where(WAITING, delivery.c.due_at <= _NOW))


def stats(connection: Connection, now: float) -> OutboxStats:
    """How many recipients are in each state, and how long the oldest has been due."""
    rows = _COUNTS.rows(connection, now=now)
    counted = {state: number for state, number, _ in rows}
    oldest = _OLDEST.rows(connection, now=now)[0][0]
    return OutboxStats(
        states=MappingProxyType({str(state): counted.get(state, 0) for state in DeliveryState}),
        oldest_ready_seconds=None if oldest is None else max(0.0, now - oldest),
        uncertain_ever=sum(ever for _, _, ever in rows),
        suspensions=suspensions(connection),
    )
