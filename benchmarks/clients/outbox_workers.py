"""Several workers, each in a process of its own, that share an outbox on a server."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.synchronize import Event
from time import perf_counter, sleep

from benchmarks.letter import HTML, RECIPIENT, SENDER, SUBJECT, TEXT
from postroad import AsyncOutbox, Email, Outbox
from tests.peers.endpoint import Endpoint

LOOK = 0.01  # seconds between two looks at what is left
START_PATIENCE = 30.0  # seconds
LETTERS_AT_ONCE = 64

_SPAWN = multiprocessing.get_context("spawn")


def deliver(url: str, sink: Endpoint, count: int, *, workers: int, connections: int) -> float:
    """The seconds from letting go of ``count`` queued messages until all are recorded as sent."""
    with Outbox(url) as outbox, ExitStack() as running:
        domain = RECIPIENT.rpartition("@")[2].rstrip(">")
        outbox.pause(domain=domain, why="the workers are not there yet")
        asyncio.run(_enqueue(url, count))
        for _ in range(workers):
            running.enter_context(_worker(url, f"smtp+insecure://{sink}?pool={connections}"))
        outbox.resume(domain=domain)
        started = perf_counter()
        while outbox.stats().states["sent"] < count:
            sleep(LOOK)
        return perf_counter() - started


async def _enqueue(url: str, count: int) -> None:
    email = Email(from_=SENDER, to=RECIPIENT, subject=SUBJECT, text=TEXT, html=HTML)
    async with AsyncOutbox(url) as outbox:
        for start in range(0, count, LETTERS_AT_ONCE):
            await asyncio.gather(*(outbox.send(email) for _ in range(start, min(count, start + LETTERS_AT_ONCE))))


@contextmanager
def _worker(url: str, route: str) -> Iterator[None]:
    ready, over = _SPAWN.Event(), _SPAWN.Event()
    process = _SPAWN.Process(target=_work, args=(url, route, ready, over), daemon=True)
    process.start()
    try:
        if not ready.wait(START_PATIENCE):
            raise TimeoutError("a worker did not start")
        yield
    finally:
        over.set()
        process.join()


def _work(url: str, route: str, ready: Event, over: Event) -> None:
    with Outbox(url) as outbox, outbox.worker(route):
        ready.set()
        over.wait()
