"""What can become of a delivery: the table of legal moves is the code.

Rules of this file:

1. A delivery is one recipient of one message. It ends in a final state, reached once; nothing leads out of one. A retry
   of a refused or expired delivery is a new delivery.
2. Every change of a row's state is a move of ``MOVES``, and the event of that move is written in the same transaction.
3. ``scheduled`` becomes ``ready`` by time alone, so no row has to be written for it: ``state_at`` tells, and a claim
   takes either.
4. Only the worker that holds the lease moves a leased delivery on, unless the lease is taken from it, which bumps the
   epoch so that its flight record is refused. Once the flight record stands, only the worker and, after its death, the
   recovery move it.
5. ``sent`` means that the next hop took it. ``uncertain`` means that the final dot may be out and no answer is on
   record; nothing else may double a mail.
"""

from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final

from postroad.events import EventKind


class DeliveryState(StrEnum):
    """Where a delivery stands. The values are stored and shown, and a state equals its text."""

    SCHEDULED = "scheduled"  # not due yet for the first time
    READY = "ready"  # due, or due later after a deferral
    LEASED = "leased"  # a worker has it
    HELD = "held"  # waits for somebody's decision
    UNCERTAIN = "uncertain"  # waits for a decision, or for a late reply
    SENT = "sent"
    REFUSED = "refused"
    EXPIRED = "expired"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Reached once, never left."""
        return self in FINAL


class Move(Enum):
    """What can happen to a delivery."""

    CLAIM = "claim"  # a worker takes it
    GIVE_BACK = "give back"  # untried: the worker stops, the route is at fault, or the worker died
    DEFER = "defer"  # refused for now
    SUCCEED = "succeed"  # the next hop took it
    REFUSE = "refuse"  # refused for good
    EXPIRE = "expire"  # its time is used up
    LOSE_SIGHT = "lose sight"  # no answer to the final dot
    TRY_AGAIN = "try again"  # the policy for uncertain deliveries, or a person
    ASSUME_SENT = "assume sent"  # the policy for uncertain deliveries
    CANCEL = "cancel"
    HOLD = "hold"  # a person wants to decide about it first
    RELEASE = "release"  # a person has decided: it goes on
    RELEASE_UNTIL_DUE = "release until it is due"  # the same, of one whose first time has not come
    SUPPRESS = "suppress"  # its recipient is on the suppression list


_S, _M = DeliveryState, Move

FINAL: Final = frozenset({_S.SENT, _S.REFUSED, _S.EXPIRED, _S.SUPPRESSED, _S.CANCELLED})

PLANNED: Final = frozenset({_S.SCHEDULED, _S.READY})  # what will be tried without anybody's doing

MOVES: Final = MappingProxyType({
    (_S.SCHEDULED, _M.CLAIM): _S.LEASED,
    (_S.SCHEDULED, _M.EXPIRE): _S.EXPIRED,
    (_S.SCHEDULED, _M.CANCEL): _S.CANCELLED,
    (_S.SCHEDULED, _M.HOLD): _S.HELD,
    (_S.SCHEDULED, _M.SUPPRESS): _S.SUPPRESSED,
    (_S.READY, _M.CLAIM): _S.LEASED,
    (_S.READY, _M.EXPIRE): _S.EXPIRED,
    (_S.READY, _M.CANCEL): _S.CANCELLED,
    (_S.READY, _M.TRY_AGAIN): _S.READY,
    (_S.READY, _M.HOLD): _S.HELD,
    (_S.READY, _M.SUPPRESS): _S.SUPPRESSED,
    (_S.LEASED, _M.GIVE_BACK): _S.READY,
    (_S.LEASED, _M.DEFER): _S.READY,
    (_S.LEASED, _M.SUCCEED): _S.SENT,
    (_S.LEASED, _M.REFUSE): _S.REFUSED,
    (_S.LEASED, _M.EXPIRE): _S.EXPIRED,
    (_S.LEASED, _M.LOSE_SIGHT): _S.UNCERTAIN,
    (_S.LEASED, _M.CANCEL): _S.CANCELLED,  # without a flight record only, this one and the next two
    (_S.LEASED, _M.HOLD): _S.HELD,
    (_S.LEASED, _M.SUPPRESS): _S.SUPPRESSED,
    (_S.HELD, _M.EXPIRE): _S.EXPIRED,
    (_S.HELD, _M.CANCEL): _S.CANCELLED,
    (_S.HELD, _M.TRY_AGAIN): _S.READY,
    (_S.HELD, _M.RELEASE): _S.READY,
    (_S.HELD, _M.RELEASE_UNTIL_DUE): _S.SCHEDULED,
    (_S.HELD, _M.SUPPRESS): _S.SUPPRESSED,
    (_S.UNCERTAIN, _M.TRY_AGAIN): _S.READY,
    (_S.UNCERTAIN, _M.ASSUME_SENT): _S.SENT,
    (_S.UNCERTAIN, _M.SUCCEED): _S.SENT,  # a late reply, this one and the next two
    (_S.UNCERTAIN, _M.REFUSE): _S.REFUSED,
    (_S.UNCERTAIN, _M.DEFER): _S.READY,
    (_S.UNCERTAIN, _M.CANCEL): _S.CANCELLED,
})  # fmt: skip

EVENTS: Final = MappingProxyType({
    _M.DEFER: EventKind.DEFERRED,
    _M.SUCCEED: EventKind.SENT,
    _M.REFUSE: EventKind.REFUSED,
    _M.EXPIRE: EventKind.EXPIRED,
    _M.LOSE_SIGHT: EventKind.UNCERTAIN,
    _M.TRY_AGAIN: EventKind.RETRIED,
    _M.ASSUME_SENT: EventKind.SENT,
    _M.CANCEL: EventKind.CANCELLED,
    _M.HOLD: EventKind.HELD,
    _M.RELEASE: EventKind.RELEASED,
    _M.RELEASE_UNTIL_DUE: EventKind.RELEASED,
    _M.SUPPRESS: EventKind.SUPPRESSED,
})  # fmt: skip
"""The event of each move. Claiming and giving back are the worker's own affair: attempts tell about those."""


class IllegalMove(Exception):
    """A move that ``MOVES`` does not know: a fault of this package, never of a caller."""


def after(state: DeliveryState, move: Move) -> DeliveryState:
    """The state that a move leads to.

    Raises:
        IllegalMove: it is not in the table.
    """
    try:
        return MOVES[state, move]
    except KeyError:
        raise IllegalMove(f"a delivery that is {state} cannot {move.value}") from None


def allowed(state: DeliveryState, move: Move) -> bool:
    """Whether the move is in the table."""
    return (state, move) in MOVES


def state_at(state: DeliveryState, due_at: float, now: float) -> DeliveryState:
    """The state as of ``now``: what was scheduled and has come due is ready (rule 3)."""
    return _S.READY if state is _S.SCHEDULED and due_at <= now else state
