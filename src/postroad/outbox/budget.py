"""Days' allowances, granted in portions: so workers share them without asking at each message, and none counts twice.

A worker that dies takes its portion with it: less is sent than allowed, never more.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import BigInteger, Connection, Integer, Text, bindparam, delete, insert, literal_column, select

from postroad.database.batch import Query, Statement
from postroad.database.given import given
from postroad.database.tables import budget

KEPT: Final = 40  # days of counts that are kept, to be looked at


class Portion(NamedTuple):
    """A wish for so many messages of a day's ceiling; a negative number returns what was not used."""

    scope: str
    key: str
    day: int
    wanted: int
    ceiling: int


_COLUMNS: Final = {"scope": Text, "key": Text, "day": Integer, "granted": BigInteger}
_rows = select(given(**_COLUMNS)).where(literal_column("true"))  # keeps ON CONFLICT apart from a join's ON
_OPEN = Statement(
    insert(budget).from_select(list(_COLUMNS), _rows, include_defaults=False),
    suffix=" ON CONFLICT (scope, key, day) DO NOTHING",
)
_ADD = Statement(
    insert(budget).from_select(list(_COLUMNS), _rows, include_defaults=False),
    suffix=" ON CONFLICT (scope, key, day) DO UPDATE SET granted = postroad_budget.granted + excluded.granted",
)
_GRANTED = Query(
    select(budget.c.granted)
    .where(budget.c.scope == bindparam("scope"), budget.c.key == bindparam("key"), budget.c.day == bindparam("day"))
    .with_for_update()
)
_FORGET = Statement(delete(budget).where(budget.c.day < bindparam("day", type_=Integer)))


def grant(connection: Connection, portions: Sequence[Portion]) -> list[int | Exception]:
    """How much of each wish is granted; none: the day's allowance is used up."""
    return [_grant(connection, portion) for portion in portions]


def _grant(connection: Connection, portion: Portion) -> int:
    scope, key, day, wanted, ceiling = portion
    _OPEN.run(connection, [(scope, key, day, 0)])  # so that there is a row to lock
    granted = int(_GRANTED.rows(connection, scope=scope, key=key, day=day)[0][0])
    number = max(min(wanted, ceiling - granted), min(wanted, 0))
    if number:
        _ADD.run(connection, [(scope, key, day, number)])
    _FORGET.run(connection, day=day - KEPT)
    return number
