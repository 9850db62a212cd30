"""What must not be tried for a while, as rows that anybody can read: a route that is at fault, or what was paused."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Double, Text, and_, bindparam, delete, insert, literal_column, or_, select

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
    """Something that rests; ``until`` None means until somebody resumes it.

    ``note`` is for who has just paused it: that it is known by another name, or that nobody knows one of that name.
    """

    scope: str
    key: str
    since: datetime
    until: datetime | None
    who: str
    why: str
    note: str = field(default="", compare=False)

    def as_dict(self) -> dict[str, str | None]:
        """The suspension as JSON types."""
        until = None if self.until is None else self.until.isoformat()
        note = {"note": self.note} if self.note else {}
        return {
            "scope": self.scope, "key": self.key, "since": self.since.isoformat(), "until": until, "who": self.who,
            "why": self.why, **note,
        }  # fmt: skip


_COLUMNS: Final = {"scope": Text, "key": Text, "since": Double, "until": Double, "who": Text, "why": Text}
_rows = select(given(**_COLUMNS)).where(literal_column("true"))  # keeps ON CONFLICT apart from a join's ON
_ADD = Statement(
    insert(suspension).from_select(list(_COLUMNS), _rows, include_defaults=False),
    suffix=" ON CONFLICT (scope, key) DO UPDATE SET since = excluded.since, until = excluded.until, "
    "who = excluded.who, why = excluded.why",
)
# What a worker finds out is no reason to end sooner what somebody has paused for longer.
_LENGTHEN = Statement(
    insert(suspension).from_select(list(_COLUMNS), _rows, include_defaults=False),
    suffix=" ON CONFLICT (scope, key) DO UPDATE SET since = excluded.since, until = excluded.until, "
    "who = excluded.who, why = excluded.why WHERE postroad_suspension.until < excluded.until",
)
_in_force = or_(suspension.c.until.is_(None), suspension.c.until > bindparam("now", type_=Double))
_ALL = Query(select(*suspension.c).where(_in_force).order_by(suspension.c.since))
_named = and_(suspension.c.scope == bindparam("scope"), suspension.c.key == bindparam("key"))
_END = Statement(delete(suspension).where(_named))
_ONE = Query(select(*suspension.c).where(_named))
_FORGET = Statement(delete(suspension).where(suspension.c.until <= bindparam("now", type_=Double)))


def suspend_route(connection: Connection, faults: Sequence[RouteSuspended]) -> list[Exception | None]:
    """Write down that routes rest."""
    for one in faults:
        write_suspension(connection, ROUTE, one.route, one.since, one.until, "worker", one.why)
    return [None] * len(faults)


def resume_route(connection: Connection, routes: Sequence[str]) -> list[Exception | None]:
    """Write down that routes work again."""
    for route in routes:
        unsuspend(connection, ROUTE, route)
    return [None] * len(routes)


class Suspending(NamedTuple):
    """A wish that something rests; ``until`` ``None``: until somebody resumes it."""

    scope: str
    key: str
    since: float
    until: float | None
    who: str
    why: str


def suspend(connection: Connection, wishes: Sequence[Suspending]) -> list[Exception | None]:
    """Write down that things rest, where they do not rest for longer already."""
    for wish in wishes:
        _LENGTHEN.run(connection, [tuple(wish)])
    return [None] * len(wishes)


def write_suspension(
    connection: Connection, scope: str, key: str, since: float, until: float | None, who: str, why: str
) -> None:
    """Write down that something rests, in the place of what was said of it before."""
    _ADD.run(connection, [(scope, key, since, until, who, why)])


def unsuspend(connection: Connection, scope: str, key: str) -> None:
    """Write down that something goes on."""
    _END.run(connection, scope=scope, key=key)


def suspended(connection: Connection, scope: str, key: str) -> Suspension | None:
    """What was last said of it, also if its time has passed."""
    rows = _ONE.rows(connection, scope=scope, key=key)
    return _suspension(rows[0]) if rows else None


def suspensions(connection: Connection, now: float) -> tuple[Suspension, ...]:
    """All that rests now."""
    return tuple(_suspension(row) for row in _ALL.rows(connection, now=now))


def forget_ended(connection: Connection, now: float) -> None:
    """Forget the suspensions whose time has passed."""
    _FORGET.run(connection, now=now)


def _suspension(row: Sequence[Any]) -> Suspension:
    scope, key, since, until, who, why = row
    return Suspension(scope, key, as_datetime(since), None if until is None else as_datetime(until), who, why)
