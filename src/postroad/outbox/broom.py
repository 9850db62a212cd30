"""Sweeps out what is over, a little at a time, while a worker works."""

from datetime import timedelta
from typing import Final

from postroad.clock import Clock
from postroad.database.database import Database
from postroad.database.group import Work
from postroad.errors import PostroadError
from postroad.log import logger
from postroad.outbox.overdue import forget_past
from postroad.outbox.retention import Retention, Sweep, forget_contents, forget_messages

_log = logger("outbox")

SWEEP_EVERY: Final = 600.0  # seconds
REST: Final = 0.1  # seconds between batches, for those who have mail to write


class Broom:
    """Keeps to a ``Retention``."""

    def __init__(self, database: Database, retention: Retention, clock: Clock) -> None:
        self._database = database
        self._retention = retention
        self._clock = clock

    async def sweep(self) -> None:
        """Sweep at once and then every ten minutes; cancel it to end it."""
        while True:
            try:
                await self._database.submit(forget_past, self._clock.now())
                await self._all(forget_messages, self._retention.metadata)
                await self._all(forget_contents, self._retention.content)
            except PostroadError as fault:  # also where a server that came back is set otherwise
                _log.error("what is over could not be swept out: %s", fault)
            await self._clock.sleep(SWEEP_EVERY)

    async def _all(self, forget: Work[Sweep, str | None], kept: timedelta | None) -> None:
        if kept is None:
            return
        before = self._clock.now() - kept.total_seconds()
        after = await self._database.submit(forget, Sweep("", before))
        while after is not None:
            await self._clock.sleep(REST)
            after = await self._database.submit(forget, Sweep(after, before))
