"""Taking back what a dead worker had in its hands.

On SQLite one process delivers, the one that holds the worker lock; whoever gains it knows that every lease is a dead
worker's. On PostgreSQL a worker counts as dead whose heart has not beaten for a while, and any other takes its leases
back; if it was only stopped, its flight records are refused from then on, and it finds out with its next heartbeat.

A result that was recorded has been applied in the same transaction. A flight record without a result means
``uncertain``; a lease without a flight record is tried again without fear.
"""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Connection,
    Double,
    Integer,
    Text,
    bindparam,
    case,
    delete,
    insert,
    literal_column,
    select,
    update,
)

from postroad.address import Address
from postroad.chance import Chance
from postroad.database.batch import Query, Statement
from postroad.database.given import given, given_values
from postroad.database.server_time import TimeOfDatabase
from postroad.database.tables import LEASED, LOCKING_ORDER, delivery, flight, message, suspension, worker
from postroad.errors import OutcomeUnknown
from postroad.outbox.lease import Lease
from postroad.outbox.overdue import expire_held
from postroad.outbox.record import Landing, record
from postroad.outbox.settle import Settled, lost_sight
from postroad.outbox.stream_table import Streams, declared
from postroad.outcome import Outcome, Result
from postroad.reply import Phase

# Leases, and losses of leases, that came to nothing: the epoch counts all of them, attempts those that had a result. A
# delivery that was in a worker's hands at so many deaths may be what kills it, so it waits for the retry time that its
# claim has committed; any other is due at once. Most of what a dead worker had in its hands it had not begun, so the
# number is large: 25 deaths.
SUSPECT_AFTER: Final = 50


class Arrival(NamedTuple):
    """The worker that begins to deliver."""

    id: str
    host: str
    pid: int
    epoch: int  # of its lives: grows when it comes back after it was given up
    route: str
    now: float
    chance: Chance
    patience: float = -math.inf  # seconds of silence after which another worker is dead; by default all of them are


class Unheard(NamedTuple):
    """A living worker's claims, by their times, of which nobody knows whether they were committed."""

    owner: str
    claimed_at: tuple[float, ...]
    now: float


class Recovered(NamedTuple):
    """What the worker goes by, how many leases came back, and how many of them nobody can be sure about."""

    streams: Streams
    leases: int
    uncertain: int


_alive = select(worker.c.id).where(worker.c.heartbeat_at > TimeOfDatabase() - bindparam("patience", type_=Double))
# Locked before anybody asks for flight records: one that is being written holds the row, and is passed over this time.
_ORPHANS = Query(
    select(delivery.c.id)
    .where(LEASED, delivery.c.owner.not_in(_alive))
    .order_by(LOCKING_ORDER)
    .with_for_update(skip_locked=True)
)
_UNHEARD = Query(
    select(delivery.c.id)
    .where(LEASED, delivery.c.owner == bindparam("owner"), delivery.c.changed_at.in_(given_values(Double)))
    .order_by(delivery.c.id)
    .with_for_update()
)
_IN_FLIGHT = Query(
    select(
        delivery.c.id,
        delivery.c.recipient,
        delivery.c.owner,
        delivery.c.epoch,
        delivery.c.due_at,
        delivery.c.first_due_at,
        delivery.c.expires_at,
        (delivery.c.attempts - 1).label("attempts"),
        message.c.stream,
        flight.c.since,
        worker.c.route,
    )
    .select_from(
        flight.join(delivery, delivery.c.id == flight.c.delivery_id)
        .join(message, message.c.id == delivery.c.message_id)
        .outerjoin(worker, worker.c.id == flight.c.owner)
    )
    .where(
        LEASED,
        delivery.c.owner == flight.c.owner,
        delivery.c.epoch == flight.c.epoch,
        delivery.c.id.in_(given_values(Integer)),
    )
)
_CLEAR_FLIGHTS = Statement(delete(flight).where(flight.c.delivery_id.in_(given_values(Integer))))
_TAKE_BACK = Statement(
    update(delivery)
    .where(LEASED, delivery.c.id.in_(given_values(Integer)))
    .values(
        state=literal_column("'ready'"),
        owner=None,
        epoch=delivery.c.epoch + 1,
        attempts=delivery.c.attempts - 1,
        due_at=case(
            (delivery.c.epoch - delivery.c.attempts < SUSPECT_AFTER, bindparam("now", type_=Double)),
            else_=delivery.c.due_at,
        ),
        changed_at=bindparam("now"),
    )
)
_FORGET_WORKERS = Statement(delete(worker).where(worker.c.id.not_in(_alive)))
_FORGET_ROUTE = Statement(
    delete(suspension).where(suspension.c.scope == "route", suspension.c.key == bindparam("route"))
)
_COLUMNS: Final = {"id": Text, "host": Text, "pid": Integer, "route": Text, "started_at": Double, "epoch": Integer}
_arrived = given(**_COLUMNS)
_ARRIVE = Statement(
    insert(worker).from_select(
        [*_COLUMNS, "heartbeat_at"], select(*_arrived.c, TimeOfDatabase()), include_defaults=False
    )
)
_DEPART = Statement(delete(worker).where(worker.c.id == bindparam("worker")))


def arrive(connection: Connection, arrivals: Sequence[Arrival]) -> list[Recovered | Exception]:
    """Write the worker down and take back the leases of those that are dead."""
    return [_arrive(connection, arrival) for arrival in arrivals]


def _arrive(connection: Connection, arrival: Arrival) -> Recovered:
    recovered = reclaim(connection, arrival)
    expire_held(connection, arrival.now)
    _FORGET_ROUTE.run(connection, route=arrival.route)  # what was wrong with it may have been mended meanwhile
    _DEPART.run(connection, worker=arrival.id)
    row = (arrival.id, arrival.host, arrival.pid, arrival.route, arrival.now, arrival.epoch)
    _ARRIVE.run(connection, [row], now=arrival.now)
    return recovered


def reclaim(connection: Connection, finder: Arrival) -> Recovered:
    """Take back the leases of dead workers, and forget those."""
    streams = declared(connection)
    patience: dict[str, Any] = {"now": finder.now, "patience": finder.patience}
    orphans = [id_ for (id_,) in _ORPHANS.rows(connection, **patience)]
    uncertain: list[Landing] = []
    taken_back = 0
    if orphans:
        uncertain = [_unknown(row, finder, streams) for row in _IN_FLIGHT.rows(connection, orphans)]
        if uncertain:
            record(connection, [tuple(uncertain)])
        _CLEAR_FLIGHTS.run(connection, orphans)
        taken_back = _TAKE_BACK.changed(connection, orphans, now=finder.now)
    _FORGET_WORKERS.run(connection, **patience)
    return Recovered(streams, taken_back + len(uncertain), len(uncertain))


def take_back_unheard(connection: Connection, wishes: Sequence[Unheard]) -> list[Exception | None]:
    """Take back what a living worker has leased without knowing it: the commit's answer was lost on its way."""
    for wish in wishes:
        leased = [id_ for (id_,) in _UNHEARD.rows(connection, wish.claimed_at, owner=wish.owner)]
        flying = {row[0] for row in _IN_FLIGHT.rows(connection, leased)}  # of another claim at the same time
        _TAKE_BACK.run(connection, [id_ for id_ in leased if id_ not in flying], now=wish.now)
    return [None] * len(wishes)


def _unknown(row: Sequence[Any], arrival: Arrival, streams: Streams) -> Landing:
    *fields, since, route = row
    lease = Lease(*fields)
    error = OutcomeUnknown("the worker died after the final dot, before an answer was on record", phase=Phase.DOT)
    outcome = Outcome(Address(lease.recipient), Result.UNKNOWN, Phase.DOT, None, error)
    verdict = lost_sight(lease, streams[lease.stream], arrival.now, arrival.chance)
    return Landing((Settled(lease, verdict, outcome),), route or arrival.route, since, arrival.now)
