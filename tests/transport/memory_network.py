"""A network without a network: an event loop whose time is told, and connections that end in a server made of plain
methods, which answers only when it is asked to.

It stands in for asyncio and nothing else (``sock_connect``, ``create_connection``, transports), so that everything of
ours between a pool and its socket is the real thing.
"""

import asyncio
import selectors
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

from tests.transport.memory_server import MemoryServer

LONG = 1e9  # seconds: beyond every timer


class _Waits(selectors.SelectSelector):
    """Where a loop would wait for the world, time passes instead, as much as was granted."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self.granted = 0.0
        self.enough: Callable[[], None] = lambda: None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout == 0:
            return []
        if timeout is None or timeout > self.granted:
            self.now, self.granted = self.now + self.granted, 0.0
            self.enough()
        else:
            self.now, self.granted = self.now + timeout, self.granted - timeout
        return []


class SteppedLoop(asyncio.SelectorEventLoop):
    """``settle`` does everything that is due; ``advance`` lets time pass, timer by timer."""

    def __init__(self, new_server: Callable[[], MemoryServer]) -> None:
        self._waits = _Waits()
        super().__init__(self._waits)
        self._waits.enough = self.stop
        self._new_server = new_server
        self.dials: list[asyncio.Future[None]] = []
        self.servers: list[MemoryServer] = []
        self.faults: list[dict[str, Any]] = []
        self.set_exception_handler(lambda _, context: self.faults.append(context))

    def time(self) -> float:
        return self._waits.now

    def settle(self) -> None:
        self.run_forever()

    def advance(self, seconds: float) -> None:
        self._waits.granted = seconds
        self.run_forever()

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        dial = self.create_future()
        self.dials.append(dial)
        try:
            await dial
        finally:
            self.dials.remove(dial)

    async def create_connection(self, protocol_factory: Any, *_: Any, **arguments: Any) -> Any:
        protocol = protocol_factory()
        server = self._new_server()
        transport = MemoryTransport(self, protocol, server, arguments["sock"])
        self.servers.append(server)
        protocol.connection_made(transport)
        server.connected(transport)
        return transport, protocol

    async def start_tls(self, *_: Any, **__: Any) -> Any:
        raise ConnectionAbortedError  # asyncio's word for a handshake that nobody answered

    def live(self) -> list[MemoryServer]:
        """The connections that neither side has ended, as far as the other can know."""
        return [server for server in self.servers if server.open]


class MemoryTransport(asyncio.Transport):
    """The client's end."""

    def __init__(self, loop: SteppedLoop, protocol: asyncio.Protocol, server: MemoryServer, sock: socket.socket):
        super().__init__({"peername": ("192.0.2.1", 25), "sockname": ("192.0.2.2", 40_000), "socket": sock})
        self._loop, self._protocol, self._server, self._sock = loop, protocol, server, sock
        self._arriving: deque[bytes] = deque()
        self._closing = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def is_closing(self) -> bool:
        return self._closing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._closing:
            self._server.receive(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._server.client_left()
            self._loop.call_soon(self._lost)

    def abort(self) -> None:
        self.close()

    def _lost(self) -> None:
        self._sock.close()
        self._protocol.connection_lost(None)

    # ── the server's end ──────────────────────────────────────────────────────────────────────────────────────────

    def deliver(self, data: bytes) -> None:
        """The server's words arrive."""
        self._loop.call_soon(self._arrive, data)

    def hang_up(self) -> None:
        self._loop.call_soon(self._end)

    def _arrive(self, data: bytes) -> None:
        if not self._closing:
            self._protocol.data_received(data)

    def _end(self) -> None:
        if not self._closing and not self._protocol.eof_received():
            self.close()
