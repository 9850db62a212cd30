"""What a worker does first: take back what a dead one had in its hands.

On SQLite one process delivers, the one that holds the worker lock; whoever gains it knows that every lease is a dead
worker's. A result that was recorded has been applied in the same transaction. A flight record without a result means
``uncertain``; a lease without a flight record is tried again without fear.
"""

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
from postroad.database.batch import Query, Statement, given
from postroad.database.tables import LEASED, delivery, flight, message, suspension, worker
from postroad.errors import OutcomeUnknown
from postroad.outbox.lease import Lease
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
    route: str
    now: float
    chance: Chance


class Recovered(NamedTuple):
    """What the worker goes by, how many leases came back, and how many of them nobody can be sure about."""

    streams: Streams
    leases: int
    uncertain: int


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
    .where(LEASED, delivery.c.owner == flight.c.owner, delivery.c.epoch == flight.c.epoch)
)
_CLEAR_FLIGHTS = Statement(delete(flight))
_TAKE_BACK = Statement(
    update(delivery)
    .where(LEASED)
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
_FORGET_WORKERS = Statement(delete(worker))
_FORGET_ROUTES = Statement(delete(suspension).where(suspension.c.scope == "route"))
_COLUMNS: Final = {
    "id": Text, "host": Text, "pid": Integer, "route": Text, "started_at": Double, "heartbeat_at": Double,
}  # fmt: skip
_ARRIVE = Statement(insert(worker).from_select(list(_COLUMNS), select(given(**_COLUMNS)), include_defaults=False))


def arrive(connection: Connection, arrivals: Sequence[Arrival]) -> list[Recovered | Exception]:
    """Write the worker down and take back every other worker's leases."""
    return [_arrive(connection, arrival) for arrival in arrivals]


def _arrive(connection: Connection, arrival: Arrival) -> Recovered:
    streams = declared(connection)
    uncertain = [_unknown(row, arrival, streams) for row in _IN_FLIGHT.rows(connection)]
    if uncertain:
        record(connection, [tuple(uncertain)])
    _CLEAR_FLIGHTS.run(connection)
    taken_back = _TAKE_BACK.run(connection, now=arrival.now)
    _FORGET_WORKERS.run(connection)
    _FORGET_ROUTES.run(connection)  # what was wrong with a route may have been mended by starting anew
    row = (arrival.id, arrival.host, arrival.pid, arrival.route, arrival.now, arrival.now)
    _ARRIVE.run(connection, [row])
    return Recovered(streams, taken_back + len(uncertain), len(uncertain))


def _unknown(row: Sequence[Any], arrival: Arrival, streams: Streams) -> Landing:
    *fields, since, route = row
    lease = Lease(*fields)
    error = OutcomeUnknown("the worker died after the final dot, before an answer was on record", phase=Phase.DOT)
    outcome = Outcome(Address(lease.recipient), Result.UNKNOWN, Phase.DOT, None, error)
    verdict = lost_sight(lease, streams[lease.stream], arrival.now, arrival.chance)
    return Landing((Settled(lease, verdict, outcome),), route or arrival.route, since, arrival.now)
