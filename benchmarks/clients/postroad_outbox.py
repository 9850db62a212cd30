"""Our outbox: from the first message enqueued to the last one recorded as sent."""

import asyncio
import tempfile
from time import perf_counter

from benchmarks.letter import HTML, RECIPIENT, SENDER, SUBJECT, TEXT
from postroad import AsyncOutbox, Dkim, Email, Secret
from tests.peers.endpoint import Endpoint

LOOK = 0.02  # seconds between two looks at what is left


def relay(sink: Endpoint, count: int, connections: int) -> float:
    """On SQLite in a fresh folder; ``connections`` callers enqueue at once, each waits for its receipt."""
    with tempfile.TemporaryDirectory(prefix="outbox-") as folder:
        return relay_in(f"sqlite:///{folder}/outbox.db", sink, count, connections)


def relay_in(database: str, sink: Endpoint, count: int, connections: int) -> float:
    """As ``relay``, in the fresh outbox at this URL."""
    return asyncio.run(_relay(database, _route(sink, connections), count, connections))


def relay_signed(sink: Endpoint, count: int, connections: int, key: tuple[str, str, bytes]) -> float:
    """As ``relay``, signed; ``key`` is domain, selector and PEM."""
    domain, selector, pem = key
    dkim = Dkim(domain, selector, Secret(pem.decode()))
    with tempfile.TemporaryDirectory(prefix="outbox-") as folder:
        database = f"sqlite:///{folder}/outbox.db"
        return asyncio.run(_relay(database, _route(sink, connections), count, connections, dkim))


def _route(sink: Endpoint, connections: int) -> str:
    return f"smtp+insecure://{sink}?pool={connections}"


async def _relay(database: str, route: str, count: int, callers: int, dkim: Dkim | None = None) -> float:
    emails = [Email(from_=SENDER, to=RECIPIENT, subject=SUBJECT, text=TEXT, html=HTML) for _ in range(count)]
    async with AsyncOutbox(database) as outbox, outbox.worker(route, dkim=dkim):
        started = perf_counter()
        await asyncio.gather(*(_enqueue(outbox, emails[caller::callers]) for caller in range(callers)))
        while (await outbox.stats()).states["sent"] < count:  # noqa: ASYNC110 - no event tells of the last record
            await asyncio.sleep(LOOK)
        return perf_counter() - started


async def _enqueue(outbox: AsyncOutbox, emails: list[Email]) -> None:
    for email in emails:
        await outbox.send(email)
