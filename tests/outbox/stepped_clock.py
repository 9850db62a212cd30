"""A clock that a test sets forward, for workers that sleep in an event loop of their own."""

import asyncio
import threading

from tests.fakes import START


class SteppedClock:
    """Stands still until ``advance``; whoever sleeps wakes when the clock has passed its time. Thread-safe."""

    def __init__(self, at: float = START) -> None:
        self._at = at
        self._lock = threading.Lock()
        self._sleepers: list[tuple[float, asyncio.AbstractEventLoop, asyncio.Event]] = []

    def now(self) -> float:
        return self._at

    def monotonic(self) -> float:
        return self._at

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.tasks.sleep(0)  # a turn for others, no time
            return
        woken = asyncio.Event()
        sleeper = self._at + seconds, asyncio.get_running_loop(), woken
        with self._lock:
            self._sleepers.append(sleeper)
        try:
            await woken.wait()
        finally:
            with self._lock:
                if sleeper in self._sleepers:
                    self._sleepers.remove(sleeper)

    def advance(self, seconds: float) -> None:
        """Set the clock forward and wake those whose time has come."""
        with self._lock:
            self._at += seconds
            due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._at]
            self._sleepers = [sleeper for sleeper in self._sleepers if sleeper not in due]
        for _, loop, woken in due:
            if not loop.is_closed():
                loop.call_soon_threadsafe(woken.set)
