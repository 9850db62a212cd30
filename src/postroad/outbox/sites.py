"""Which sites have something due, known in memory so that nobody has to search the queue for it.

A worker surveys the queue when it starts, when deliveries came back untried, and once a minute to be safe. In between
it learns from the event log: every other change that makes a delivery wait, whoever made it, has written an event.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Double, Integer, bindparam, func, literal_column, not_, select, tuple_

from postroad.database.batch import Query
from postroad.database.tables import WAITING, delivery, event
from postroad.outbox.log_position import Position, between, position
from postroad.outbox.resting import Resting, resting, rests


class Lane(NamedTuple):
    """A site, and one priority within it; the lower goes first."""

    site: str
    priority: int


class Sites:
    """The next due time of every lane in which something waits. Lanes of one priority take turns."""

    def __init__(self) -> None:
        self._next: dict[Lane, float] = {}

    def note(self, lane: Lane, due_at: float) -> None:
        """Something waits there, due then; what was known to be due before stays known."""
        known = self._next.get(lane)
        if known is None or due_at < known:
            self._next[lane] = due_at

    def settle(self, lanes: Iterable[tuple[Lane, float | None]]) -> None:
        """A claim has seen these lanes: this is when they have something next. They go to the end of the line."""
        for lane, due_at in lanes:
            self._next.pop(lane, None)
            if due_at is not None:
                self._next[lane] = due_at

    def due(self, now: float) -> tuple[Lane, ...]:
        """The lanes with something due, urgent ones first, then those that waited longest for their turn."""
        lanes = [lane for lane, due_at in self._next.items() if due_at <= now]
        return tuple(sorted(lanes, key=_priority))

    def next_due(self) -> float | None:
        """When the next of all comes due."""
        return min(self._next.values(), default=None)


def _priority(lane: Lane) -> int:
    return lane.priority


class News(NamedTuple):
    """What has begun to wait, how far the event log was read, and what rests."""

    seen: Position
    lanes: tuple[tuple[Lane, float], ...]
    resting: Resting


_lanes_with_news = (
    select(delivery.c.site, delivery.c.priority, func.min(delivery.c.due_at).label("due_at"))
    .select_from(event.join(delivery, delivery.c.id == event.c.delivery_id))
    .where(WAITING)
    .group_by(delivery.c.site, delivery.c.priority)
)
# What arrives for a stream that rests makes nobody look at its lane.
_lanes_with_news_of_the_awake = _lanes_with_news.where(not_(rests(delivery, bindparam("now", type_=Double))))
_SINCE = between(_lanes_with_news)
_SINCE_BESIDE_RESTING = between(_lanes_with_news_of_the_awake)


def _every_lane() -> Query:
    # From lane to lane by the index, one look each: the queue itself may hold millions of rows.
    waiting = delivery.alias("waiting")
    is_waiting = waiting.c.state.in_([literal_column("'ready'"), literal_column("'scheduled'")])
    in_order = select(waiting.c.id).where(is_waiting).order_by(waiting.c.site, waiting.c.priority, waiting.c.due_at)
    first = select(delivery.c.site, delivery.c.priority, delivery.c.due_at).where(
        delivery.c.id == in_order.limit(1).scalar_subquery()
    )
    lanes = first.cte("lane", recursive=True)
    # The plus takes the column's affinity away: with it, SQLite would not search the index by both columns.
    # The time, later than any, spares it the walk over the rest of the lane: such a search begins with what is equal.
    last = tuple_(lanes.c.site, literal_column("+lane.priority", Integer), literal_column("1e308", Double))
    following = in_order.where(tuple_(waiting.c.site, waiting.c.priority, waiting.c.due_at) > last).limit(1)
    step = select(delivery.c.site, delivery.c.priority, delivery.c.due_at).select_from(
        lanes.join(delivery, delivery.c.id == following.correlate(lanes).scalar_subquery())
    )
    every = lanes.union_all(step)
    return Query(select(every.c.site, every.c.priority, every.c.due_at))


_EVERY_LANE = _every_lane()


def survey(connection: Connection, now: float) -> News:
    """All lanes in which something waits."""
    return News(position(connection), _lanes(_EVERY_LANE.rows(connection)), resting(connection, now))


def news(connection: Connection, since: Position, now: float) -> News:
    """What has begun to wait since then, and does not rest."""
    last, now_resting = position(connection), resting(connection, now)
    if last == since:
        return News(last, (), now_resting)
    query = _SINCE_BESIDE_RESTING if now_resting else _SINCE
    return News(last, _lanes(query.rows(connection, since=since, last=last, now=now)), now_resting)


def _lanes(rows: Iterable[Sequence[object]]) -> tuple[tuple[Lane, float], ...]:
    return tuple([(Lane(str(site), int(str(priority))), float(str(due))) for site, priority, due in rows])
