"""Taking deliveries: by lane, in one transaction, with owner, epoch, attempt and next retry committed.

A lane is a domain, a priority and a stream; ``sites`` knows which lanes have something due. A claim looks at the lanes
that it is asked for and at no other, so a backlog that may not be sent now costs nothing. Where several workers claim
at the same time, each passes over what another is just taking.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Double,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    insert,
    literal_column,
    select,
    true,
    update,
)

from postroad.database.batch import Query, Statement
from postroad.database.given import found_by, given
from postroad.database.tables import WAITING, delivery, event, message
from postroad.events import EventKind
from postroad.outbox.lanes import Lane
from postroad.outbox.lease import Lease, Parcel
from postroad.outbox.resting import Rest, Resting, resting
from postroad.outbox.states import DeliveryState
from postroad.outbox.suppress import end, key_of, reasons
from postroad.outbox.whole import AGAIN_AFTER, put_off, waiting_for_others
from postroad.suppression.list import suppressed

NextTry = Callable[[Lease, float], float]
"""When a lease's delivery would be tried again, were nothing to be heard of this try."""


Apart = Callable[[str], str | None]
"""The site of a domain whose recipients go in transactions of their own; ``None``: together with others."""


def _all_together(domain: str) -> str | None:
    return None


class Claim(NamedTuple):
    """A worker's wish: what is due in these lanes, at most so many deliveries of each.

    ``site`` gives the site of a domain, for what rests by its site. ``whole``: a message is taken for all who wait for
    it, or not at all.
    """

    owner: str
    now: float
    lanes: Mapping[Lane, int]
    next_try: NextTry
    apart: Apart = _all_together
    site: Callable[[str], str] = str
    whole: bool = False


class Claimed(NamedTuple):
    """What it got, and when each lane has something next (``None``: nothing waits there, or it rests)."""

    parcels: tuple[Parcel, ...]
    lanes: tuple[tuple[Lane, float | None], ...]


_lanes = given(site=Text, priority=Integer, stream=Text)
_picked = delivery.alias("picked")
_waiting_picked = _picked.c.state.in_([literal_column("'ready'"), literal_column("'scheduled'")])


_in_lane = and_(
    _waiting_picked,
    _picked.c.site == _lanes.c.site,
    _picked.c.priority == _lanes.c.priority,
    _picked.c.stream == _lanes.c.stream,
)
_NOW: Final = bindparam("now", type_=Double)
_found = delivery.alias("found")


def _first_due(column: Column[Any]) -> Select[Any]:
    return (
        select(column)
        .where(_in_lane, _picked.c.due_at <= _NOW)
        .order_by(_picked.c.due_at)
        .limit(bindparam("most", type_=Integer))
        .correlate(_lanes)
    )


_messages = select(_found.c.message_id).select_from(_lanes.join(_found, _found.c.id.in_(_first_due(_picked.c.id))))
_each = _first_due(_picked.c.message_id).with_for_update(of=_picked, skip_locked=True).lateral("each")
# Materialised, or the rows might be locked again and again while others are looked for.
_free_messages = select(
    select(_each.c.message_id).select_from(_lanes.join(_each, true())).cte("free").prefix_with("MATERIALIZED").c[0]
)


def _due(messages: Select[Any]) -> Select[Any]:
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
        message.c.tags,
        message.c.metadata,
        message.c.stream,
        delivery.c.recipient_key,
        delivery.c.site,
        delivery.c.priority,
        delivery.c.stream.label("lane_stream"),
    ).select_from(delivery.join(message, message.c.id == delivery.c.message_id)).where(
        WAITING, delivery.c.due_at <= _NOW, delivery.c.message_id.in_(messages)
    ).order_by(delivery.c.priority, delivery.c.due_at, delivery.c.id)  # fmt: skip


_MESSAGE: Final = 7  # the place of its id among the columns; up to the stream's they are those of ``Parcel``
_STREAM: Final = 18  # its place among the columns; behind it the recipient's key, and its lane
_LANE: Final = slice(20, 23)


_DUE = Query(_due(_messages), on_postgresql=_due(_free_messages).with_for_update(of=delivery, skip_locked=True))

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


_NEXT_DUE = Query(
    select(
        _lanes.c.site,
        _lanes.c.priority,
        _lanes.c.stream,
        select(_picked.c.due_at)
        .where(_in_lane)
        .order_by(_picked.c.due_at)
        .limit(1)
        .correlate(_lanes)
        .scalar_subquery()
        .label("due_at"),
    )
)


def claim(connection: Connection, wishes: Sequence[Claim]) -> list[Claimed | Exception]:
    """Lease what is due; what has expired meanwhile ends here."""
    return [_claim(connection, wish) for wish in wishes]


def _claim(connection: Connection, wish: Claim) -> Claimed:
    now_resting = resting(connection, wish.now)
    asleep = {lane: rest.until for lane in wish.lanes if (rest := _rest(now_resting, lane, wish)) is not None}
    awake = {lane: most for lane, most in wish.lanes.items() if lane not in asleep} if asleep else wish.lanes
    parcels: list[Parcel] = []
    for most in sorted(set(awake.values())):
        lanes = [lane for lane, number in awake.items() if number == most]
        parcels += _leased(connection, wish, lanes, most, now_resting)
    looks = [(Lane(*lane), due_at) for *lane, due_at in _NEXT_DUE.rows(connection, list(awake))]
    return Claimed(tuple(parcels), (*asleep.items(), *looks))


def _rest(now_resting: Resting, lane: Lane, wish: Claim) -> Rest | None:
    return now_resting.lane(lane.domain, wish.site(lane.domain), lane.stream) if now_resting else None


def _leased(
    connection: Connection, wish: Claim, lanes: Sequence[Lane], most: int, now_resting: Resting
) -> tuple[Parcel, ...]:
    rows = _DUE.rows(connection, lanes, now=wish.now, most=most)
    if not wish.whole:
        rows = [row for row in rows if _may_come_along(wish, Lane(*row[_LANE]), now_resting)]
    rows = _without_overdue(connection, rows, wish.now)
    if wish.whole:
        rows = _complete(connection, wish, rows, now_resting)
    parcels = _parcels(wish, _without_suppressed(connection, rows, wish.now))
    taken = [(lease.id, wish.next_try(lease, wish.now)) for parcel in parcels for lease in parcel.leases]
    if taken:
        _LEASE.run(connection, taken, owner=wish.owner, now=wish.now)
    return parcels


def _may_come_along(wish: Claim, lane: Lane, now_resting: Resting) -> bool:
    """Whether a recipient goes with one of its message that was found by its lane: not if its own is not wanted."""
    if lane in wish.lanes:
        return not now_resting or _rest(now_resting, lane, wish) is None
    return wish.apart(lane.domain) is None and (not now_resting or _rest(now_resting, lane, wish) is None)


def _without_overdue(connection: Connection, rows: list[Sequence[Any]], now: float) -> list[Sequence[Any]]:
    """The rows whose time is not used up; the others end here."""
    overdue = [row[:1] for row in rows if row[5] is not None and row[5] <= now]
    if not overdue:
        return rows
    _EXPIRE.run(connection, overdue, now=now)
    _SAY_EXPIRED.run(connection, overdue, now=now)
    return [row for row in rows if row[5] is None or row[5] > now]


def _complete(
    connection: Connection, wish: Claim, rows: list[Sequence[Any]], now_resting: Resting
) -> list[Sequence[Any]]:
    """The rows of messages of which everybody is here who waits, and nobody rests; the others are put off."""
    if not rows:
        return rows
    until = waiting_for_others(connection, ((row[_MESSAGE], row[0]) for row in rows), wish.now)
    for row in rows if now_resting else ():
        rest = _rest(now_resting, Lane(*row[_LANE]), wish)
        if rest is not None:
            end = min(math.inf if rest.until is None else rest.until, wish.now + AGAIN_AFTER)
            until[row[_MESSAGE]] = max(until.get(row[_MESSAGE], end), end)
    if not until:
        return rows
    put_off(connection, [(row[0], until[row[_MESSAGE]]) for row in rows if row[_MESSAGE] in until], wish.now)
    return [row for row in rows if row[_MESSAGE] not in until]


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


def _parcels(wish: Claim, rows: Sequence[Sequence[Any]]) -> tuple[Parcel, ...]:
    together: dict[tuple[str, str | None], list[Sequence[Any]]] = {}
    for row in rows:
        together.setdefault((row[_MESSAGE], wish.apart(row[_LANE.start])), []).append(row)
    return tuple([_parcel(wish.owner, group) for group in together.values()])


def _parcel(owner: str, rows: Sequence[Sequence[Any]]) -> Parcel:
    leases = []
    stream, lane = rows[0][_STREAM], Lane(*rows[0][_LANE])
    for id_, recipient, epoch, due_at, first_due_at, expires_at, attempts, *_message in rows:
        leases.append(Lease(id_, recipient, owner, epoch + 1, due_at, first_due_at, expires_at, attempts, stream))
    return Parcel._make((*rows[0][_MESSAGE:_STREAM], tuple(leases), lane))
