"""Us."""

import asyncio
from time import perf_counter

from benchmarks.letter import ENVELOPE_SENDER, RECIPIENT, rendered
from postroad import AsyncMailer, Mailer, RawMessage
from tests.peers.endpoint import Endpoint


def send_many(endpoint: Endpoint, count: int, connections: int) -> float:
    return asyncio.run(_send_many(_url(endpoint, connections), _letters(count)))


def send_one_by_one(endpoint: Endpoint, count: int) -> float:
    """The blocking face, one call a message."""
    letters = _letters(count)
    started = perf_counter()
    with Mailer(_url(endpoint, 1)) as mailer:
        for letter in letters:
            mailer.send(letter)
    return perf_counter() - started


async def _send_many(url: str, letters: list[RawMessage]) -> float:
    started = perf_counter()
    async with AsyncMailer(url) as mailer:
        async for report in mailer.send_many(letters):
            if report.error is not None:
                raise report.error
    return perf_counter() - started


def _letters(count: int) -> list[RawMessage]:
    """Each its own object: nothing that is worked out for one message may serve the next."""
    letter = rendered()
    return [RawMessage(letter, envelope_from=ENVELOPE_SENDER, recipients=[RECIPIENT]) for _ in range(count)]


def _url(endpoint: Endpoint, connections: int) -> str:
    # The others keep a connection for as long as they like, too.
    return f"smtp+insecure://{endpoint}?pool={connections}&messages=1000000"
