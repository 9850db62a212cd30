"""Deliveries in a list, by what people know of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, literal, or_, select, true

from postroad.address import Address, normal_domain
from postroad.clock import as_datetime
from postroad.database.batch import Query
from postroad.database.tables import attempt, delivery, message
from postroad.errors import ConfigurationError
from postroad.outbox.state_now import STATE_NOW
from postroad.outbox.states import PLANNED, DeliveryState
from postroad.outbox.status import QueueEntry

DEFAULT_LIMIT: Final = 50  # entries of a list; a screen or two
BATCH: Final = 500  # entries that are read at once of a long list; some hundred kilobytes


@dataclass(frozen=True, slots=True)
class Search:
    """What a list shall hold; everything that is given must hold."""

    state: str | None = None
    recipient: str | None = None
    domain: str | None = None
    stream: str | None = None
    remote_id: str | None = None
    limit: int = DEFAULT_LIMIT


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries of a list; ``end`` is the place behind which the next page begins, ``None`` where nothing does."""

    entries: tuple[QueueEntry, ...]
    end: int | None


def entries(connection: Connection, search: Search, now: float) -> tuple[QueueEntry, ...]:
    """Deliveries, newest first.

    Raises:
        ConfigurationError: there is no such state.
        AddressError: the recipient is no address, or the domain none.
    """
    return page(connection, search, None, now).entries


def page(connection: Connection, search: Search, behind: int | None, now: float) -> Page:
    """Deliveries, newest first, behind the ``end`` of an earlier page.

    Raises:
        ConfigurationError: there is no such state.
        AddressError: the recipient is no address, or the domain none.
    """
    query = Query(
        select(
            delivery.c.id,
            delivery.c.message_id,
            delivery.c.recipient,
            STATE_NOW.label("state_now"),
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
        .where(_condition(search), true() if behind is None else delivery.c.id < behind)
        .order_by(delivery.c.id.desc())
        .limit(max(0, search.limit))
    )
    rows = query.rows(connection, now=now)
    return Page(tuple([_entry(row) for row in rows]), rows[-1][0] if rows else None)


def _entry(row: Sequence[Any]) -> QueueEntry:
    _, id_, recipient, state, attempts, due_at, code, text, uncertain, stream, mail_from, subject, created_at = row
    current = DeliveryState(state)
    return QueueEntry(
        id=id_,
        recipient=recipient,
        state=current,
        attempts=attempts,
        due_at=as_datetime(due_at) if current in PLANNED else None,
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
        conditions.append(literal(_known_state(search.state).value) == STATE_NOW)
    if search.recipient is not None:
        address = Address.parse(search.recipient)
        without_key = and_(delivery.c.recipient_key.is_(None), delivery.c.recipient == address.addr_spec)
        conditions.append(or_(delivery.c.recipient_key == address.key, without_key))
    if search.domain is not None:
        conditions.append(delivery.c.domain == normal_domain(search.domain))
    if search.stream is not None:
        conditions.append(message.c.stream == search.stream)
    if search.remote_id is not None:
        named = select(attempt.c.delivery_id).where(attempt.c.remote_id == search.remote_id)
        conditions.append(delivery.c.id.in_(named))
    return and_(*conditions)


def _known_state(name: str) -> DeliveryState:
    try:
        return DeliveryState(name)
    except ValueError:
        known = ", ".join(DeliveryState)
        raise ConfigurationError(f"{name!r} is no state of a delivery; there are {known}", setting="state") from None
