"""aiosmtplib."""

import asyncio
from time import perf_counter

import aiosmtplib

from benchmarks.letter import ENVELOPE_SENDER, RECIPIENT, rendered
from tests.peers.endpoint import Endpoint


def send(endpoint: Endpoint, count: int, connections: int) -> float:
    return asyncio.run(_send(endpoint, count, connections))


async def _send(endpoint: Endpoint, count: int, connections: int) -> float:
    letter = rendered()
    started = perf_counter()
    await asyncio.gather(*(_send_share(endpoint, letter, count // connections) for _ in range(connections)))
    return perf_counter() - started


async def _send_share(endpoint: Endpoint, letter: bytes, count: int) -> None:
    client = aiosmtplib.SMTP(hostname=endpoint.host, port=endpoint.port, local_hostname="bench.test", start_tls=False)
    async with client:
        for _ in range(count):
            await client.sendmail(ENVELOPE_SENDER, RECIPIENT, letter)
