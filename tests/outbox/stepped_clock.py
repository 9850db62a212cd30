"""A clock that a test sets forward, for workers that sleep in an event loop of their own."""

import asyncio
import threading
from contextvars import ContextVar
from typing import Final

from tests.fakes import START

# What the running task, or the one that began it, last read from which clock.
_LAST_READ: Final[ContextVar[tuple["SteppedClock", float] | None]] = ContextVar("last_read", default=None)


class SteppedClock:
    """Stands still until ``advance``; whoever sleeps wakes when the clock has passed its time. Thread-safe.

    A sleep counts from when its task last looked at the clock. So a test may advance at any moment: who has looked, and
    only then goes to sleep, has not missed it.
    """

    def __init__(self, at: float = START) -> None:
        self._at = at
        self._lock = threading.Lock()
        self._sleepers: list[tuple[float, asyncio.AbstractEventLoop, asyncio.Event]] = []

    def now(self) -> float:
        at = self._at
        _LAST_READ.set((self, at))
        return at

    def monotonic(self) -> float:
        return self.now()

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.tasks.sleep(0)  # a turn for others, no time
            return
        woken = asyncio.Event()
        until = self._read_by_this_task() + seconds
        sleeper = until, asyncio.get_running_loop(), woken
        with self._lock:
            if until <= self._at:
                woken.set()
            else:
                self._sleepers.append(sleeper)
        try:
            await woken.wait()
        finally:
            _LAST_READ.set((self, self._at))  # it has lived to see this time
            with self._lock:
                if sleeper in self._sleepers:
                    self._sleepers.remove(sleeper)

    def _read_by_this_task(self) -> float:
        last = _LAST_READ.get()
        return last[1] if last is not None and last[0] is self else self._at

    def advance(self, seconds: float) -> None:
        """Set the clock forward and wake those whose time has come."""
        with self._lock:
            self._at += seconds
            due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._at]
            self._sleepers = [sleeper for sleeper in self._sleepers if sleeper not in due]
        for _, loop, woken in due:
            if not loop.is_closed():
                loop.call_soon_threadsafe(woken.set)
