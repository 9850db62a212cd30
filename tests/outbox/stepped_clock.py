"""A clock that a test sets forward, for workers that sleep in an event loop of their own."""

import asyncio
import threading
from contextvars import ContextVar
from typing import Any, Final

from tests.fakes import START


class _Round:
    """What a task has done since it last slept: when it first looked at the clock."""

    __slots__ = ("began", "clock", "task")

    def __init__(self, clock: "SteppedClock", task: "asyncio.Task[Any] | None", began: float) -> None:
        self.clock = clock
        self.task = task
        self.began: float | None = began


# Of the running task, or of the one that began it.
_ROUND: Final[ContextVar[_Round | None]] = ContextVar("round", default=None)


class SteppedClock:
    """Stands still until ``advance``; whoever sleeps wakes when the clock has passed its time. Thread-safe.

    A sleep counts from when its task first looked at the clock since it last slept. So a test may advance at any
    moment: who decides by a look before it, another one after it, and only then goes to sleep, has not missed it.
    """

    def __init__(self, at: float = START) -> None:
        self._at = at
        self._lock = threading.Lock()
        self._sleepers: list[tuple[float, asyncio.AbstractEventLoop, asyncio.Event]] = []

    def now(self) -> float:
        at, task, known = self._at, _running_task(), self._round()
        if known is None or known.task is not task:
            _ROUND.set(_Round(self, task, at))
        elif known.began is None:
            known.began = at
        return at

    def monotonic(self) -> float:
        return self.now()

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.tasks.sleep(0)  # a turn for others, no time
            return
        woken = asyncio.Event()
        ending = self._round()
        until = self._end(ending) + seconds
        sleeper = until, asyncio.get_running_loop(), woken
        with self._lock:
            if until <= self._at:
                woken.set()
            else:
                self._sleepers.append(sleeper)
        try:
            await woken.wait()
        finally:
            if ending is not None and ending.began is None:
                ending.began = self._at  # it has lived to see this time
            with self._lock:
                if sleeper in self._sleepers:
                    self._sleepers.remove(sleeper)

    def _round(self) -> _Round | None:
        known = _ROUND.get()
        return known if known is not None and known.clock is self else None

    def _end(self, ending: _Round | None) -> float:
        """When the round began that ends with a sleep."""
        if ending is None or ending.began is None:
            return self._at
        began, ending.began = ending.began, None
        return began

    def advance(self, seconds: float) -> None:
        """Set the clock forward and wake those whose time has come."""
        with self._lock:
            self._at += seconds
            due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._at]
            self._sleepers = [sleeper for sleeper in self._sleepers if sleeper not in due]
        for _, loop, woken in due:
            if not loop.is_closed():
                loop.call_soon_threadsafe(woken.set)


def _running_task() -> "asyncio.Task[Any] | None":
    try:
        return asyncio.current_task()
    except RuntimeError:  # no event loop: the test itself, or a thread
        return None
