"""The outbox in numbers."""

from types import MappingProxyType

from sqlalchemy import Connection, func, select

from postroad.database.batch import Query
from postroad.database.tables import WAITING, delivery
from postroad.outbox.state_now import NOW, STATE_NOW
from postroad.outbox.states import DeliveryState
from postroad.outbox.status import OutboxStats
from postroad.outbox.suspend import suspensions

_COUNTS = Query(
    select(
        STATE_NOW.label("state_now"),
        func.count().label("number"),
        func.sum(delivery.c.uncertain_ever).label("ever"),
    ).group_by(STATE_NOW)
)
_OLDEST = Query(select(func.min(delivery.c.due_at)).where(WAITING, delivery.c.due_at <= NOW))


def stats(connection: Connection, now: float) -> OutboxStats:
    """How many recipients are in each state, and how long the oldest has been due."""
    rows = _COUNTS.rows(connection, now=now)
    counted = {state: number for state, number, _ in rows}
    oldest = _OLDEST.rows(connection, now=now)[0][0]
    return OutboxStats(
        states=MappingProxyType({str(state): counted.get(state, 0) for state in DeliveryState}),
        oldest_ready_seconds=None if oldest is None else max(0.0, now - oldest),
        uncertain_ever=sum(ever for _, _, ever in rows),
        suspensions=suspensions(connection),
    )
