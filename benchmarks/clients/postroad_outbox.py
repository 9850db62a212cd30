"""Our outbox: from the first message enqueued to the last one recorded as sent."""

import asyncio
import tempfile
from time import perf_counter

from benchmarks.letter import HTML, RECIPIENT, SENDER, SUBJECT, TEXT
from postroad import AsyncOutbox, Email
from tests.peers.endpoint import Endpoint

LOOK = 0.02  # seconds between two looks at what is left


def relay(sink: Endpoint, count: int, connections: int) -> float:
    """On SQLite in a fresh folder; ``connections`` callers enqueue at once, each waits for its receipt."""
    with tempfile.TemporaryDirectory(prefix="outbox-") as folder:
        return relay_in(f"sqlite:///{folder}/outbox.db", sink, count, connections)


def relay_in(database: str, sink: Endpoint, count: int, connections: int) -> float:
    """As ``relay``, in the fresh outbox at this URL."""
    return asyncio.run(_relay(database, f"smtp+insecure://{sink}?pool={connections}", count, connections))


async def _relay(database: str, route: str, count: int, callers: int) -> float:
    emails = [Email(from_=SENDER, to=RECIPIENT, subject=SUBJECT, text=TEXT, html=HTML) for _ in range(count)]
    async with AsyncOutbox(database) as outbox, outbox.worker(route):
        started = perf_counter()
        await asyncio.gather(*(_enqueue(outbox, emails[caller::callers]) for caller in range(callers)))
        while (await outbox.stats()).states["sent"] < count:  # noqa: ASYNC110 - no event tells of the last record
            await asyncio.sleep(LOOK)
        return perf_counter() - started


async def _enqueue(outbox: AsyncOutbox, emails: list[Email]) -> None:
    for email in emails:
        await outbox.send(email)
