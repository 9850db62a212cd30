"""Writing down what became of leases: state, attempt and event in one transaction.

Only a lease whose owner and epoch still stand changes its delivery. What comes too late, from a worker that had been
given up, is kept as an attempt and changes nothing.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Boolean, Connection, Double, Integer, Text, delete, insert, or_, select, update

from postroad.database.batch import Query, Statement, given
from postroad.database.tables import attempt, delivery, event, flight
from postroad.outbox.settle import Settled, kept_text
from postroad.outbox.states import EVENTS, DeliveryState, Move, allowed
from postroad.outcome import Outcome


class Landing(NamedTuple):
    """What became of the leases of one transaction, by which worker and route, and when it was begun and ended."""

    settled: tuple[Settled, ...]
    route: str
    started_at: float
    ended_at: float


_held = given(id=Integer, owner=Text, epoch=Integer)
# What the recovery called uncertain keeps owner and epoch until somebody decides, so that a late reply settles it.
_STANDING = Query(
    select(delivery.c.id, delivery.c.state)
    .select_from(_held.join(delivery, delivery.c.id == _held.c.id))
    .where(
        delivery.c.owner == _held.c.owner,
        delivery.c.epoch == _held.c.epoch,
        or_(
            delivery.c.state == DeliveryState.LEASED.value,
            delivery.c.state == DeliveryState.UNCERTAIN.value,
        ),
    )
)
_LAND = Statement(
    delete(flight).where(
        flight.c.delivery_id.in_(
            select(flight.c.delivery_id)
            .select_from(_held.join(flight, flight.c.delivery_id == _held.c.id))
            .where(flight.c.owner == _held.c.owner, flight.c.epoch == _held.c.epoch)
        )
    )
)

_tried = given(
    id=Integer, state=Text, due_at=Double, owner=Text, code=Integer, enhanced=Text, phase=Text, text=Text,
    uncertain=Boolean, assumed=Boolean, now=Double,
)  # fmt: skip
_SETTLE_TRIED = Statement(
    update(delivery)
    .where(delivery.c.id == _tried.c.id)
    .values(
        state=_tried.c.state,
        due_at=_tried.c.due_at,
        owner=_tried.c.owner,
        code=_tried.c.code,
        enhanced=_tried.c.enhanced,
        phase=_tried.c.phase,
        text=_tried.c.text,
        uncertain_ever=or_(delivery.c.uncertain_ever, _tried.c.uncertain),
        assumed=_tried.c.assumed,
        changed_at=_tried.c.now,
    )
)
_untried = given(id=Integer, state=Text, due_at=Double, attempts=Integer, now=Double)
_SETTLE_UNTRIED = Statement(
    update(delivery)
    .where(delivery.c.id == _untried.c.id)
    .values(
        state=_untried.c.state,
        due_at=_untried.c.due_at,
        attempts=_untried.c.attempts,
        owner=None,
        changed_at=_untried.c.now,
    )
)

ATTEMPT_COLUMNS: Final = {
    "delivery_id": Integer, "number": Integer, "worker": Text, "route": Text, "started_at": Double, "ended_at": Double,
    "result": Text, "code": Integer, "enhanced": Text, "phase": Text, "text": Text,
}  # fmt: skip
EVENT_COLUMNS: Final = {"delivery_id": Integer, "kind": Text, "at": Double, "detail": Text}
ADD_ATTEMPTS = Statement(
    insert(attempt).from_select(list(ATTEMPT_COLUMNS), select(given(**ATTEMPT_COLUMNS)), include_defaults=False)
)
ADD_EVENTS = Statement(
    insert(event).from_select(list(EVENT_COLUMNS), select(given(**EVENT_COLUMNS)), include_defaults=False)
)


def record(connection: Connection, landings: Sequence[Landing]) -> list[Exception | None]:
    """Write down what became of the leases."""
    leases = [(one.lease.id, one.lease.owner, one.lease.epoch) for landing in landings for one in landing.settled]
    standing = {id_: DeliveryState(state) for id_, state in _STANDING.rows(connection, leases)}
    settled = [
        (landing, one)
        for landing in landings
        for one in landing.settled
        if one.lease.id in standing and allowed(standing[one.lease.id], one.verdict.moves[0])
    ]
    _SETTLE_TRIED.run(connection, [_tried_row(landing, one) for landing, one in settled if one.outcome is not None])
    _SETTLE_UNTRIED.run(connection, [_untried_row(landing, one) for landing, one in settled if one.outcome is None])
    _LAND.run(connection, leases)
    ADD_ATTEMPTS.run(connection, [row for landing in landings for row in _attempt_rows(landing)])
    ADD_EVENTS.run(connection, [row for landing, one in settled for row in _event_rows(landing, one)])
    return [None] * len(landings)


def _tried_row(landing: Landing, settled: Settled) -> tuple[Any, ...]:
    lease, verdict, outcome = settled
    assert outcome is not None
    state = verdict.state
    owner = lease.owner if state is DeliveryState.UNCERTAIN else None
    code, enhanced, phase, text = _said(outcome)
    uncertain, assumed = Move.LOSE_SIGHT in verdict.moves, Move.ASSUME_SENT in verdict.moves
    return (
        lease.id, state.value, verdict.due_at, owner, code, enhanced, phase, text, int(uncertain), int(assumed),
        landing.ended_at,
    )  # fmt: skip


def _untried_row(landing: Landing, settled: Settled) -> tuple[Any, ...]:
    lease, verdict, _ = settled
    return (lease.id, verdict.state.value, verdict.due_at, lease.attempts, landing.ended_at)


def _attempt_rows(landing: Landing) -> Iterator[tuple[Any, ...]]:
    for lease, _, outcome in landing.settled:
        if outcome is not None:
            yield (
                lease.id, lease.attempt, lease.owner, landing.route, landing.started_at, landing.ended_at,
                outcome.result.value, *_said(outcome),
            )  # fmt: skip


def _said(outcome: Outcome) -> tuple[int | None, str | None, str, str]:
    enhanced = outcome.enhanced
    code = None if outcome.code is None else int(outcome.code)
    return (code, None if enhanced is None else str(enhanced), outcome.phase.value, kept_text(outcome))


def _event_rows(landing: Landing, settled: Settled) -> Iterator[tuple[Any, ...]]:
    lease, verdict, _ = settled
    for move in verdict.moves:
        kind = EVENTS.get(move)
        if kind is not None:
            detail: dict[str, Any] = {"attempt": lease.attempt}
            if move in _WAITING_AGAIN:
                detail["due_at"] = verdict.due_at
            yield (lease.id, kind.value, landing.ended_at, json.dumps(detail))


_WAITING_AGAIN: Final = frozenset({Move.DEFER, Move.TRY_AGAIN})
