"""A route that is itself at fault rests, and is tried again every five minutes.

Wrong credentials, an untrusted certificate or a missing setting are nobody's outcome: no attempt is spent on them, and
nothing is tried meanwhile, because accounts get locked that way.
"""

import asyncio
from typing import Final

from postroad.clock import Clock
from postroad.database.database import Database
from postroad.errors import PostroadError
from postroad.log import logger
from postroad.outbox.settle import route_answered, route_fault
from postroad.outbox.suspend import RouteSuspended, resume_route, suspend_route
from postroad.outcome import SendReport

_log = logger("outbox")

REST: Final = 300.0  # seconds


class RouteRest:
    """Whether the route of one worker may be used. ``fault`` is what was wrong when it was last used."""

    def __init__(self, database: Database, name: str, clock: Clock) -> None:
        self.fault: PostroadError | None = None
        self._database = database
        self._name = name
        self._clock = clock
        self._until = 0.0  # seconds since the epoch

    @property
    def resting(self) -> bool:
        """Nothing may be tried now."""
        return self.fault is not None and self._clock.now() < self._until

    def hear(self, report: SendReport) -> bool:
        """Learn from a report; whether the route begins to rest with it."""
        fault = route_fault(report)
        if fault is not None and not self.resting:
            self._begin(fault)
            return True
        if fault is None and self.fault is not None and not self.resting and route_answered(report):
            self._end()
        return False

    def _begin(self, fault: PostroadError) -> None:
        now = self._clock.now()
        self.fault, self._until = fault, now + REST
        suspended = RouteSuspended(self._name, now, self._until, f"{fault.slug}: {fault.message}")
        _note(self._database.submit(suspend_route, suspended))
        _log.error("the route %s rests for %d s: %s. %s", self._name, REST, fault.message, fault.advice)

    def _end(self) -> None:
        self.fault = None
        _note(self._database.submit(resume_route, self._name))
        _log.info("the route %s works again", self._name)


def _note(written: "asyncio.Future[None]") -> None:
    """A row for people; if it cannot be written, the log has said the same."""
    written.add_done_callback(lambda done: done.cancelled() or done.exception())
