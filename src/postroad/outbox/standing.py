"""What a worker keeps to and waits for at this moment, written beside its signs of life: ``explain`` reads it.

The limits, turns and breakers of a worker live in its memory; whoever asks why a mail waits is another process.
"""

import json
import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Text, bindparam, select, update

from postroad.database.batch import Query, Statement
from postroad.database.tables import worker
from postroad.outbox.shaping.shaper import Shaper
from postroad.transport.breaker import Standing as BreakerStanding
from postroad.transport.contract import Transport

MOST_GATES: Final = 200  # described; the busiest first


class Told(NamedTuple):
    """A worker's standing, as JSON."""

    worker: str
    standing: str


_TELL = Statement(
    update(worker).where(worker.c.id == bindparam("worker")).values(standing=bindparam("standing", type_=Text))
)
_ALL = Query(
    select(
        worker.c.id, worker.c.host, worker.c.pid, worker.c.route, worker.c.started_at, worker.c.heartbeat_at,
        worker.c.standing,
    ).order_by(worker.c.started_at)
)  # fmt: skip


class WorkerSeen(NamedTuple):
    """A worker as the database knows it. ``standing`` is what it last told (empty: nothing yet)."""

    id: str
    host: str
    pid: int
    route: str
    started_at: float
    heartbeat_at: float
    standing: dict[str, Any]


def tell(connection: Connection, told: Sequence[Told]) -> list[Exception | None]:
    """Write down how workers stand."""
    for one in told:
        _TELL.run(connection, worker=one.worker, standing=one.standing)
    return [None] * len(told)


def workers_seen(connection: Connection) -> tuple[WorkerSeen, ...]:
    """All workers that are written down, the dead ones included that nobody has struck off yet."""
    return tuple([_seen(*row) for row in _ALL.rows(connection)])


def _seen(
    id_: str, host: str, pid: int, route: str, started_at: float, heartbeat_at: float, standing: str | None
) -> WorkerSeen:
    return WorkerSeen(id_, host, pid, route, started_at, heartbeat_at, json.loads(standing) if standing else {})


def describe(shaper: Shaper, transport: Transport, in_hand: int, now: float) -> str:
    """How a worker stands, as JSON; times are seconds since the epoch."""
    road = shaper.road
    return json.dumps(
        {
            "account": road.account,
            "accounts": sorted(road.accounts),
            "direct": road.direct,
            "source": road.source,
            "whole": road.whole,
            "in_hand": in_hand,
            "gates": _gates(shaper, now),
            "roads": _roads(transport, now),
        }
    )


def _gates(shaper: Shaper, now: float) -> list[dict[str, Any]]:
    """Those with limits, or that keep somebody waiting."""
    described: list[tuple[int, dict[str, Any]]] = []
    for (scope, key), gate in shaper.gates():
        opens = gate.opens(now)
        limits = shaper.limits((scope, key))
        if opens <= now and not limits and not gate.shut and not gate.counted:
            continue
        told = {
            "scope": str(scope),
            "key": key,
            "limits": str(limits),
            "inside": gate.inside,
            "opens_at": None if opens in (now, math.inf) else opens,
            "open": opens <= now,
            "why": _why_shut(gate.shut, gate.counted and gate.granted < 1, gate.used_up, opens, now),
            "ceiling": shaper.ceiling((scope, key), now),
        }
        described.append((-gate.inside, told))
    described.sort(key=lambda one: one[0])
    return [told for _, told in described[:MOST_GATES]]


def _why_shut(shut: bool, no_allowance: bool, used_up: bool, opens: float, now: float) -> str | None:
    if no_allowance:
        return "allowance" if used_up else "asking"
    if shut:
        return "share"
    if opens == math.inf:
        return "connections"
    return "rate" if opens > now else None


def _roads(transport: Transport, now: float) -> list[dict[str, Any]]:
    return [
        {
            "route": road.route,
            "breaker": str(road.standing),
            "until": None if road.standing is BreakerStanding.CLOSED else now + road.seconds,
            "why": None if road.error is None else str(road.error),
        }
        for road in getattr(transport, "roads", ())
    ]
