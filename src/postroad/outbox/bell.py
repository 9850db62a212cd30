"""Wakes a worker that waits, from any thread."""

import asyncio
import contextlib

from postroad.clock import Clock


class Bell:
    """Belongs to the running event loop. Ringing twice before it is heard costs nothing more."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._rung = False

    def ring(self) -> None:
        """Wake the waiter. Safe from any thread, and after the loop has ended."""
        if not self._rung:
            self._rung = True
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._event.set)

    def stir(self) -> None:
        """As ``ring``, from the loop itself."""
        self._event.set()

    def hush(self) -> None:
        """Forget what was rung so far. To be called before looking, so that no ring after the look is lost."""
        self._rung = False
        self._event.clear()

    async def wait(self, clock: Clock, seconds: float | None) -> None:
        """Wait for a ring, at most so long; ``None``: as long as it takes."""
        if self._event.is_set():
            return
        if seconds is None:
            await self._event.wait()
            return
        ring = asyncio.ensure_future(self._event.wait())
        timer = asyncio.ensure_future(clock.sleep(max(0.0, seconds)))
        try:
            await asyncio.wait((ring, timer), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ring.cancel()
            timer.cancel()
