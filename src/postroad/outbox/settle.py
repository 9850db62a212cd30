"""What an attempt's outcome means for its delivery: all policy in one place, and pure."""

from typing import Final, NamedTuple

from postroad.chance import SYSTEM_CHANCE, Chance
from postroad.errors import Abandoned, PostroadError, Remedy, Scope
from postroad.events import EventKind
from postroad.outbox.lease import Lease
from postroad.outbox.states import EVENTS, DeliveryState, Move, after
from postroad.outbox.stream import Stream, UncertainPolicy
from postroad.outcome import Outcome, Result, SendReport
from postroad.retry import wait_asked_for

MAX_TEXT: Final = 1000  # characters of a reply that are kept; a reply line has 512 octets (RFC 5321 §4.5.3.1.5)


class Path(NamedTuple):
    """Moves in a row from ``leased``, where they lead, and the events of the moves that have one."""

    moves: tuple[Move, ...]
    state: DeliveryState
    events: tuple[tuple[Move, EventKind], ...]


def path(*moves: Move) -> Path:
    """The path of these moves.

    Raises:
        IllegalMove: one of them is not in the table.
    """
    state = DeliveryState.LEASED
    for move in moves:
        state = after(state, move)
    return Path(moves, state, tuple((move, EVENTS[move]) for move in moves if move in EVENTS))


SUCCEED: Final = path(Move.SUCCEED)
REFUSE: Final = path(Move.REFUSE)
DEFER: Final = path(Move.DEFER)
EXPIRE: Final = path(Move.EXPIRE)
GIVE_BACK: Final = path(Move.GIVE_BACK)
LOSE_SIGHT: Final = path(Move.LOSE_SIGHT)
LOSE_SIGHT_AND_TRY_AGAIN: Final = path(Move.LOSE_SIGHT, Move.TRY_AGAIN)
LOSE_SIGHT_AND_ASSUME_SENT: Final = path(Move.LOSE_SIGHT, Move.ASSUME_SENT)


class Verdict(NamedTuple):
    """What happens to a delivery, and when it is due where it waits again."""

    path: Path
    due_at: float


class Settled(NamedTuple):
    """A lease, what became of it, and the outcome that was heard; no outcome: it was not tried."""

    lease: Lease
    verdict: Verdict
    outcome: Outcome | None


def judge(lease: Lease, outcome: Outcome, stream: Stream, now: float, chance: Chance = SYSTEM_CHANCE) -> Verdict:
    """The verdict on a delivery that was tried."""
    if outcome.result is Result.ACCEPTED:
        return Verdict(SUCCEED, now)
    if outcome.result is Result.UNKNOWN:
        return lost_sight(lease, stream, now, chance)
    if outcome.permanent:
        return Verdict(REFUSE, now)
    due_at = next_try(lease, stream, now, chance, wait_asked_for(outcome.error))
    return Verdict(EXPIRE, now) if due_at is None else Verdict(DEFER, due_at)


def lost_sight(lease: Lease, stream: Stream, now: float, chance: Chance = SYSTEM_CHANCE) -> Verdict:
    """The verdict on a delivery whose final dot may be out without an answer: as its stream's policy says."""
    if stream.uncertain is UncertainPolicy.ASSUME_SENT:
        return Verdict(LOSE_SIGHT_AND_ASSUME_SENT, now)
    due_at = next_try(lease, stream, now, chance)
    if stream.uncertain is UncertainPolicy.HOLD or due_at is None:  # an uncertain delivery never expires
        return Verdict(LOSE_SIGHT, now)
    return Verdict(LOSE_SIGHT_AND_TRY_AGAIN, due_at)


def next_try(
    lease: Lease, stream: Stream, now: float, chance: Chance = SYSTEM_CHANCE, asked_for: float = 0.0
) -> float | None:
    """When to try again after this lease's try; ``None`` when its time is used up by then."""
    delay = stream.retries.delay(lease.attempt, max(0.0, now - lease.first_due_at), chance=chance)
    if delay is None:
        return None
    due_at = now + max(delay, asked_for)
    return None if lease.expires_at is not None and due_at >= lease.expires_at else due_at


def given_back(lease: Lease, not_before: float = 0.0) -> Settled:
    """A lease that was not tried: as if it had never been taken, but for a due time that may be later."""
    return Settled(lease, Verdict(GIVE_BACK, max(lease.due_at, not_before)), None)


def given_up_in_flight(lease: Lease, now: float) -> Settled:
    """A lease that expired between claim and final dot."""
    return Settled(lease, Verdict(EXPIRE, now), None)


def route_fault(report: SendReport) -> PostroadError | None:
    """What is wrong with the route itself, which is never a recipient's outcome."""
    error = report.error
    if error is not None and error.scope is Scope.ROUTE and error.remedy is Remedy.FIX:
        return error
    return None


def route_answered(report: SendReport) -> bool:
    """Whether somebody at the other end said something, so that the road there is open."""
    return any(outcome.accepted or outcome.reply is not None for outcome in report.outcomes)


def was_tried(outcome: Outcome) -> bool:
    """Whether the outcome counts: a delivery that we took back, or that met a faulty route, was not tried."""
    error = outcome.error
    if error is None or outcome.result is Result.UNKNOWN:
        return True
    return not (isinstance(error, Abandoned) or (error.scope is Scope.ROUTE and error.remedy is Remedy.FIX))


def kept_text(outcome: Outcome) -> str:
    """The words of an outcome as they may be stored: printable, of bounded length."""
    text = outcome.text[:MAX_TEXT]
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
