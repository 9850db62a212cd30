"""A server in a process of its own that counts what it has taken, so that no client is believed on his word."""

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TypeAlias

from tests.peers.endpoint import LOOPBACK, Endpoint

START_PATIENCE = 10.0  # seconds

_SPAWN = multiprocessing.get_context("spawn")


class Count:
    """Messages taken, and the octets of the last one."""

    def __init__(self) -> None:
        self.messages = 0
        self.octets = 0

    def add(self, content: bytes | str) -> None:
        self.messages += 1
        self.octets = len(content)


Start: TypeAlias = Callable[[str, Count], Awaitable[int]]
"""Listens on that host, tells the count of each message, and returns the port; lasts as long as its event loop."""


@dataclass(frozen=True, slots=True)
class Served:
    """A running server, seen from the bench."""

    smtp: Endpoint
    _pipe: Connection

    def received(self) -> int:
        """How many messages it has taken so far."""
        self._pipe.send("count")
        taken: int = self._pipe.recv()
        return taken


@contextmanager
def served(start: Start) -> Iterator[Served]:
    """The server that ``start``, a function of a module, starts in the other process."""
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_serve, args=(start, theirs), daemon=True)
    process.start()
    try:
        if not ours.poll(START_PATIENCE):
            raise TimeoutError(f"{start.__module__} did not start")
        yield Served(ours.recv(), ours)
    finally:
        process.terminate()
        process.join()


def _serve(start: Start, parent: Connection) -> None:
    asyncio.run(_serve_for_ever(start, parent))


async def _serve_for_ever(start: Start, parent: Connection) -> None:
    count = Count()
    parent.send(Endpoint(LOOPBACK, await start(LOOPBACK, count)))

    def tell() -> None:
        parent.recv()
        parent.send(count.messages)

    asyncio.get_running_loop().add_reader(parent.fileno(), tell)
    await asyncio.Event().wait()
