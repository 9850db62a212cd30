"""What passes between a transport and its caller without a turn of the event loop: a report, and leave to go on."""

from collections.abc import Generator

from postroad.net.prompt_future import PromptFuture
from postroad.outcome import SendReport


class Pending(PromptFuture[SendReport]):
    """A report to come. ``index`` is what the caller wants to find in it."""

    index: int = 0

    def tell(self, report: SendReport) -> None:
        """The report is there."""
        if not self.done():
            self.set_result(report)


class Decided:
    """An answer of ``before_commit`` that needs no waiting: awaiting it gives it at once."""

    __slots__ = ("may_go",)

    def __init__(self, may_go: bool) -> None:
        self.may_go = may_go

    def __await__(self) -> Generator[None, None, bool]:
        yield from ()
        return self.may_go
