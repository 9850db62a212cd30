"""A route that counts what becomes of the recipients: the worker's progress."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from postroad.message.envelope import MailObject
from postroad.outbox.settle import was_tried
from postroad.outcome import Result, SendReport
from postroad.transport.contract import BeforeCommit, Transport
from postroad.transport.over import OverTransport


@dataclass(slots=True)
class Tally:
    """Recipients so far: the next hop took them, refused them for now or for good, or did not answer."""

    sent: int = 0
    deferred: int = 0
    refused: int = 0
    unknown: int = 0

    def add(self, report: SendReport) -> None:
        """Count a report; who was not tried is back in the queue, untouched, and is counted when it is."""
        for outcome in filter(was_tried, report.outcomes):
            if outcome.result is Result.ACCEPTED:
                self.sent += 1
            elif outcome.result is Result.UNKNOWN:
                self.unknown += 1
            elif outcome.temporary:
                self.deferred += 1
            else:
                self.refused += 1

    def as_dict(self) -> dict[str, Any]:
        """The numbers as JSON types."""
        return {"sent": self.sent, "deferred": self.deferred, "refused": self.refused, "unknown": self.unknown}

    def __str__(self) -> str:
        return ", ".join(f"{name} {count}" for name, count in self.as_dict().items())


class CountedTransport(OverTransport):
    """Another transport, with each of its reports counted."""

    def __init__(self, transport: Transport, tally: Tally, on_change: Callable[[], object]) -> None:
        super().__init__(transport)
        self._tally = tally
        self._on_change = on_change

    def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> Awaitable[SendReport]:
        return self._counted(self.inner.deliver(mail, before_commit=before_commit))

    async def _counted(self, pending: Awaitable[SendReport]) -> SendReport:
        report = await pending
        self._tally.add(report)
        self._on_change()
        return report
