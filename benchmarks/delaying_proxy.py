"""A TCP proxy in a process of its own that holds every byte back for a while: a long wire, on one machine."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from tests.peers.endpoint import LOOPBACK, Endpoint

CHUNK = 65_536  # octets read at once
START_PATIENCE = 10.0  # seconds

_SPAWN = multiprocessing.get_context("spawn")


@contextmanager
def delaying_proxy(target: Endpoint, round_trip: float) -> Iterator[Endpoint]:
    """An endpoint that leads to ``target``, ``round_trip`` seconds away."""
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_serve, args=(target, round_trip / 2, theirs), daemon=True)
    process.start()
    try:
        if not ours.poll(START_PATIENCE):
            raise TimeoutError("the proxy did not start")
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _serve(target: Endpoint, delay: float, parent: Connection) -> None:
    asyncio.run(_serve_for_ever(target, delay, parent))


async def _serve_for_ever(target: Endpoint, delay: float, parent: Connection) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*target)
        await asyncio.gather(_carry(reader, far_writer, delay), _carry(far_reader, writer, delay))

    server = await asyncio.start_server(handle, LOOPBACK, 0)
    parent.send(Endpoint(LOOPBACK, server.sockets[0].getsockname()[1]))
    await server.serve_forever()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Read at once, write later: many chunks may be under way, as on a real wire."""
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def read() -> None:
        while chunk := await reader.read(CHUNK):
            under_way.put_nowait((loop.time() + delay, chunk))
        under_way.put_nowait((loop.time() + delay, b""))

    async def write() -> None:
        while True:
            due, chunk = await under_way.get()
            await asyncio.sleep(due - loop.time())
            if not chunk:
                break
            writer.write(chunk)
        writer.close()

    await asyncio.gather(read(), write())
