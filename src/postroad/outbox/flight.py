"""The flight record: before the final dot goes out, it is on disk that it may have gone out.

It is written only while owner and epoch are those of the lease, so it is also the fence: a worker whose lease was taken
away cannot send. After a crash a delivery with a flight record and without a result is ``uncertain``; one without is
tried again without fear.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, Double, Integer, Text, delete, insert, not_, or_, select

from postroad.database.batch import Query, Statement
from postroad.database.given import found_by, given
from postroad.database.tables import LEASED, delivery, flight
from postroad.outbox.lease import Lease
from postroad.outbox.resting import rests
from postroad.outbox.suppress import listed_for


class Departure(NamedTuple):
    """The leases whose final dot is about to go out in one transaction."""

    leases: tuple[Lease, ...]
    now: float


_leaving = given(id=Integer, owner=Text, epoch=Integer, stream=Text, now=Double)
_allowed = (
    select(delivery.c.id, delivery.c.owner, delivery.c.epoch, _leaving.c.now)
    .select_from(_leaving.join(delivery, found_by(delivery.c.id, _leaving.c.id)))
    .where(
        LEASED,
        delivery.c.owner == _leaving.c.owner,
        delivery.c.epoch == _leaving.c.epoch,
        or_(delivery.c.expires_at.is_(None), delivery.c.expires_at > _leaving.c.now),
        not_(listed_for(_leaving.c.stream, _leaving.c.now)),
        not_(rests(delivery, _leaving.c.now)),
    )
    .with_for_update(of=delivery, read=True)  # nobody takes the lease away between this look and the commit
)
_RECORD = Statement(
    insert(flight).from_select(["delivery_id", "owner", "epoch", "since"], _allowed, include_defaults=False)
)
_recorded = given(id=Integer, owner=Text, epoch=Integer)
# By owner and epoch too: what another worker took over may be in flight for that one.
_RECORDED = Query(
    select(flight.c.delivery_id)
    .select_from(_recorded.join(flight, flight.c.delivery_id == _recorded.c.id))
    .where(flight.c.owner == _recorded.c.owner, flight.c.epoch == _recorded.c.epoch)
)
_stranded = given(id=Integer)
_TAKE_BACK = Statement(delete(flight).where(flight.c.delivery_id.in_(select(_stranded.c.id))))


def depart(connection: Connection, departures: Sequence[Departure]) -> list[bool]:
    """Record each departure if all its leases stand and none of them has expired, is suppressed or rests."""
    rows = [
        (one.id, one.owner, one.epoch, one.stream, departure.now)
        for departure in departures
        for one in departure.leases
    ]
    if _RECORD.changed(connection, rows) == len(rows):
        return [True] * len(departures)
    return _partly(connection, departures, rows)


def depart_together(connection: Connection, batches: Sequence[tuple[Departure, ...]]) -> list[list[bool] | Exception]:
    """As ``depart``, for departures that are asked for together."""
    answers = iter(depart(connection, [departure for batch in batches for departure in batch]))
    return [list(islice(answers, len(batch))) for batch in batches]


def _partly(connection: Connection, departures: Sequence[Departure], rows: list[Any]) -> list[bool]:
    """Some lease did not stand: its transaction does not depart, and leaves no record."""
    recorded = {id_ for (id_,) in _RECORDED.rows(connection, [row[:3] for row in rows])}
    whole = [all(lease.id in recorded for lease in departure.leases) for departure in departures]
    stranded = [
        (lease.id,)
        for departure, stands in zip(departures, whole, strict=True)
        if not stands
        for lease in departure.leases
        if lease.id in recorded
    ]
    if stranded:
        _TAKE_BACK.run(connection, stranded)
    return list(whole)
