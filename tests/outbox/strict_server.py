"""An SMTP server of aiosmtpd that lets in only so many, and remembers who was there when."""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Callable
from time import perf_counter

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.peers.endpoint import LOOPBACK, Endpoint
from tests.peers.stoppable import Stoppable
from tests.peers.waiting import wait_until


class StrictServer(Stoppable):
    """Tells whoever says MAIL while more than ``most`` sessions are open 421, and parts from them.

    ``arrived`` are recipients and when they were taken, by the performance counter; ``widest`` is the largest number of
    sessions at a time since it was last set; ``peers`` counts the open sessions of each address that ever connected.
    While ``gate`` is not set, contents are not answered.
    """

    def __init__(self, most: int = 1000, port: int = 0) -> None:
        self.most = most
        self.arrived: list[tuple[str, float]] = []
        self.open = 0
        self.sessions = 0
        self.widest = 0
        self.refused = 0
        self.peers: Counter[str] = Counter()
        self.gate = threading.Event()
        self.gate.set()
        self.held = 0  # contents that wait for the gate
        self._let_go: list[Callable[[], None]] = []
        self._listener = _Listener(self, port)
        self.smtp = self._listener.endpoint
        wait_until(lambda: not self.open or None, "the end of the controller's own connection")
        self.peers.clear()
        self.sessions = self.widest = 0

    @property
    def recipients(self) -> list[str]:
        return [recipient for recipient, _ in self.arrived]

    def wait_for(self, count: int) -> None:
        wait_until(lambda: len(self.arrived) >= count or None, f"{count} messages")

    def most_within(self, seconds: float) -> int:
        """The largest number of messages in any window of so many seconds."""
        times = sorted(at for _, at in self.arrived)
        return max((sum(at <= other < at + seconds for other in times) for at in times), default=0)

    def stop(self) -> None:
        self.gate.set()
        self._listener.stop()

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's own spelling
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.open > self.most:
            self.refused += 1
            asyncio.get_running_loop().call_soon(_part, server)
            return "421 4.7.0 too many connections, try again later"
        envelope.mail_from = address
        return "250 2.1.0 Sender ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        at = perf_counter()
        if not self.gate.is_set():
            self.held += 1
            try:
                await asyncio.to_thread(self.gate.wait)
            finally:
                self.held -= 1
        self.arrived += [(recipient, at) for recipient in envelope.rcpt_tos]
        return "250 2.0.0 Taken"

    def entered(self, peer: str) -> None:
        self.open += 1
        self.sessions += 1
        self.widest = max(self.widest, self.open)
        self.peers[peer] += 1

    def left(self, peer: str) -> None:
        self.open -= 1
        self.peers[peer] -= 1


def _part(server: SMTP) -> None:
    if server.transport is not None:
        server.transport.close()


class _Counted(SMTP):
    strict: StrictServer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.peer = transport.get_extra_info("peername")[0]
        self.strict.entered(self.peer)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.strict.left(self.peer)
        super().connection_lost(error)


class _Listener(Controller):
    def __init__(self, strict: StrictServer, port: int) -> None:
        self._socket = socket.create_server((LOOPBACK, port))
        self._strict = strict
        self.endpoint = Endpoint(LOOPBACK, self._socket.getsockname()[1])
        super().__init__(strict, hostname=self.endpoint.host, port=self.endpoint.port, server_hostname="strict.test")
        self.start()

    def factory(self) -> SMTP:
        protocol = _Counted(self.handler, loop=self.loop, **self.SMTP_kwargs)
        protocol.strict = self._strict
        return protocol

    def _create_server(self) -> asyncio.Future[asyncio.AbstractServer]:
        return asyncio.ensure_future(self.loop.create_server(self._factory_invoker, sock=self._socket), loop=self.loop)
