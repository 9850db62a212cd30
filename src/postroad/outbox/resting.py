"""What rests now: sites, domains, streams, accounts and sources that somebody, or a reply, has suspended.

A lane belongs to one domain, one site and one stream, so it is known before the queue is looked at whether it rests,
and a backlog that may not be sent costs nothing.
"""

import math
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Double, and_, bindparam, func, literal_column, or_, select

from postroad.database.batch import Query
from postroad.database.tables import message, site, suspension
from postroad.outbox.shaping.limits import Scope

_scope, _key, _until = suspension.c.scope, suspension.c.key, suspension.c.until
# A route that is at fault rests by its own worker's decision.
_PAUSED: Final = _scope != literal_column(f"'{Scope.ROUTE}'")
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

    __slots__ = ("_by_thing", "rests")

    def __init__(self, rests: tuple[Rest, ...] = ()) -> None:
        self.rests = rests
        self._by_thing = {(rest.scope, rest.key): rest for rest in rests}

    def __bool__(self) -> bool:
        return bool(self.rests)

    def of(self, *things: tuple[str, str]) -> Rest | None:
        """The rest of any of these, given as scope and key; of several, the one that ends last."""
        known = [rest for thing in things if (rest := self._by_thing.get(thing)) is not None]
        return max(known, key=_end, default=None)

    def lane(self, domain: str, site: str, stream: str) -> Rest | None:
        """The rest of a lane."""
        if not self.rests:
            return None
        return self.of((Scope.DOMAIN, domain), (Scope.SITE, site), (Scope.STREAM, stream))

    def with_(self, rest: Rest) -> "Resting":
        """These, and one that is not on disk yet; what rests for longer already goes on doing so."""
        known = self._by_thing.get((rest.scope, rest.key))
        if known is not None and _end(known) >= _end(rest):
            return self
        return Resting((*(one for one in self.rests if one[:2] != rest[:2]), rest))

    def ended_since(self, earlier: "Resting") -> bool:
        """Whether something that rested earlier does not any more, or not for as long."""
        return not set(earlier.rests) <= set(self.rests)


def _end(rest: Rest) -> float:
    return math.inf if rest.until is None else rest.until


def resting(connection: Connection, now: float) -> Resting:
    """What rests now."""
    return Resting(tuple(Rest(*row) for row in _RESTING.rows(connection, now=now)))


def _site_of(row: Any) -> Any:
    return select(site.c.site).where(site.c.domain == row.c.domain).correlate_except(site).scalar_subquery()


def rests(row: Any, now: Any) -> ColumnElement[bool]:
    """In SQL: whether a row of deliveries must not be tried now."""
    stream = select(message.c.stream).where(message.c.id == row.c.message_id).correlate_except(message)
    rest = (
        select(_key)
        .where(
            or_(_until.is_(None), _until > now),
            or_(
                and_(_scope == literal_column(f"'{Scope.SITE}'"), _key == func.coalesce(_site_of(row), row.c.domain)),
                and_(_scope == literal_column(f"'{Scope.DOMAIN}'"), _key == row.c.domain),
                and_(_scope == literal_column(f"'{Scope.STREAM}'"), _key == stream.scalar_subquery()),
            ),
        )
        .correlate_except(suspension)
    )
    return and_(_ANYTHING, rest.exists())
