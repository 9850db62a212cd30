"""The door of one destination, account, source or stream: who is inside, and when the next one may go. Pure."""

import math
from collections import Counter
from typing import Final

from postroad.outbox.shaping.limits import NO_LIMITS, Limits
from postroad.outbox.shaping.warm_up import DAY
from postroad.transport.gcra import Rate


class Gate:
    """What somebody does who keeps to limits: asks when it ``opens``, then ``enter``s.

    ``inside`` counts who has entered and is not through; whoever is takes one away. Times are seconds of any one clock.
    """

    __slots__ = (
        "_due",
        "_unlimited",
        "asked",
        "counted",
        "day",
        "granted",
        "inside",
        "limits",
        "shut",
        "used_up",
        "waiting",
    )

    def __init__(self, limits: Limits = NO_LIMITS) -> None:
        self.limits = limits
        self._unlimited = not limits
        self.inside = 0
        # At hand and not gone yet, by priority, of those that pass it beside their site's; kept by who has them.
        self.waiting: Counter[int] = Counter()
        self.shut = False  # nobody may go, until it is opened again
        self.counted = False  # each message is one of a day's allowance
        self.granted = 0  # of the allowance, to us
        self.day = 0  # of the allowance; since the epoch, UTC
        self.asked = False  # for more of it
        self.used_up = False  # there is no more today
        self._due = -math.inf  # the state of the rate (``Rate.reserve``)

    @property
    def free(self) -> bool:
        """Nothing is limited."""
        return self._unlimited and not self.shut and not self.counted

    def opens(self, now: float) -> float:
        """When the next may go: ``now``, later, or when somebody has left (infinity)."""
        limits = self.limits
        if self.free:
            return now
        if self.counted and (self.granted < 1 or now >= (self.day + 1) * DAY):
            # What was granted is worth nothing after midnight, and what the new day allows has to be asked for.
            tomorrow = (self.day + 1) * DAY
            return tomorrow if self.used_up and now < tomorrow else math.inf
        if self.shut or (limits.connections is not None and self.inside >= limits.connections):
            return math.inf
        if limits.rate is None:
            return now
        self._set_back(limits.rate, now)
        return now + limits.rate.reserve(self._due, now)[0]

    def _set_back(self, rate: Rate, now: float) -> None:
        """Nobody waits longer than behind a whole burst: if it seems so, the clock was set back meanwhile."""
        self._due = min(self._due, now + rate.burst * rate.interval)

    def enter(self, now: float) -> None:
        """Go; a turn that is not used after all is lost, because slower is allowed and faster is not."""
        self.inside += 1
        if self._unlimited and not self.counted:
            return
        if self.counted:
            self.granted -= 1
        if self.limits.rate is not None:
            self._due = self.limits.rate.reserve(self._due, now)[1]

    def hold_to(self, limits: Limits, now: float) -> None:
        """Other limits from now on."""
        rate = limits.rate
        if rate is not None and rate != self.limits.rate:
            # Who waits by a slower rate waits no longer than a newcomer would by the new one.
            self._set_back(rate, now)
        self.limits = limits
        self._unlimited = not limits

    def waiting_before(self, priority: int) -> int:
        """How many are at hand that are as urgent as this, or more."""
        return sum(number for one, number in self.waiting.items() if one <= priority)

    def spent(self, now: float) -> bool:
        """Nobody goes before tomorrow."""
        return self.counted and self.used_up and self.granted < 1 and now < (self.day + 1) * DAY

    # ── a day's allowance ─────────────────────────────────────────────────────────────────────────────────────────

    def begin_day(self, day: int) -> None:
        """A new day: what is left of the old one is worth nothing."""
        self.day, self.granted, self.asked, self.used_up = day, 0, False, False

    def asks(self, most: int) -> bool:
        """Whether to ask for ``most`` more now; having asked, it waits for the answer."""
        if self.asked or self.used_up or self.granted > most // 2:
            return False
        self.asked = True
        return True

    def grant(self, number: int, day: int) -> None:
        """So many more may pass on this day; none: the day's allowance is used up."""
        self.asked = False
        if day == self.day:
            self.granted += number
            self.used_up = number == 0

    # ── claiming ahead ────────────────────────────────────────────────────────────────────────────────────────────

    def room(self, now: float, seconds: float, waiting: int) -> float:
        """For how many more there is use at hand, beside those who wait: as could go within so many seconds."""
        if self.shut:
            return 0.0
        if self._unlimited and not self.counted:
            return math.inf
        limits = self.limits
        most = float(self.granted) if self.counted else math.inf
        if limits.connections is not None:
            most = min(most, limits.connections * _A_CONNECTION)
        if limits.rate is not None:
            self._set_back(limits.rate, now)
            early = (limits.rate.burst - 1) * limits.rate.interval
            first = max(0.0, self._due - early - now)
            by_rate = (
                0.0 if first > seconds else 1.0 + (seconds - first) // limits.rate.interval + limits.rate.burst - 1
            )
            most = min(most, by_rate)
        return max(0.0, most - waiting)


_A_CONNECTION: Final = 4.0  # messages at hand for each connection, so that none waits for a claim
