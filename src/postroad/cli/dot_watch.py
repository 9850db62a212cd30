"""A route that knows whether a message may have gone: for whoever interrupts a command."""

from collections.abc import Awaitable

from postroad.address import Address
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport
from postroad.transport.contract import BeforeCommit, Transport
from postroad.transport.over import OverTransport


class DotWatch(OverTransport):
    """Another transport; ``in_doubt`` holds from the final dot of a message to the report that has its answer."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.in_doubt = False

    def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> Awaitable[SendReport]:
        return self._watched(mail, before_commit)

    async def _watched(self, mail: MailObject, before_commit: BeforeCommit | None) -> SendReport:
        async def noted(recipients: tuple[Address, ...]) -> bool:
            may_go = before_commit is None or await before_commit(recipients)
            self.in_doubt |= may_go
            return may_go

        report = await self.inner.deliver(mail, before_commit=noted)
        self.in_doubt = False
        return report
