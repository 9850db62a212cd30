"""What must not be tried for a while, as rows that anybody can read: so far, a route that is at fault."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, Double, Text, bindparam, delete, insert, literal_column, select

from postroad.clock import as_datetime
from postroad.database.batch import Query, Statement
from postroad.database.given import given
from postroad.database.tables import suspension

ROUTE: Final = "route"


class RouteSuspended(NamedTuple):
    """A route that is at fault, until when it rests, and why."""

    route: str
    since: float
    until: float
    why: str


@dataclass(frozen=True, slots=True)
class Suspension:
    """Something that rests; ``until`` None means until somebody resumes it."""

    scope: str
    key: str
    since: datetime
    until: datetime | None
    who: str
    why: str

    def as_dict(self) -> dict[str, str | None]:
        """The suspension as JSON types."""
        until = None if self.until is None else self.until.isoformat()
        return {
            "scope": self.scope, "key": self.key, "since": self.since.isoformat(), "until": until, "who": self.who,
            "why": self.why,
        }  # fmt: skip


_COLUMNS: Final = {"scope": Text, "key": Text, "since": Double, "until": Double, "who": Text, "why": Text}
_rows = select(given(**_COLUMNS)).where(literal_column("true"))  # keeps ON CONFLICT apart from a join's ON
_ADD = Statement(
    insert(suspension).from_select(list(_COLUMNS), _rows, include_defaults=False),
    suffix=" ON CONFLICT (scope, key) DO UPDATE SET since = excluded.since, until = excluded.until, "
    "who = excluded.who, why = excluded.why",
)
_END = Statement(
    delete(suspension).where(suspension.c.scope == bindparam("scope"), suspension.c.key == bindparam("key"))
)
_ALL = Query(select(*suspension.c).order_by(suspension.c.since))


def suspend_route(connection: Connection, faults: Sequence[RouteSuspended]) -> list[Exception | None]:
    """Write down that routes rest."""
    for one in faults:
        _ADD.run(connection, [(ROUTE, one.route, one.since, one.until, "worker", one.why)])
    return [None] * len(faults)


def resume_route(connection: Connection, routes: Sequence[str]) -> list[Exception | None]:
    """Write down that routes work again."""
    for route in routes:
        _END.run(connection, scope=ROUTE, key=route)
    return [None] * len(routes)


def suspensions(connection: Connection) -> tuple[Suspension, ...]:
    """All that rests now."""
    return tuple(
        Suspension(scope, key, as_datetime(since), None if until is None else as_datetime(until), who, why)
        for scope, key, since, until, who, why in _ALL.rows(connection)
    )
