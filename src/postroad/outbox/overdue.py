"""What ends by time alone without any claim seeing it: held deliveries, pauses, learnt limits, suppressions."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, Double, Integer, bindparam, literal_column, select, update

from postroad.database.batch import Query, Statement
from postroad.database.given import given_values
from postroad.database.tables import HELD, LOCKING_ORDER, delivery
from postroad.events import EventKind
from postroad.outbox.override import forget_past_overrides
from postroad.outbox.record import ADD_EVENTS
from postroad.outbox.states import DeliveryState, Move, after
from postroad.outbox.suspend import forget_ended
from postroad.suppression.list import forget_expired

BATCH: Final = 1000  # deliveries of a transaction; what is left over comes next time

_OVERDUE = Query(
    select(delivery.c.id)
    .where(HELD, delivery.c.expires_at <= bindparam("now", type_=Double))
    .order_by(LOCKING_ORDER)
    .limit(BATCH)
    .with_for_update(skip_locked=True)
)
_EXPIRE = Statement(
    update(delivery)
    .where(delivery.c.id.in_(given_values(Integer)))
    .values(
        state=literal_column(f"'{after(DeliveryState.HELD, Move.EXPIRE)}'"),
        changed_at=bindparam("now", type_=Double),
    )
)


def expire_held(connection: Connection, now: float) -> None:
    """End the held deliveries whose time is used up. What is uncertain never expires."""
    overdue = [id_ for (id_,) in _OVERDUE.rows(connection, now=now)]
    _EXPIRE.run(connection, overdue, now=now)
    ADD_EVENTS.run(connection, [(id_, EventKind.EXPIRED.value, now, None) for id_ in overdue])


def forget_past(connection: Connection, moments: Sequence[float]) -> list[Exception | None]:
    """Forget pauses and learnt limits that have ended, and entries of the suppression list that have expired."""
    for now in moments:
        forget_ended(connection, now)
        forget_past_overrides(connection, now)
        forget_expired(connection, now)
    return [None] * len(moments)
