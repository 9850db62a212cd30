"""The state of a delivery as of now, in SQL: see rule 3 of ``states``."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Double, and_, bindparam, case

from postroad.database.tables import delivery
from postroad.outbox.states import DeliveryState

NOW: Final = bindparam("now", type_=Double)
STATE_NOW: Final[ColumnElement[Any]] = case(
    (and_(delivery.c.state == DeliveryState.SCHEDULED.value, delivery.c.due_at <= NOW), DeliveryState.READY.value),
    else_=delivery.c.state,
)
