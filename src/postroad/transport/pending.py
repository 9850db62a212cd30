"""What passes between a transport and its caller without a turn of the event loop: a report, and leave to go on.

On a busy connection every turn of the loop costs a system call; these two save most of them.
"""

import asyncio
from collections.abc import Callable, Generator
from typing import Any, Self

from postroad.outcome import SendReport


class Pending(asyncio.Future[SendReport]):
    """A report to come. ``on_told`` hears of the end, whatever it is, in the turn of the loop in which it comes.

    ``index`` is what the caller wants to find in the report.
    """

    on_told: Callable[[Self], object] | None = None
    index: int = 0

    def tell(self, report: SendReport) -> None:
        """The report is there."""
        if not self.done():
            self.set_result(report)
            self._told()

    def set_exception(self, exception: type[BaseException] | BaseException, /) -> None:
        super().set_exception(exception)
        self._told()

    def cancel(self, msg: Any | None = None) -> bool:
        cancelled = super().cancel(msg)
        if cancelled:
            self._told()
        return cancelled

    def _told(self) -> None:
        if self.on_told is not None:
            on_told, self.on_told = self.on_told, None
            on_told(self)


class Decided:
    """An answer of ``before_commit`` that needs no waiting: awaiting it gives it at once."""

    __slots__ = ("may_go",)

    def __init__(self, may_go: bool) -> None:
        self.may_go = may_go

    def __await__(self) -> Generator[None, None, bool]:
        yield from ()
        return self.may_go
