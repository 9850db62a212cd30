"""Which lanes have something due, so that nobody has to search the queue for it.

A worker surveys the queue when it starts, when deliveries came back untried, and once a minute to be safe. In between
it learns from the event log: every other change that makes a delivery wait, whoever made it, has written an event.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Double, Integer, Text, bindparam, func, literal_column, select, tuple_

from postroad.database.batch import Query
from postroad.database.tables import WAITING, delivery, event
from postroad.outbox.lanes import Lane
from postroad.outbox.log_position import Position, between, position
from postroad.outbox.override import Override, overrides
from postroad.outbox.resting import Resting, resting
from postroad.outbox.shares import sharers


class News(NamedTuple):
    """What has begun to wait, how far the event log was read, what rests, which limits were
    changed, and how many parts limits are divided in."""

    seen: Position
    lanes: tuple[tuple[Lane, float], ...]
    resting: Resting
    overrides: tuple[Override, ...] = ()
    sharers: int = 0


_LANE = (delivery.c.site, delivery.c.priority, delivery.c.stream)
_SINCE = between(
    select(*_LANE, func.min(delivery.c.due_at).label("due_at"))
    .select_from(event.join(delivery, delivery.c.id == event.c.delivery_id))
    .where(WAITING)
    .group_by(*_LANE)
)


def _every_lane(domain: ColumnElement[str] | None = None) -> Query:
    """All lanes, or those of a domain."""
    # From lane to lane by the index, one look each: the queue itself may hold millions of rows.
    waiting = delivery.alias("waiting")
    is_waiting = waiting.c.state.in_([literal_column("'ready'"), literal_column("'scheduled'")])
    place = (waiting.c.site, waiting.c.priority, waiting.c.stream, waiting.c.due_at)
    in_order = select(waiting.c.id).where(is_waiting).order_by(*place)
    if domain is not None:
        in_order = in_order.where(waiting.c.site == domain)
    found = (*_LANE, delivery.c.due_at)
    lanes = select(*found).where(delivery.c.id == in_order.limit(1).scalar_subquery()).cte("lane", recursive=True)
    # Plus and || take the columns' affinity away: with it, SQLite would not search the index by all columns.
    # The time, later than any, spares it the walk over the rest of the lane: such a search begins with what is equal.
    last = (
        lanes.c.site,
        literal_column("+lane.priority", Integer),
        literal_column("(lane.stream || '')", Text),
        literal_column("1e308", Double),
    )
    first = 0 if domain is None else 1  # of the columns that differ: what is equal begins the search by itself
    following = in_order.where(tuple_(*place[first:]) > tuple_(*last[first:])).limit(1)
    step = select(*found).select_from(
        lanes.join(delivery, delivery.c.id == following.correlate(lanes).scalar_subquery())
    )
    every = lanes.union_all(step)
    return Query(select(every.c.site, every.c.priority, every.c.stream, every.c.due_at))


_EVERY_LANE = _every_lane()
_LANES_OF = _every_lane(bindparam("domain", type_=Text))


def survey(connection: Connection, now: float) -> News:
    """All lanes in which something waits."""
    seen = position(connection)
    return News(
        seen,
        _lanes(_EVERY_LANE.rows(connection)),
        resting(connection, now),
        overrides(connection, now),
        sharers(connection),
    )


def lanes_of(connection: Connection, domain: str) -> tuple[Lane, ...]:
    """The lanes of a domain in which something waits."""
    return tuple([lane for lane, _ in _lanes(_LANES_OF.rows(connection, domain=domain))])


def news(connection: Connection, since: Position, now: float) -> News:
    """What has begun to wait since then."""
    last = position(connection)
    lanes = () if last == since else _lanes(_SINCE.rows(connection, since=since, last=last))
    return News(last, lanes, *_in_force(connection, now))


def _in_force(connection: Connection, now: float) -> tuple[Resting, tuple[Override, ...], int]:
    return resting(connection, now), overrides(connection, now), sharers(connection)


def _lanes(rows: Iterable[Sequence[object]]) -> tuple[tuple[Lane, float], ...]:
    return tuple([(Lane(str(d), int(str(p)), str(s)), float(str(due))) for d, p, s, due in rows])
