"""Keeping to a rate: messages wait for their turn, for a bounded time, and one that would wait longer is told so."""

import math

from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.errors import Throttled
from postroad.reply import Phase
from postroad.transport.gcra import Rate
from postroad.transport.naps import Naps


class Pace:
    """Belongs to one event loop. ``longest`` is how many seconds a message may wait.

    A turn whose message goes meanwhile is lost, not passed on: slower is allowed, faster is not.
    """

    def __init__(self, rate: Rate, longest: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._rate = rate
        self._longest = longest
        self._clock = clock
        self._due = -math.inf
        self._naps = Naps(clock)

    async def turn(self) -> bool:
        """Return when it is this message's turn; false where everything was called off meanwhile.

        Raises:
            Throttled: the wait would be too long; ``retry_after`` says how long.
        """
        wait, due = self._rate.reserve(self._due, self._clock.monotonic())
        if wait > self._longest:
            message = f"the rate of {self._rate} is used up for {wait:.0f} s"
            advice = "Send slower, or raise ?rate= if the provider allows more; an outbox waits by itself."
            raise Throttled(message, phase=Phase.POOL, retry_after=wait, advice=advice)
        self._due = due
        return wait <= 0 or await self._naps.rested(wait)

    def hold_to(self, rate: Rate) -> None:
        """Another rate from now on; turns that were promised stand."""
        if rate != self._rate:
            self._due = min(self._due, self._clock.monotonic() + rate.burst * rate.interval)
            self._rate = rate

    def call_off(self) -> None:
        """Nobody who waits will go."""
        self._naps.call_off()
