"""Our outbox: from the first message enqueued to the last one recorded as sent.

What is enqueued was rendered before, as what smtp-source feeds the peers; ``composed`` renders each as it is enqueued.
"""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from time import perf_counter

from benchmarks.letter import ENVELOPE_SENDER, HTML, RECIPIENT, SENDER, SUBJECT, TEXT, rendered
from postroad import AsyncOutbox, Dkim, Email, RawMessage, Secret
from tests.peers.endpoint import Endpoint

LOOK = 0.02  # seconds between two looks at what is left


Messages = Sequence[Email | RawMessage]
Key = tuple[str, str, bytes]
"""Domain, selector and PEM."""


def ready(count: int) -> Messages:
    """The message as octets; each its own object, so that nothing worked out for one may serve the next."""
    letter = rendered()
    return [RawMessage(letter, envelope_from=ENVELOPE_SENDER, recipients=RECIPIENT) for _ in range(count)]


def composed(count: int) -> Messages:
    """Messages that are rendered when they are enqueued."""
    return [Email(from_=SENDER, to=RECIPIENT, subject=SUBJECT, text=TEXT, html=HTML) for _ in range(count)]


def relay(
    sink: Endpoint, count: int, connections: int, make: Callable[[int], Messages] = ready, key: Key | None = None
) -> float:
    """On SQLite in a fresh folder; ``connections`` callers enqueue at once, each waits for its receipt. Signed, where
    there is a key.
    """
    with tempfile.TemporaryDirectory(prefix="outbox-") as folder:
        database = f"sqlite:///{folder}/outbox.db"
        return asyncio.run(_relay(database, _route(sink, connections), make(count), connections, _dkim(key)))


def relay_in(database: str, sink: Endpoint, count: int, connections: int) -> float:
    """As ``relay``, in the fresh outbox at this URL."""
    return asyncio.run(_relay(database, _route(sink, connections), ready(count), connections))


def _route(sink: Endpoint, connections: int) -> str:
    return f"smtp+insecure://{sink}?pool={connections}"


def _dkim(key: Key | None) -> Dkim | None:
    return None if key is None else Dkim(key[0], key[1], Secret(key[2].decode()))


async def _relay(database: str, route: str, messages: Messages, callers: int, dkim: Dkim | None = None) -> float:
    async with AsyncOutbox(database) as outbox, outbox.worker(route, dkim=dkim):
        started = perf_counter()
        await asyncio.gather(*(_enqueue(outbox, messages[caller::callers]) for caller in range(callers)))
        while (await outbox.stats()).states["sent"] < len(messages):  # noqa: ASYNC110 - no event tells of the last record
            await asyncio.sleep(LOOK)
        return perf_counter() - started


async def _enqueue(outbox: AsyncOutbox, messages: Messages) -> None:
    for message in messages:
        await outbox.send(message)
