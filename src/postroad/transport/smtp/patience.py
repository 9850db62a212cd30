"""How long a session waits for what the server owes it, over many waits with few timers."""

import asyncio
from collections.abc import Callable

from postroad.smtp.states import Verb


class Patience:
    """Waits by the loop's clock; ``ran_out`` is called when a wait has lasted for too long.

    Setting ``due`` to 0 ends a wait: what was waited for has come.
    """

    __slots__ = ("_loop", "_ran_out", "_timer", "awaited", "due", "seconds")

    def __init__(self, loop: asyncio.AbstractEventLoop, ran_out: Callable[[], None]) -> None:
        self._loop = loop
        self._ran_out = ran_out
        self._timer: asyncio.TimerHandle | None = None
        self.due = 0.0  # loop time at which patience ends; 0 while nothing is waited for
        self.seconds = 0.0  # from the beginning of the wait until then
        self.awaited: Verb | None = None  # None: that the server takes content

    def wait(self, seconds: float, awaited: Verb | None) -> None:
        """Wait anew, for so long."""
        self.due, self.seconds, self.awaited = self._loop.time() + seconds, seconds, awaited
        if self._timer is None or self._timer.when() > self.due:
            self.end()
            self._timer = self._loop.call_at(self.due, self._look)

    def _look(self) -> None:
        self._timer = None
        if not self.due:
            return
        if self._loop.time() < self.due:  # one timer for many waits: it looks again when it finds that there is time
            self._timer = self._loop.call_at(self.due, self._look)
            return
        self._ran_out()

    def end(self) -> None:
        """Nothing is looked at any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
