"""Taking deliveries: by site and priority, in one transaction, with owner, epoch, attempt and next retry committed.

A lane is a site and a priority; ``sites`` knows which lanes have something due. A claim never looks at another lane, so
a backlog that may not be sent now costs nothing. Where several workers claim at the same time, each passes over what
another is just taking.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Double,
    Integer,
    Select,
    Text,
    bindparam,
    insert,
    literal_column,
    not_,
    select,
    true,
    update,
)

from postroad.database.batch import Query, Statement
from postroad.database.given import found_by, given
from postroad.database.tables import WAITING, delivery, event, message
from postroad.events import EventKind
from postroad.outbox.lease import Lease, Parcel
from postroad.outbox.resting import Resting, resting, rests
from postroad.outbox.sites import Lane
from postroad.outbox.states import DeliveryState
from postroad.outbox.suppress import end, key_of, reasons
from postroad.suppression.list import suppressed

NextTry = Callable[[Lease, float], float]
"""When a lease's delivery would be tried again, were nothing to be heard of this try."""


class Claim(NamedTuple):
    """A worker's wish: what is due in these lanes, at most ``most`` deliveries of each."""

    owner: str
    now: float
    lanes: tuple[Lane, ...]
    most: int
    next_try: NextTry


class Claimed(NamedTuple):
    """What it got, and when each lane has something next (``None``: nothing waits there)."""

    parcels: tuple[Parcel, ...]
    lanes: tuple[tuple[Lane, float | None], ...]


_lanes = given(site=Text, priority=Integer)
_picked = delivery.alias("picked")
_waiting_picked = _picked.c.state.in_([literal_column("'ready'"), literal_column("'scheduled'")])


def _first_due(column: Column[Any], free: ColumnElement[bool]) -> Select[Any]:
    return (
        select(column)
        .where(
            _waiting_picked,
            _picked.c.site == _lanes.c.site,
            _picked.c.priority == _lanes.c.priority,
            _picked.c.due_at <= _NOW,
            free,
        )
        .order_by(_picked.c.due_at)
        .limit(bindparam("most", type_=Integer))
        .correlate(_lanes)
    )


_NOW: Final = bindparam("now", type_=Double)
_found = delivery.alias("found")


def _messages(free: ColumnElement[bool]) -> Select[Any]:
    first = _found.c.id.in_(_first_due(_picked.c.id, free))
    return select(_found.c.message_id).select_from(_lanes.join(_found, first))


def _free_messages(free: ColumnElement[bool]) -> Select[Any]:
    each = _first_due(_picked.c.message_id, free).with_for_update(of=_picked, skip_locked=True).lateral("each")
    # Materialised, or the rows might be locked again and again while others are looked for.
    return select(
        select(each.c.message_id).select_from(_lanes.join(each, true())).cte("free").prefix_with("MATERIALIZED").c[0]
    )


def _due(messages: Select[Any], free: ColumnElement[bool]) -> Select[Any]:
    """All due recipients of the messages, so that they go in one transaction (RFC 5321 §4.5.4.1)."""
    return select(
        delivery.c.id,
        delivery.c.recipient,
        delivery.c.epoch,
        delivery.c.due_at,
        delivery.c.first_due_at,
        delivery.c.expires_at,
        delivery.c.attempts,
        message.c.id.label("message_id"),
        message.c.content_id,
        message.c.mail_from,
        message.c.message_id.label("header_id"),
        message.c.size,
        message.c.body,
        message.c.smtputf8,
        message.c.dsn,
        message.c.require_tls,
        message.c.stream,
        delivery.c.recipient_key,
    ).select_from(delivery.join(message, message.c.id == delivery.c.message_id)).where(
        WAITING, delivery.c.due_at <= _NOW, delivery.c.message_id.in_(messages), free
    ).order_by(delivery.c.priority, delivery.c.due_at, delivery.c.id)  # fmt: skip


_STREAM: Final = 16  # its place among the columns; the recipient's key stands behind it


def _query(picked_free: ColumnElement[bool], free: ColumnElement[bool]) -> Query:
    locked = _due(_free_messages(picked_free), free).with_for_update(of=delivery, skip_locked=True)
    return Query(_due(_messages(picked_free), free), on_postgresql=locked)


_DUE = _query(true(), true())
_DUE_BESIDE_RESTING = _query(not_(rests(_picked, _NOW)), not_(rests(delivery, _NOW)))

_taken = given(id=Integer, next_try=Double)
_LEASE = Statement(
    update(delivery)
    .where(found_by(delivery.c.id, _taken.c.id))
    .values(
        state=DeliveryState.LEASED.value,
        owner=bindparam("owner"),
        epoch=delivery.c.epoch + 1,
        attempts=delivery.c.attempts + 1,
        due_at=_taken.c.next_try,
        changed_at=bindparam("now"),
    )
)
_overdue = given(id=Integer)
_EXPIRE = Statement(
    update(delivery)
    .where(delivery.c.id == _overdue.c.id)
    .values(state=DeliveryState.EXPIRED.value, changed_at=bindparam("now"))
)
_SAY_EXPIRED = Statement(
    insert(event).from_select(
        ["delivery_id", "kind", "at"],
        select(_overdue.c.id, literal_column(f"'{EventKind.EXPIRED}'"), bindparam("now", type_=Double)),
        include_defaults=False,
    )
)


def _next_due(free: ColumnElement[bool]) -> Query:
    first = (
        select(_picked.c.due_at)
        .where(_waiting_picked, _picked.c.site == _lanes.c.site, _picked.c.priority == _lanes.c.priority, free)
        .order_by(_picked.c.due_at)
        .limit(1)
        .correlate(_lanes)
        .scalar_subquery()
    )
    return Query(select(_lanes.c.site, _lanes.c.priority, first.label("due_at")))


_NEXT_DUE = _next_due(true())
_NEXT_DUE_BESIDE_RESTING = _next_due(not_(rests(_picked, _NOW)))


def claim(connection: Connection, wishes: Sequence[Claim]) -> list[Claimed | Exception]:
    """Lease what is due; what has expired meanwhile ends here."""
    return [_claim(connection, wish) for wish in wishes]


def _claim(connection: Connection, wish: Claim) -> Claimed:
    now_resting = resting(connection, wish.now)
    asleep = {lane: rest.until for lane in wish.lanes if (rest := now_resting.site(lane.site)) is not None}
    awake = [lane for lane in wish.lanes if lane not in asleep] if asleep else wish.lanes
    # What rests may also be another recipient's site, of a message that is found by the lane of one who does not.
    parcels = _leased(connection, wish, awake, _DUE_BESIDE_RESTING if now_resting else _DUE)
    return Claimed(parcels, (*asleep.items(), *_next_looks(connection, awake, now_resting, wish.now)))


def _leased(connection: Connection, wish: Claim, lanes: Sequence[Lane], due: Query) -> tuple[Parcel, ...]:
    rows = due.rows(connection, lanes, now=wish.now, most=wish.most)
    overdue = [row[:1] for row in rows if row[5] is not None and row[5] <= wish.now]
    if overdue:
        _EXPIRE.run(connection, overdue, now=wish.now)
        _SAY_EXPIRED.run(connection, overdue, now=wish.now)
        rows = [row for row in rows if row[5] is None or row[5] > wish.now]
    parcels = _parcels(wish.owner, _without_suppressed(connection, rows, wish.now))
    taken = [(lease.id, wish.next_try(lease, wish.now)) for parcel in parcels for lease in parcel.leases]
    if taken:
        _LEASE.run(connection, taken, owner=wish.owner, now=wish.now)
    return parcels


def _next_looks(
    connection: Connection, lanes: Sequence[Lane], now_resting: Resting, now: float
) -> list[tuple[Lane, float | None]]:
    """When each lane has something next; where something rests in lanes, no later than the first rest ends."""
    if not now_resting.within_lanes:
        return [(Lane(site, priority), due_at) for site, priority, due_at in _NEXT_DUE.rows(connection, lanes)]
    rows = _NEXT_DUE_BESIDE_RESTING.rows(connection, lanes, now=now)
    return [(Lane(site, priority), _earlier(due_at, now_resting.next_end)) for site, priority, due_at in rows]


def _earlier(one: float | None, other: float | None) -> float | None:
    return min((moment for moment in (one, other) if moment is not None), default=None)


def _without_suppressed(connection: Connection, rows: list[Sequence[Any]], now: float) -> list[Sequence[Any]]:
    """The rows whose recipients may get them; the others end here."""
    keys = [key_of(row[1], row[_STREAM + 1]) for row in rows]
    listed = suppressed(connection, keys)
    named = ((row[0], key, row[_STREAM]) for row, key in zip(rows, keys, strict=True))
    ended = reasons(listed, named, now)
    if not ended:
        return rows
    end(connection, ended, now)
    return [row for row in rows if row[0] not in ended]


def _parcels(owner: str, rows: Sequence[Sequence[Any]]) -> tuple[Parcel, ...]:
    by_message: dict[str, list[Sequence[Any]]] = {}
    for row in rows:
        by_message.setdefault(row[7], []).append(row)
    return tuple([_parcel(owner, group) for group in by_message.values()])


def _parcel(owner: str, rows: Sequence[Sequence[Any]]) -> Parcel:
    leases = []
    stream = rows[0][_STREAM]
    for id_, recipient, epoch, due_at, first_due_at, expires_at, attempts, *_message in rows:
        leases.append(Lease(id_, recipient, owner, epoch + 1, due_at, first_due_at, expires_at, attempts, stream))
    message_id, content_id, mail_from, header_id, size, body, smtputf8, dsn, require_tls = rows[0][7:_STREAM]
    return Parcel(message_id, content_id, mail_from, header_id, size, body, smtputf8, dsn, require_tls, tuple(leases))
