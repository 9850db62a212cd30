"""Writing down what became of leases: state, attempt and event in one transaction.

Only a lease whose owner and epoch still stand changes its delivery. What comes too late, from a worker that had been
given up, is kept as an attempt and changes nothing.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Boolean, Connection, Double, Integer, Text, delete, insert, literal_column, or_, select, update

from postroad.database.batch import Query, Statement
from postroad.database.given import found_by, given
from postroad.database.tables import LOCKING_ORDER, attempt, delivery, event, flight
from postroad.log import logger
from postroad.outbox.settle import Path, Settled, kept_text
from postroad.outbox.states import DeliveryState, Move, allowed
from postroad.outcome import Outcome
from postroad.reports.classify import classify_reply

_log = logger("outbox")


class Landing(NamedTuple):
    """What became of the leases of one transaction, by which route, and when it was begun and ended.

    ``roads`` says of a composed route which roads it took, and why it went on, as JSON; ``route`` is the last one.
    """

    settled: tuple[Settled, ...]
    route: str
    started_at: float
    ended_at: float
    roads: str | None = None


_Attempt = tuple[Any, ...]
"""Delivery, number, worker and result, which tell one attempt's record from every other."""

_held = given(id=Integer, owner=Text, epoch=Integer)
# What the recovery called uncertain keeps owner and epoch until somebody decides, so that a late reply settles it.
_STANDING = Query(
    select(delivery.c.id, delivery.c.state)
    .select_from(_held.join(delivery, found_by(delivery.c.id, _held.c.id)))
    .where(
        delivery.c.owner == _held.c.owner,
        delivery.c.epoch == _held.c.epoch,
        delivery.c.state.in_([literal_column("'leased'"), literal_column("'uncertain'")]),
    )
    .order_by(LOCKING_ORDER)  # everybody locks in one order
    .with_for_update(of=delivery)
)
_LAND = Statement(
    delete(flight).where(
        flight.c.delivery_id.in_(
            select(flight.c.delivery_id)
            .select_from(_held.join(flight, found_by(flight.c.delivery_id, _held.c.id)))
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
    .where(found_by(delivery.c.id, _tried.c.id))
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
    .where(found_by(delivery.c.id, _untried.c.id))
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
    "result": Text, "code": Integer, "enhanced": Text, "phase": Text, "text": Text, "class": Text, "reason": Text,
    "roads": Text, "remote_id": Text,
}  # fmt: skip
EVENT_COLUMNS: Final = {"delivery_id": Integer, "kind": Text, "at": Double, "detail": Text}
ADD_ATTEMPTS = Statement(
    insert(attempt).from_select(list(ATTEMPT_COLUMNS), select(given(**ATTEMPT_COLUMNS)), include_defaults=False)
)
ADD_EVENTS = Statement(
    insert(event).from_select(list(EVENT_COLUMNS), select(given(**EVENT_COLUMNS)), include_defaults=False)
)

_written = given(id=Integer)
_WRITTEN = Query(
    select(attempt.c.delivery_id, attempt.c.number, attempt.c.worker, attempt.c.result).select_from(
        _written.join(attempt, attempt.c.delivery_id == _written.c.id)
    )
)


def record(connection: Connection, batches: Sequence[tuple[Landing, ...]]) -> list[Exception | None]:
    """Write down what became of the leases."""
    landings = [landing for batch in batches for landing in batch]
    leases = [(one.lease.id, one.lease.owner, one.lease.epoch) for landing in landings for one in landing.settled]
    standing: dict[int, str] = {id_: state for id_, state in _STANDING.rows(connection, leases)}  # noqa: C416
    rows = _Rows(_written_before(connection, [id_ for id_, *_ in leases if standing.get(id_) != "leased"]))
    for landing in landings:
        for one in landing.settled:
            rows.add(landing, one, standing.get(one.lease.id))
    _SETTLE_TRIED.run(connection, rows.tried)
    _SETTLE_UNTRIED.run(connection, rows.untried)
    _LAND.run(connection, leases)
    ADD_ATTEMPTS.run(connection, rows.attempts)
    ADD_EVENTS.run(connection, rows.events)
    return [None] * len(batches)


def _written_before(connection: Connection, settled: list[int]) -> set[_Attempt]:
    """The attempts on record of deliveries that are settled: a commit may have come to pass that nobody heard of."""
    if not settled:
        return set()
    return {(*row,) for row in _WRITTEN.rows(connection, [(id_,) for id_ in settled])}


class _Rows:
    """The rows that landings come to, but for the attempts that were ``written`` before."""

    __slots__ = ("attempts", "events", "tried", "untried", "written")

    def __init__(self, written: set[_Attempt]) -> None:
        self.written = written
        self.tried: list[tuple[Any, ...]] = []
        self.untried: list[tuple[Any, ...]] = []
        self.attempts: list[tuple[Any, ...]] = []
        self.events: list[tuple[Any, ...]] = []

    def add(self, landing: Landing, settled: Settled, state: str | None) -> None:
        """The rows of one lease; ``state`` is its delivery's, if the lease still stands."""
        lease, (path, due_at), outcome = settled
        now = landing.ended_at
        said = None if outcome is None else _said(outcome)
        if said is not None and (lease.id, lease.attempt, lease.owner, said[0]) not in self.written:
            tried = lease.id, lease.attempt, lease.owner, landing.route, landing.started_at, now
            meant = _meaning(outcome, landing.route)
            self.attempts.append((*tried, *said, *meant, landing.roads, outcome and outcome.remote_id))
        if not _may_move(state, path):
            return
        if said is None:
            self.untried.append((lease.id, path.state.value, due_at, lease.attempts, now))
        else:
            owner = lease.owner if path.state is DeliveryState.UNCERTAIN else None
            flags = int(Move.LOSE_SIGHT in path.moves), int(Move.ASSUME_SENT in path.moves)
            self.tried.append((lease.id, path.state.value, due_at, owner, *said[1:], *flags, now))
        for move, kind in path.events:
            planned = f',"due_at":{due_at!r}' if move in _WAITING_AGAIN else ""
            self.events.append((lease.id, kind.value, now, f'{{"attempt":{lease.attempt}{planned}}}'))


_WAITING_AGAIN: Final = (Move.DEFER, Move.TRY_AGAIN)


def _may_move(state: str | None, path: Path) -> bool:
    if state == "leased":  # every path begins there
        return True
    return state is not None and allowed(DeliveryState(state), path.moves[0])


_DIRECT: Final = "direct://"  # what stands behind it is the host that said something


def _meaning(outcome: Outcome | None, route: str) -> tuple[str | None, str | None]:
    """What a refusal means: its class, and the reason in a word."""
    if outcome is None or outcome.reply is None or outcome.accepted:
        return None, None
    host = route.removeprefix(_DIRECT) if route.startswith(_DIRECT) else ""
    try:
        meaning = classify_reply(outcome.reply, host, outcome.phase)
    except Exception:  # noqa: BLE001  # a defect of ours must not keep from being written what has happened
        _log.exception("the reply %r could not be classified", outcome.reply.text[:200])
        return None, None
    return meaning.bounce_class.value, meaning.reason


def _said(outcome: Outcome) -> tuple[str, int | None, str | None, str, str]:
    """Result, code, enhanced code, phase and text."""
    reply = outcome.reply
    code = None if reply is None else int(reply.code)
    enhanced = None if reply is None or reply.enhanced is None else str(reply.enhanced)
    return outcome.result.value, code, enhanced, outcome.phase.value, kept_text(outcome)
