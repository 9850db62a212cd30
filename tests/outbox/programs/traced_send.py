"""Queue one message and deliver it, saying on standard output what has happened. Argument: the outbox's URL."""

import os
import sys

from postroad import Email, Outbox
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport
from postroad.transport.contract import BeforeCommit
from postroad.transport.to_memory import MemoryTransport


class Speaking(MemoryTransport):
    """Says when it is about to ask for its flight record, and when it has it."""

    async def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> SendReport:
        assert before_commit is not None
        os.write(1, b"ASKING\n")
        assert await before_commit(mail.envelope.recipients)
        os.write(1, b"DOT\n")
        return await super().deliver(mail)


def main(url: str) -> None:
    with Outbox(url) as outbox:
        os.write(1, b"SENDING\n")
        outbox.send(Email(from_="shop@a.example", to="bob@b.example", text="hello"))
        os.write(1, b"RECEIPT\n")
        outbox.worker(Speaking()).drain()
        assert outbox.stats().states["sent"] == 1
    os.write(1, b"END\n")


main(*sys.argv[1:])
