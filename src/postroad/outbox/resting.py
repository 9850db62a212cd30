"""What rests now: sites, domains and streams that somebody has paused, and what that means for what is claimed.

A site is known before the queue is looked at, so its lanes are left alone. Domains and streams share lanes with others,
and a message may be for several sites; so while anything rests, claims look at each row, and pass over what rests.
"""

from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Double, and_, bindparam, literal_column, or_, select

from postroad.database.batch import Query
from postroad.database.tables import message, suspension

SITE: Final = "site"
DOMAIN: Final = "domain"
STREAM: Final = "stream"

_scope, _key, _until = suspension.c.scope, suspension.c.key, suspension.c.until
_PAUSED: Final = _scope.in_([literal_column(f"'{scope}'") for scope in (SITE, DOMAIN, STREAM)])
_NOW: Final = bindparam("now", type_=Double)
_RESTING = Query(
    select(_scope, _key, _until).where(_PAUSED, or_(_until.is_(None), _until > _NOW)).order_by(_scope, _key)
)


# Asked once for all rows of a statement, and mostly no: it spares them the question about each.
_ANYTHING: Final = select(suspension.alias("anything").c.key).exists()


class Rest(NamedTuple):
    """Something that rests; ``until`` in seconds since the epoch, ``None``: until somebody resumes it."""

    scope: str
    key: str
    until: float | None


class Resting:
    """All that rests at a moment. False where nothing does, which is the rule."""

    __slots__ = ("rests",)

    def __init__(self, rests: tuple[Rest, ...] = ()) -> None:
        self.rests = rests

    def __bool__(self) -> bool:
        return bool(self.rests)

    @property
    def within_lanes(self) -> bool:
        """Whether lanes may hold both what rests and what does not."""
        return any(rest.scope != SITE for rest in self.rests)

    @property
    def next_end(self) -> float | None:
        """When the first of them ends by itself."""
        return min((rest.until for rest in self.rests if rest.until is not None), default=None)

    def site(self, site: str) -> Rest | None:
        """The rest of a whole site."""
        return next((rest for rest in self.rests if rest.scope == SITE and rest.key == site), None)

    def ended_since(self, earlier: "Resting") -> bool:
        """Whether something that rested earlier does not any more, or not for as long."""
        return not set(earlier.rests) <= set(self.rests)

    def begun_since(self, earlier: "Resting") -> bool:
        """Whether something rests that did not earlier."""
        return not set(self.rests) <= set(earlier.rests)


def resting(connection: Connection, now: float) -> Resting:
    """What rests now."""
    return Resting(tuple(Rest(*row) for row in _RESTING.rows(connection, now=now)))


def rests(row: Any, now: Any) -> ColumnElement[bool]:
    """In SQL: whether a row of deliveries must not be tried now."""
    stream = select(message.c.stream).where(message.c.id == row.c.message_id).correlate_except(message)
    rest = (
        select(_key)
        .where(
            or_(_until.is_(None), _until > now),
            or_(
                and_(_scope == literal_column(f"'{SITE}'"), _key == row.c.site),
                and_(_scope == literal_column(f"'{DOMAIN}'"), _key == row.c.domain),
                and_(_scope == literal_column(f"'{STREAM}'"), _key == stream.scalar_subquery()),
            ),
        )
        .correlate_except(suspension)
    )
    return and_(_ANYTHING, rest.exists())
