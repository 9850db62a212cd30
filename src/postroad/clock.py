"""Time, handed in: the only module that reads a clock or sleeps.

Everything that needs the time takes a ``Clock``, so that a day of retries runs in a test within a second.
"""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What a part of postroad may ask of time."""

    def now(self) -> float:
        """Seconds since the epoch, UTC; may jump when the machine's clock is set."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never jumps. For durations and deadlines within one process."""

    async def sleep(self, seconds: float) -> None:
        """Wait; cancellable."""


class SystemClock:
    """The machine's clock."""

    __slots__ = ()

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        import asyncio  # late: a coroutine runs only where it is loaded, and it is the slowest import there is

        await asyncio.sleep(seconds)


SYSTEM_CLOCK = SystemClock()


def as_datetime(epoch_seconds: float) -> datetime:
    """The aware UTC datetime of a clock reading."""
    return datetime.fromtimestamp(epoch_seconds, UTC)
