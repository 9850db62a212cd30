"""The outbox in numbers."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from sqlalchemy import BigInteger, Connection, and_, case, cast, func, select

from postroad.database.batch import Query
from postroad.database.tables import SCHEDULED, WAITING, delivery, tally
from postroad.outbox.shaping.limits import Scope
from postroad.outbox.site_table import known_sites
from postroad.outbox.sites import survey
from postroad.outbox.state_now import NOW
from postroad.outbox.states import DeliveryState
from postroad.outbox.status import OutboxStats, SiteStats
from postroad.outbox.suspend import Suspension, suspensions

_COUNTS = Query(
    select(tally.c.state, cast(func.sum(tally.c.number), BigInteger).label("number")).group_by(tally.c.state)
)
# Written as scheduled, and due by now: by time alone they are ready. Workers take them soon, so there are few.
_COME_DUE = Query(select(func.count().label("number")).select_from(delivery).where(SCHEDULED, delivery.c.due_at <= NOW))
# One look along the index of what waits.
_not_due_yet = and_(SCHEDULED, delivery.c.due_at > NOW)
_BY_PLACE = Query(
    select(
        delivery.c.site,
        func.count().label("number"),
        func.sum(case((_not_due_yet, 1), else_=0)).label("scheduled"),
        func.min(delivery.c.due_at).label("oldest"),
    )
    .where(WAITING)
    .group_by(delivery.c.site)
)


def stats(connection: Connection, now: float) -> OutboxStats:
    """How many recipients are in each state, and how long the oldest has been due."""
    counted: dict[str, int] = {state: number for state, number in _COUNTS.rows(connection)}  # noqa: C416
    come_due = _COME_DUE.rows(connection, now=now)[0][0]
    counted[DeliveryState.SCHEDULED] = counted.get(DeliveryState.SCHEDULED, 0) - come_due
    counted[DeliveryState.READY] = counted.get(DeliveryState.READY, 0) + come_due
    oldest = min((due_at for _, due_at in survey(connection, now).lanes), default=None)
    return OutboxStats(
        states=MappingProxyType({str(state): counted.get(state, 0) for state in DeliveryState}),
        oldest_ready_seconds=None if oldest is None or oldest > now else now - oldest,
        uncertain_ever=counted.get("uncertain_ever", 0),
        suspensions=suspensions(connection, now),
    )


def stats_by_site(connection: Connection, now: float) -> OutboxStats:
    """The same, and what waits for each site."""
    whole = stats(connection, now)
    return replace(whole, sites=_by_site(connection, whole.suspensions, now))


def _by_site(connection: Connection, resting: tuple[Suspension, ...], now: float) -> tuple[SiteStats, ...]:
    sites = known_sites(connection)
    places: dict[str, list[Sequence[float | str]]] = defaultdict(list)
    for row in _BY_PLACE.rows(connection, now=now):
        places[sites.get(row[0], row[0])].append(row)
    rests = {(one.scope, one.key): one for one in resting}
    return tuple(sorted((_site(name, rows, rests, now) for name, rows in places.items()), key=_longest_first))


def _site(
    name: str, rows: list[Sequence[float | str]], rests: dict[tuple[str, str], Suspension], now: float
) -> SiteStats:
    number = sum(int(row[1]) for row in rows)
    scheduled = sum(int(row[2]) for row in rows)
    oldest = min(float(row[3]) for row in rows)
    of_domains = [rests.get((Scope.DOMAIN, str(row[0]))) for row in rows]
    suspension = rests.get((Scope.SITE, name)) or (of_domains[0] if all(of_domains) else None)
    return SiteStats(name, number - scheduled, scheduled, now - oldest if oldest <= now else None, suspension)


def _longest_first(site: SiteStats) -> tuple[int, str]:
    return -(site.ready + site.scheduled), site.site
