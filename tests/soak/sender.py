"""Sends many messages through five connections and writes down, recipient by recipient, what it was told.

A program, so that its memory is its own. Arguments: the server's port and control port, the seed, how many messages,
the file for the results (JSON lines: one a message, and a last one with the memory after each wave).
"""

import asyncio
import gc
import json
import os
import random  # noqa: TID251 - seeded, so that what was sent is sent again
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from postroad import AsyncMailer, PostroadError, RawMessage
from postroad.net.tls import Tls
from postroad.outcome import SendReport
from postroad.retry import Schedule
from postroad.transport.smtp.settings import PoolLimits, Smtp, Timeouts
from tests.soak.misfortune import PATIENCE

WAVE = 250  # messages between two moments at which everything is idle
CONNECTIONS = 5
LARGE = 600_000  # octets: more than two blocks, so that a server can speak in the middle
AT_ONCE = Schedule((0.0, 0.0), jitter=0.0)


@dataclass
class Control:
    """The server's other door."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def order(self, word: bytes) -> None:
        self.writer.write(word + b"\n")
        await self.reader.readline()


class Sender:
    def __init__(self, port: int, seed: int, results: TextIO) -> None:
        self._random = random.Random(seed)
        self._results = results
        timeouts = Timeouts(greeting=PATIENCE, command=PATIENCE, data=PATIENCE, block=PATIENCE, dot=PATIENCE, quit=0.1)
        limits = PoolLimits(connections=CONNECTIONS, messages=300)
        self._account = Smtp("127.0.0.1", port, tls=Tls.NONE, limits=limits, timeouts=timeouts)
        self.mailer = AsyncMailer(self._account, retry=None)
        self.retrying = AsyncMailer(self.mailer.transport, retry=AT_ONCE)

    def _message(self, number: int) -> RawMessage:
        recipients = [f"r{one}.{number}@b.example" for one in range(self._random.choice((1, 1, 1, 2, 3, 5)))]
        text = "." + "x" * 70 + "\r\n"
        size = LARGE if self._random.random() < 0.005 else self._random.randrange(2_000)
        body = text * (1 + size // len(text))
        raw = f"From: a@a.example\r\nX-Marker: {number}\r\n\r\n{body}the end\r\n".encode()
        return RawMessage(raw, envelope_from=f"s.{number}@a.example", recipients=recipients)

    def _write_down(self, message: RawMessage, report: SendReport | None) -> None:
        told = {} if report is None else {"attempts": report.attempts, "error": type(report.error).__name__}
        outcomes = [
            [one.recipient.addr_spec, str(one.result), str(one.reply) if one.reply else None]
            for one in (() if report is None else report.outcomes)
        ]
        recipients = [recipient.addr_spec for recipient in message.recipients]
        print(json.dumps({"recipients": recipients, "outcomes": outcomes, **told}), file=self._results)

    async def send_together(self, numbers: range) -> None:
        """By ``send_many``, each tried once."""
        messages: dict[int, RawMessage] = {}

        def drawn() -> Iterator[RawMessage]:
            for index, number in enumerate(numbers):
                messages[index] = self._message(number)
                yield messages[index]

        async for report in self.mailer.send_many(drawn()):
            self._write_down(messages.pop(report.index), report)
        assert not messages, "a message without a report"

    async def send_each(self, numbers: range) -> None:
        """By ``send``, tried again where that cannot double; some callers go away meanwhile."""
        async with asyncio.TaskGroup() as group:
            for number in numbers:
                task = group.create_task(self._send_one(self._message(number)))
                if self._random.random() < 0.03:
                    asyncio.get_running_loop().call_later(self._random.uniform(0, 0.2), task.cancel)

    async def _send_one(self, message: RawMessage) -> None:
        report: SendReport | None = None
        try:
            report = await self.retrying.send(message)
        except PostroadError as error:
            report = error.report
            assert report is not None
            error.report = None  # the two hold each other
        finally:
            self._write_down(message, report)


def in_use() -> dict[str, int]:
    """What this process holds: objects of Python, memory, files, tasks."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "blocks": sys.getallocatedblocks(),
        "resident": pages * os.sysconf("SC_PAGE_SIZE"),
        "files": len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - counted at once
        "tasks": len(asyncio.all_tasks()),
    }


async def main(port: int, control_port: int, seed: int, count: int, results: Path) -> None:
    with results.open("w") as file:
        sender = Sender(port, seed, file)
        control = Control(*await asyncio.open_connection("127.0.0.1", control_port))
        memory = []
        for wave, start in enumerate(range(0, count, WAVE)):
            numbers = range(start, min(start + WAVE, count))
            await (sender.send_each(numbers) if wave % 2 else sender.send_together(numbers))
            if wave % 2:
                await sender.mailer.aclose()  # what is left then is left for ever
                memory.append(in_use())
            else:
                await control.order(b"idle")
        await sender.mailer.aclose()
        with suppress(OSError):
            control.writer.close()
        print(json.dumps({"memory": memory, "tasks_left": len(asyncio.all_tasks()) - 1}), file=file)


if __name__ == "__main__":
    port, control_port, seed, count, file = sys.argv[1:]
    asyncio.run(main(int(port), int(control_port), int(seed), int(count), Path(file)))
