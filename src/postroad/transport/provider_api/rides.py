"""Messages on their way to a provider: as many requests at once as there are connections, and together in one where
the provider takes that. What waits while all connections are busy goes together next.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from postroad.errors import Abandoned
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport, failed
from postroad.providers.contract import Document
from postroad.reply import Phase

MAX_OCTETS: Final = 40_000_000  # of content in one request; Postmark takes 50 MB, and JSON adds to it


@dataclass(slots=True, eq=False)
class Ride:
    """A message that waits for its request, and its report to come. ``alone``: it shares no request."""

    mail: MailObject
    document: Document
    alone: bool
    report: "asyncio.Future[SendReport]" = field(repr=False)


Carry = Callable[[tuple[Ride, ...]], Awaitable[tuple[SendReport, ...]]]
"""Sends one request for these messages, and tells what became of each."""


class Rides:
    """Belongs to one event loop. ``connections`` bounds the requests under way, ``together`` the messages in one."""

    def __init__(self, carry: Carry, *, connections: int, together: int) -> None:
        self._carry = carry
        self._connections = connections
        self._together = together
        self._waiting: deque[Ride] = deque()
        self._under_way: set[asyncio.Task[None]] = set()

    async def take(self, mail: MailObject, document: Document, *, alone: bool) -> SendReport:
        """Wait for the message's report."""
        loop = asyncio.get_running_loop()
        ride = Ride(mail, document, alone, loop.create_future())
        self._waiting.append(ride)
        loop.call_soon(self._leave)  # the others of this round of the event loop go with it
        return await ride.report

    def _leave(self, _: object = None) -> None:
        while self._waiting and len(self._under_way) < self._connections:
            if rides := self._next():
                self._set_off(rides)

    def _next(self) -> tuple[Ride, ...]:
        chosen: list[Ride] = []
        octets = 0
        while self._waiting and len(chosen) < self._together:
            ride = self._waiting[0]
            octets += len(ride.mail.content)
            if chosen and (ride.alone or octets > MAX_OCTETS):
                break
            self._waiting.popleft()
            if not ride.report.done():  # its caller may have gone
                chosen.append(ride)
                if ride.alone:
                    break
        return tuple(chosen)

    def _set_off(self, rides: tuple[Ride, ...]) -> None:
        task = asyncio.ensure_future(self._go(rides))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        task.add_done_callback(self._leave)
        for ride in rides:
            ride.report.add_done_callback(lambda _: _end_unwanted(task, rides))

    async def _go(self, rides: tuple[Ride, ...]) -> None:
        try:
            reports = await self._carry(rides)
        except BaseException as fault:
            for ride in rides:
                if not ride.report.done():
                    ride.report.set_exception(fault) if isinstance(fault, Exception) else ride.report.cancel()
            if not isinstance(fault, Exception):
                raise
            return
        for ride, report in zip(rides, reports, strict=True):
            if not ride.report.done():
                ride.report.set_result(report)

    async def finish(self) -> None:
        """Let what is under way end; what still waits is dropped."""
        while self._waiting:
            ride = self._waiting.popleft()
            if not ride.report.done():
                closed = Abandoned("the transport was closed before this message was sent", phase=Phase.POOL)
                ride.report.set_result(failed(ride.mail.envelope.recipients, closed))
        await asyncio.gather(*self._under_way, return_exceptions=True)


def _end_unwanted(task: "asyncio.Task[None]", rides: tuple[Ride, ...]) -> None:
    """A request whose callers have all gone ends, and its connection with it."""
    if all(ride.report.cancelled() for ride in rides):
        task.cancel()
