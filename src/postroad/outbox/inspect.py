"""Where one message stands, and how it came to that."""

import json
from collections import defaultdict
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, select

from postroad.clock import as_datetime
from postroad.database.batch import Query
from postroad.database.given import given_values
from postroad.database.tables import attempt, delivery, event, message
from postroad.errors import NotFound
from postroad.events import EventKind
from postroad.outbox.job import checked_id
from postroad.outbox.states import PLANNED, DeliveryState, state_at
from postroad.outbox.status import AttemptStatus, DeliveryStatus, EventStatus, MessageStatus

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
        attempt.c["class"],
        attempt.c.reason,
        attempt.c.roads,
        attempt.c.remote_id,
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
        MessageError: the id is no text.
    """
    rows = _MESSAGE.rows(connection, id=checked_id(id_))
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
        due_at=as_datetime(due_at) if current in PLANNED else None,
        code=code,
        enhanced=enhanced,
        phase=phase,
        text=text,
        uncertain_ever=bool(uncertain),
        assumed=bool(assumed),
        retry_of=numbers.get(first),
        **log,
    )


def _attempt(row: Sequence[Any]) -> AttemptStatus:
    _, number, route, started_at, ended_at, result, code, enhanced, phase, text, class_, reason, roads, remote_id = row
    begun, ended = as_datetime(started_at), as_datetime(ended_at)
    taken = tuple((one["route"], one["error"]) for one in json.loads(roads)) if roads else ()
    said = result, code, enhanced, phase, text or "", class_, reason
    return AttemptStatus(number, route, begun, ended, *said, taken, remote_id)
