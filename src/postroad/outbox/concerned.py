"""The deliveries that an explanation is about: those that are under way or wait, and the last that came to an end.

Each question is bounded and goes by an index, so that asking costs little beside a queue of millions.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Double, Integer, Select, and_, bindparam, func, literal_column, or_, select

from postroad.address import Address
from postroad.database.batch import Query
from postroad.database.given import given_values
from postroad.database.tables import HELD, LEASED, WAITING, delivery, event, flight, message
from postroad.events import EventKind
from postroad.outbox.lanes import Lane
from postroad.outbox.sites import lanes_of
from postroad.outbox.states import DeliveryState, state_at

MOST_SHOWN: Final = 20  # deliveries that are not final; a screen
MOST_ENDED: Final = 5  # final ones
MOST_COUNTED: Final = 1000  # before one in its lane
MOST_IN_COUNTS: Final = 10_000  # deliveries of a domain or an address that are counted by their states
MOST_COMPANIONS: Final = 100  # domains of others who wait for the same message
RECENT: Final = (
    10_000  # of the newest deliveries: among them a domain's final ones are looked for, as no index has them
)


class Row(NamedTuple):
    """A delivery with what explains it. Times are seconds since the epoch."""

    id: int
    message_id: str
    recipient: str
    recipient_key: str | None
    domain: str
    place: str  # in the queue
    priority: int
    stream: str
    state: str
    due_at: float
    changed_at: float
    expires_at: float | None
    attempts: int
    owner: str | None
    code: int | None
    enhanced: str | None
    phase: str | None
    text: str | None
    assumed: int
    mail_from: str | None
    flying_since: float | None

    def state_at(self, now: float) -> DeliveryState:
        """Its state as of now."""
        return state_at(DeliveryState(self.state), self.due_at, now)

    @property
    def final(self) -> bool:
        """It has come to an end."""
        return DeliveryState(self.state).final

    @property
    def lane(self) -> Lane:
        """Its lane of the queue."""
        return Lane(self.place, self.priority, self.stream)


class Concerned(NamedTuple):
    """Some deliveries, and how many are in each state that is not final.

    ``more``: there are more than ``MOST_IN_COUNTS``, and the counts are of so many.
    """

    rows: tuple[Row, ...]
    counts: dict[str, int]
    more: bool


_COLUMNS: Final = (
    delivery.c.id, delivery.c.message_id, delivery.c.recipient, delivery.c.recipient_key, delivery.c.domain,
    delivery.c.site, delivery.c.priority, message.c.stream, delivery.c.state, delivery.c.due_at, delivery.c.changed_at,
    delivery.c.expires_at, delivery.c.attempts, delivery.c.owner, delivery.c.code, delivery.c.enhanced,
    delivery.c.phase, delivery.c.text, delivery.c.assumed, message.c.mail_from, flight.c.since,
)  # fmt: skip
_FINAL: Final = delivery.c.state.in_([literal_column(f"'{state}'") for state in DeliveryState if state.final])
_most = bindparam("most", type_=Integer)


def _rows_where(*conditions: Any) -> Select[Any]:
    joined = delivery.join(message, message.c.id == delivery.c.message_id)
    everything = joined.outerjoin(flight, flight.c.delivery_id == delivery.c.id)
    return select(*_COLUMNS).select_from(everything).where(*conditions)


_without_key = and_(delivery.c.recipient_key.is_(None), delivery.c.recipient == bindparam("recipient"))
_to_address = or_(delivery.c.recipient_key == bindparam("key"), _without_key)
_ADDRESS_LIVE = Query(_rows_where(_to_address, ~_FINAL).order_by(delivery.c.due_at, delivery.c.id).limit(_most))
_ADDRESS_ENDED = Query(_rows_where(_to_address, _FINAL).order_by(delivery.c.id.desc()).limit(_most))


def _counts_where(*conditions: Any) -> Query:
    """How many of each state are due later, or not; no more than one above ``MOST_IN_COUNTS`` are looked at."""
    later = (delivery.c.due_at > bindparam("now", type_=Double)).label("later")
    some = select(delivery.c.state, later).where(*conditions).limit(MOST_IN_COUNTS + 1).subquery()
    return Query(select(some.c.state, some.c.later, func.count().label("number")).group_by(some.c.state, some.c.later))


_ADDRESS_COUNTS = _counts_where(_to_address, ~_FINAL)
_in_lane = (
    WAITING,
    delivery.c.site == bindparam("site"),
    delivery.c.priority == bindparam("priority", type_=Integer),
    delivery.c.stream == bindparam("stream"),
)
_LANE_ROWS = Query(_rows_where(*_in_lane).order_by(delivery.c.due_at, delivery.c.id).limit(_most))
_of_domain = delivery.c.domain == bindparam("domain")
_LEASED_ROWS = Query(_rows_where(LEASED, _of_domain).order_by(delivery.c.id).limit(_most))
_HELD_ROWS = Query(_rows_where(HELD, _of_domain).order_by(delivery.c.id).limit(_most))
_newest = select(func.max(delivery.c.id)).correlate(None).scalar_subquery()
_RECENT_ROWS = Query(
    _rows_where(
        delivery.c.id > _newest - RECENT,
        _of_domain,
        or_(_FINAL, delivery.c.state == literal_column(f"'{DeliveryState.UNCERTAIN}'")),
    )
    .order_by(delivery.c.id.desc())
    .limit(_most)
)
_DOMAIN_COUNTS = (
    _counts_where(WAITING, delivery.c.site == bindparam("domain")),
    _counts_where(LEASED, _of_domain),
    _counts_where(HELD, _of_domain),
)
_earlier = (
    select(delivery.c.id)
    .where(*_in_lane, delivery.c.due_at < bindparam("due_at", type_=Double))
    .limit(MOST_COUNTED)
    .subquery()
)
_BEFORE = Query(select(func.count().label("number")).select_from(_earlier))
_COMPANIONS = Query(
    select(delivery.c.domain, message.c.stream)
    .select_from(delivery.join(message, message.c.id == delivery.c.message_id))
    .where(WAITING, delivery.c.message_id == bindparam("message"), delivery.c.id != bindparam("delivery"))
    .distinct()
    .limit(MOST_COMPANIONS)
)
_IN_HANDS = Query(
    select(
        delivery.c.id,
        delivery.c.message_id,
        delivery.c.owner,
        delivery.c.priority,
        delivery.c.domain,
        message.c.stream,
        message.c.mail_from,
    )
    .select_from(delivery.join(message, message.c.id == delivery.c.message_id))
    .where(LEASED)
    .order_by(delivery.c.priority, delivery.c.id)
)
_SUPPRESSED_BY = Query(
    select(event.c.delivery_id, event.c.detail).where(
        event.c.delivery_id.in_(given_values(Integer)), event.c.kind == literal_column(f"'{EventKind.SUPPRESSED}'")
    )
)


def of_address(connection: Connection, address: Address, now: float) -> Concerned:
    """The deliveries to a mailbox."""
    who = {"key": address.key, "recipient": address.addr_spec}
    live = _read(_ADDRESS_LIVE.rows(connection, **who, most=MOST_SHOWN))
    ended = _read(_ADDRESS_ENDED.rows(connection, **who, most=MOST_ENDED))
    counts = _counted(_ADDRESS_COUNTS.rows(connection, **who, now=now))
    return Concerned((*live, *ended), counts, more=sum(counts.values()) > MOST_IN_COUNTS)


def of_domain(connection: Connection, domain: str, now: float) -> Concerned:
    """The deliveries to a domain."""
    live: list[Row] = []
    for place, priority, stream in lanes_of(connection, domain):
        found = _LANE_ROWS.rows(connection, site=place, priority=priority, stream=stream, most=MOST_SHOWN)
        live += _read(found)
    for query in (_LEASED_ROWS, _HELD_ROWS):
        live += _read(query.rows(connection, domain=domain, most=MOST_SHOWN))
    recent = _read(_RECENT_ROWS.rows(connection, domain=domain, most=MOST_SHOWN))
    live += [row for row in recent if not row.final]
    live.sort(key=lambda row: (row.due_at, row.id))
    counts = _counted([row for query in _DOMAIN_COUNTS for row in query.rows(connection, domain=domain, now=now)])
    if uncertain := sum(not row.final for row in recent):
        counts[DeliveryState.UNCERTAIN.value] = uncertain
    ended = [row for row in recent if row.final][:MOST_ENDED]
    return Concerned((*live[:MOST_SHOWN], *ended), counts, more=sum(counts.values()) > MOST_IN_COUNTS)


def before(connection: Connection, row: Row) -> int:
    """How many of its lane are due before it; no more than ``MOST_COUNTED`` are counted."""
    place, priority, stream = row.lane
    rows = _BEFORE.rows(connection, site=place, priority=priority, stream=stream, due_at=row.due_at)
    return int(rows[0][0])


class Leased(NamedTuple):
    """What a worker has, in the order in which it goes."""

    id: int
    message_id: str
    owner: str
    priority: int
    domain: str
    stream: str
    mail_from: str | None


def companions(connection: Connection, row: Row) -> tuple[tuple[str, str], ...]:
    """The domains and streams of others who wait for the same message."""
    rows = _COMPANIONS.rows(connection, message=row.message_id, delivery=row.id)
    return tuple([(domain, stream) for domain, stream in rows])


def leased(connection: Connection) -> tuple[Leased, ...]:
    """Everything that is leased: some hundreds for each worker at most."""
    return tuple([Leased(*row) for row in _IN_HANDS.rows(connection)])


def suppressed_by(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """What the events of suppressed deliveries say, as JSON."""
    return {int(id_): str(detail or "{}") for id_, detail in _SUPPRESSED_BY.rows(connection, list(ids))}


def _read(rows: Sequence[Sequence[Any]]) -> list[Row]:
    return [Row(*row) for row in rows]


def _counted(rows: Sequence[Sequence[Any]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for state, later, number in rows:
        come_due = state == DeliveryState.SCHEDULED and not later
        counts[DeliveryState.READY.value if come_due else str(state)] += number
    return dict(counts)
