"""``memory://`` keeps messages in a list, ``null://`` forgets them."""

import threading

from postroad.message.envelope import MailObject
from postroad.outcome import SendReport
from postroad.transport.contract import Ability, BeforeCommit, CheckReport
from postroad.transport.settled import accepted, taken_back


class MemoryTransport:
    """Keeps every message, for tests. ``messages`` grows in order of delivery; usable from every loop and thread."""

    abilities = frozenset({Ability.SEPARATE_ENVELOPE})
    name = "memory://"
    concurrency = 16
    max_size = None

    def __init__(self) -> None:
        self.messages: list[MailObject] = []
        self._lock = threading.Lock()

    async def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> SendReport:
        if (report := await taken_back(mail, before_commit)) is not None:
            return report
        with self._lock:
            self.messages.append(mail)
        return accepted(mail)

    async def check(self) -> CheckReport:
        return CheckReport(self.name, ("messages are kept in this process",))

    async def aclose(self) -> None:
        """Nothing to release; the messages stay."""


class NullTransport:
    """Accepts everything and keeps nothing."""

    abilities = frozenset({Ability.SEPARATE_ENVELOPE})
    name = "null://"
    concurrency = 64
    max_size = None

    async def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> SendReport:
        report = await taken_back(mail, before_commit)
        return accepted(mail) if report is None else report

    async def check(self) -> CheckReport:
        return CheckReport(self.name, ("messages go nowhere",))

    async def aclose(self) -> None:
        """Nothing to release."""
