"""The outbox in numbers."""

from types import MappingProxyType

from sqlalchemy import BigInteger, Connection, cast, func, select

from postroad.database.batch import Query
from postroad.database.tables import SCHEDULED, delivery, tally
from postroad.outbox.sites import survey
from postroad.outbox.state_now import NOW
from postroad.outbox.states import DeliveryState
from postroad.outbox.status import OutboxStats
from postroad.outbox.suspend import suspensions

_COUNTS = Query(
    select(tally.c.state, cast(func.sum(tally.c.number), BigInteger).label("number")).group_by(tally.c.state)
)
# Written as scheduled, and due by now: by time alone they are ready. Workers take them soon, so there are few.
_COME_DUE = Query(select(func.count().label("number")).select_from(delivery).where(SCHEDULED, delivery.c.due_at <= NOW))


def stats(connection: Connection, now: float) -> OutboxStats:
    """How many recipients are in each state, and how long the oldest has been due."""
    counted: dict[str, int] = {state: number for state, number in _COUNTS.rows(connection)}  # noqa: C416
    come_due = _COME_DUE.rows(connection, now=now)[0][0]
    counted[DeliveryState.SCHEDULED] = counted.get(DeliveryState.SCHEDULED, 0) - come_due
    counted[DeliveryState.READY] = counted.get(DeliveryState.READY, 0) + come_due
    oldest = min((due_at for _, due_at in survey(connection, now).lanes), default=now)
    return OutboxStats(
        states=MappingProxyType({str(state): counted.get(state, 0) for state in DeliveryState}),
        oldest_ready_seconds=now - oldest if oldest < now or counted[DeliveryState.READY] else None,
        uncertain_ever=counted.get("uncertain_ever", 0),
        suspensions=suspensions(connection, now),
    )
