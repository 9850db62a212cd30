"""The circuit breaker of a road: after failures in a row it keeps the road out for a while, then lets one try it. Pure.

::

    closed     works  → closed, nothing counted
               down   → counted; at ``failures`` in a row → open
    open       its time is over and somebody wants to go → half open, for that one
               works  → closed              (an attempt that had begun before, or one that had no other road)
               down   → open, its time begins anew
    half open  works  → closed
               down   → open
               silent → open, its time over: the next one may probe
    any        faulty → open, for long

A verdict of an attempt that began before the last change is old news: many messages that meet one failure together are
one failure. Only a success always counts. Time is in seconds of a clock that never jumps, and is handed in.
"""

import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from postroad.errors import ConfigurationError


class Standing(Enum):
    """Whether messages go that way."""

    CLOSED = "closed"  # as in a circuit: they do
    OPEN = "open"
    HALF_OPEN = "half open"  # one does, to see

    def __str__(self) -> str:
        return self.value


class Verdict(Enum):
    """What an attempt says of its road."""

    WORKS = "works"  # somebody answered, whatever the answer
    DOWN = "down"
    FAULTY = "faulty"  # wrong account, certificate or setting: it fails until somebody mends it
    SILENT = "silent"  # the attempt was given up before it could show anything


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a road is kept out, and for how long.

    Raises:
        ConfigurationError: a number is not above zero.
    """

    failures: int = 3  # in a row; one lost connection is everyday life
    seconds: float = 30.0  # a restarting server is back by then, and a dead one costs one message in 30 s a detour
    fault_seconds: float = 600.0  # accounts are locked for wrong passwords, so those are shown rarely

    def __post_init__(self) -> None:
        for name in ("failures", "seconds", "fault_seconds"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ConfigurationError(f"{name} must be above 0, not {value}", setting=name)


@dataclass(frozen=True, slots=True)
class Breaker:
    """The state of one road; ``after`` and ``entered`` give the next."""

    standing: Standing = Standing.CLOSED
    failures: int = 0  # in a row
    since: float = -math.inf  # the last change or counted failure
    until: float = -math.inf  # an open one may be probed from then on
    faulty: bool = False

    def admits(self, now: float) -> bool:
        """Whether a message may go that way now."""
        if self.standing is Standing.OPEN:
            return now >= self.until
        return self.standing is Standing.CLOSED

    def entered(self, now: float) -> "Breaker":
        """A message sets out: the first one on an open road is its probe."""
        if self.standing is Standing.OPEN and now >= self.until:
            return replace(self, standing=Standing.HALF_OPEN, since=now)
        return self

    def after(self, verdict: Verdict, began: float, now: float, settings: BreakerSettings) -> "Breaker":
        """An attempt that ``began`` then has ended."""
        if began < self.since and verdict in (Verdict.DOWN, Verdict.SILENT):
            return self
        move = MOVES[self.standing, verdict]
        if move is Move.COUNT:
            move = Move.OPEN if self.failures + 1 >= settings.failures else Move.COUNT
        if move is Move.OPEN:
            faulty = verdict is Verdict.FAULTY
            rest = settings.fault_seconds if faulty else settings.seconds
            return Breaker(Standing.OPEN, self.failures + 1, now, now + rest, faulty)
        if move is Move.COUNT:
            return replace(self, failures=self.failures + 1, since=now)
        if move is Move.LET_ANOTHER_PROBE:
            return replace(self, standing=Standing.OPEN, since=now, until=now)
        return Breaker(since=self.since) if move is Move.CLOSE else self

    def asked_to_wait(self, now: float, seconds: float) -> "Breaker":
        """The other side, or a limit of ours, said for how long nothing more may come."""
        return Breaker(Standing.OPEN, self.failures, now, now + seconds)


class Move(Enum):
    """What a verdict does to a breaker."""

    STAY = "stay"
    COUNT = "count a failure"
    OPEN = "open"
    CLOSE = "close"
    LET_ANOTHER_PROBE = "let another probe"


MOVES: Final = {
    (Standing.CLOSED, Verdict.WORKS): Move.CLOSE,
    (Standing.CLOSED, Verdict.DOWN): Move.COUNT,
    (Standing.CLOSED, Verdict.FAULTY): Move.OPEN,
    (Standing.CLOSED, Verdict.SILENT): Move.STAY,
    (Standing.OPEN, Verdict.WORKS): Move.CLOSE,
    (Standing.OPEN, Verdict.DOWN): Move.OPEN,
    (Standing.OPEN, Verdict.FAULTY): Move.OPEN,
    (Standing.OPEN, Verdict.SILENT): Move.STAY,
    (Standing.HALF_OPEN, Verdict.WORKS): Move.CLOSE,
    (Standing.HALF_OPEN, Verdict.DOWN): Move.OPEN,
    (Standing.HALF_OPEN, Verdict.FAULTY): Move.OPEN,
    (Standing.HALF_OPEN, Verdict.SILENT): Move.LET_ANOTHER_PROBE,
}
