"""Sleeps that are called off together: whoever closes lets nobody begin anything when he wakes up later."""

import asyncio

from postroad.clock import Clock


class Naps:
    """Belongs to one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._under_way: set[asyncio.Future[None]] = set()

    async def rested(self, seconds: float) -> bool:
        """Sleep; false where that was called off."""
        nap = asyncio.ensure_future(self._clock.sleep(seconds))
        self._under_way.add(nap)
        try:
            await asyncio.wait([nap])
        finally:
            self._under_way.discard(nap)
            nap.cancel()
        return not nap.cancelled()

    def call_off(self) -> None:
        """Everybody wakes up now."""
        for nap in self._under_way:
            nap.cancel()
