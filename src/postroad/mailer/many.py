"""Many messages with bounded look-ahead: what ``send_many`` is made of, on both faces.

A ``Sending`` is fed with composed messages and hands back reports in order of completion. It belongs to the mailer's
loop.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from postroad.clock import Clock
from postroad.errors import MessageError, PostroadError
from postroad.mailer.compose import Sendable
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport, failed
from postroad.transport.contract import BeforeCommit
from postroad.transport.pending import Decided, Pending

# Messages under way beyond what the transport works on: enough that a blocking caller's hop to the loop carries many.
MESSAGES_AHEAD: Final = 64
OCTETS_AHEAD: Final = 32_000_000  # of content held at once, so that large attachments do not fill the memory
HAND_BACK_AFTER: Final = 0.05  # seconds that reports may wait while a slow iterable is read by a blocking caller

REPORTS_TOGETHER: Final = 0.001  # seconds that a report may wait for others, so that one waking serves many

Deliver = Callable[[MailObject, BeforeCommit], "asyncio.Future[SendReport]"]
Ended = Callable[["asyncio.Future[SendReport]"], None]
Again = Callable[[MailObject, SendReport, BeforeCommit], "asyncio.Future[SendReport] | None"]


@dataclass(slots=True)
class Numbered:
    """A message with its place in the caller's sequence, or the error that kept it from becoming one."""

    index: int
    mail: MailObject | MessageError

    @property
    def octets(self) -> int:
        return 0 if isinstance(self.mail, MessageError) else len(self.mail.content)


class Sending:
    """Messages under way. ``window`` bounds how many.

    ``deliver`` makes the first try; ``again`` is asked with its report and goes on trying where that can help, so that
    the many messages which need no second try cost no task.
    """

    def __init__(self, deliver: Deliver, again: Again, window: int, clock: Clock) -> None:
        self.window = window
        self._clock = clock
        self.octets = 0  # of content under way
        self._deliver = deliver
        self._again = again
        self._pending: dict[asyncio.Future[SendReport], Numbered] = {}
        self._committed: set[int] = set()
        self._done: list[tuple[asyncio.Future[SendReport], Numbered]] = []
        self._refused: list[SendReport] = []
        self._stirred: asyncio.Future[None] | None = None
        self._waking: asyncio.TimerHandle | None = None
        self._leaving = False

    @property
    def under_way(self) -> int:
        """Messages without a report that was handed back."""
        return len(self._pending) + len(self._done) + len(self._refused)

    @property
    def has_room(self) -> bool:
        """Another message may be added now."""
        return self.under_way < self.window and self.octets < OCTETS_AHEAD

    def draw(
        self, source: Iterator[tuple[int, Sendable]], number: Callable[[int, Sendable], Numbered]
    ) -> Iterator[Numbered]:
        """As many of the next messages as there is room for, composed in the caller's thread; none is added yet.

        Fewer, where the source is so slow that reports would wait for it.
        """
        room, octets, started = self.window - self.under_way, self.octets, self._clock.monotonic()
        while room > 0 and octets < OCTETS_AHEAD:
            following = next(source, None)
            if following is None:
                return
            numbered = number(*following)
            yield numbered
            room, octets = room - 1, octets + numbered.octets
            if self.has_reports and self._clock.monotonic() - started > HAND_BACK_AFTER:
                return

    def add(self, numbered: Numbered) -> None:
        """Begin to send a message."""
        if isinstance(numbered.mail, MessageError):
            # It never became a message: no recipients are known, only the error.
            self._refused.append(SendReport((), index=numbered.index, error=numbered.mail))
            self._stir()
            return
        self.octets += len(numbered.mail.content)
        try:
            future = self._deliver(numbered.mail, self._commit_rule(numbered.index))
        except Exception as fault:  # noqa: BLE001 - it is this message's, and told in its turn
            future = asyncio.get_running_loop().create_future()
            future.set_exception(fault)
        self._follow(future, numbered, self._first_try_ended)

    def _follow(self, future: "asyncio.Future[SendReport]", numbered: Numbered, ended: Ended) -> None:
        self._pending[future] = numbered
        if isinstance(future, Pending) and not future.done():
            future.index, future.on_told = numbered.index, ended
        else:
            future.add_done_callback(ended)

    def _commit_rule(self, index: int) -> BeforeCommit:
        def before_commit(_recipients: object) -> Decided:
            if not self._leaving:
                self._committed.add(index)
            return Decided(not self._leaving)

        return before_commit

    def _first_try_ended(self, future: "asyncio.Future[SendReport]") -> None:
        if self._leaving or future.cancelled() or future.exception() is not None or future.result().all_accepted:
            self._ended(future)
            return
        numbered = self._pending[future]
        assert isinstance(numbered.mail, MailObject)
        self._committed.discard(numbered.index)
        more = self._again(numbered.mail, future.result(), self._commit_rule(numbered.index))
        if more is None:
            self._ended(future)
        else:
            del self._pending[future]
            self._follow(more, numbered, self._ended)

    def _ended(self, future: "asyncio.Future[SendReport]") -> None:
        numbered = self._pending.pop(future)
        self.octets -= numbered.octets
        self._committed.discard(numbered.index)
        if not future.cancelled():
            self._done.append((future, numbered))
        self._stir()

    def _stir(self, _: object = None) -> None:
        """Wake whoever waits for reports: at once where there is nothing else to wait for, or with some others."""
        if self._stirred is None or self._stirred.done():
            return
        if not self._pending or self._refused or len(self._done) * 4 >= self.window:
            self._wake()
        elif self._waking is None:
            self._waking = asyncio.get_running_loop().call_later(REPORTS_TOGETHER, self._wake)

    def _wake(self, _: object = None) -> None:
        if self._waking is not None:
            self._waking.cancel()
            self._waking = None
        if self._stirred is not None and not self._stirred.done():
            self._stirred.set_result(None)

    @property
    def has_reports(self) -> bool:
        """``completed`` would not wait."""
        return bool(self._done or self._refused)

    async def something(self, source: "asyncio.Future[object] | None") -> None:
        """Wait for a report, or for the next message where the source is asked for one."""
        if self.has_reports or not (self._pending or source):
            return
        self._stirred = asyncio.get_running_loop().create_future()
        if source is not None:
            source.add_done_callback(self._wake)
        try:
            await self._stirred
        finally:
            if source is not None:
                source.remove_done_callback(self._wake)

    async def completed(self) -> list[SendReport]:
        """The reports that are there, waiting for one if there is none; empty when nothing is under way."""
        while self._pending and not self.has_reports:
            await self.something(None)
        return self.reports()

    def reports(self) -> list[SendReport]:
        """The reports that are there."""
        done, self._done = self._done, []
        refused, self._refused = self._refused, []
        return refused + [_numbered_report(future, numbered) for future, numbered in done]

    def drop(self) -> None:
        """The caller was cancelled: everything ends at once."""
        self._leaving = True
        for future in list(self._pending):
            future.cancel()

    async def leave(self) -> None:
        """The caller goes early: final dots that went out get their answer, the rest is dropped unsent."""
        self._leaving = True
        for future, numbered in list(self._pending.items()):
            if numbered.index not in self._committed:
                future.cancel()
        await asyncio.gather(*self._pending, return_exceptions=True)


def _numbered_report(future: asyncio.Future[SendReport], numbered: Numbered) -> SendReport:
    """The report, also of a message that this route cannot carry at all; a bug is passed on."""
    fault = future.exception()
    if isinstance(fault, PostroadError) and not isinstance(numbered.mail, MessageError):
        return replace(failed(numbered.mail.envelope.recipients, fault), index=numbered.index)
    report = future.result()
    return report if report.index == numbered.index else replace(report, index=numbered.index)
