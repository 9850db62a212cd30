"""What the pool does next, decided from plain numbers: no socket, no task, no clock. The pool carries it out."""

from enum import Enum
from typing import NamedTuple


class PoolState(NamedTuple):
    """What the decisions depend on. Members are connections, open or being opened."""

    waiting: int  # messages without a connection
    idle: int
    woken: int  # were idle, and will take a message in a moment
    opening: int
    members: int
    proven: bool  # an opening has succeeded since the last one failed
    holding_back: bool  # an opening failed lately while other connections worked
    leaving: int = 0  # connections that have said QUIT: for the server they are still there


class Wake(Enum):
    """What to do when a message waits."""

    IDLE_MEMBER = "wake an idle member"
    OPEN = "open a connection"
    NOTHING = "nothing: one of the members will take it"


def on_waiting(state: PoolState, most: int) -> Wake:
    """What a waiting message sets in motion, where there may be so many connections.

    Until one opening has succeeded there is one at a time: five connections with a wrong password are five failed
    log-ins, and accounts are locked for that.
    """
    if state.woken >= state.waiting:
        return Wake.NOTHING
    if state.idle:
        return Wake.IDLE_MEMBER
    if state.members + state.leaving >= most or state.woken + state.opening >= state.waiting:
        return Wake.NOTHING
    if state.opening and not state.proven:
        return Wake.NOTHING
    if state.holding_back and state.members:
        return Wake.NOTHING
    return Wake.OPEN


def opening_failed_for_all(state: PoolState) -> bool:
    """Whether a failed opening (its member counted no more) is the end for every waiting message.

    While another connection works or may still come, they wait for that one: a server that takes three connections and
    refuses the fourth is no reason to fail anybody.
    """
    return state.members == 0


def worn_out(served: int, age: float, messages: int, oldest: float) -> bool:
    """Whether a connection has done enough; ``age`` in seconds. One that has served nobody never has."""
    return served > 0 and (served >= messages or age >= oldest)


PROBE_AFTER = 30.0  # seconds of idling after which a connection is asked whether it lives; NATs forget in minutes
HOLD_BACK = 5.0  # seconds without new connections after an opening failed beside working ones
