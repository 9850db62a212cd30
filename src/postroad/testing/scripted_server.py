"""A real SMTP server on a loopback port that does what a test tells it to, and fails on command.

::

    with ScriptedServer() as server:  # a well-behaved server
        with Mailer(server.url) as mailer:
            mailer.send(email)
        assert server.messages[0].recipients == ("ann@example.com",)

    ScriptedServer(Step("RCPT", "550 5.1.1 No such user", when="bob@"))  # refuses Bob, once
    ScriptedServer(Step("DOT", "451 4.3.0 Later", times=2))  # accepts at the third try
    ScriptedServer(Step("DOT", None, then=Then.CLOSE))  # drops after the dot, without an answer
    ScriptedServer(Step("CONTENT", None, then=Then.RESET))  # drops before the dot, with RST
    ScriptedServer(Step("MAIL", b"250 2.1", then=Then.STALL))  # half a reply, and then nothing
    ScriptedServer(Step("EHLO", "250-more", then=Then.REPEAT))  # a reply that never ends
    ScriptedServer(Step("BDAT", "452 4.3.1 Full", skip=1), extensions=("PIPELINING", "CHUNKING"))  # the second chunk
    ScriptedServer(Step("DOT", "552 5.2.2 Full", when="eve@"), lmtp=True)  # an answer for each recipient
    ScriptedServer(Step("STARTTLS", b"220 go\\r\\n250 injected\\r\\n"), tls=context)
    server.say("421 4.3.2 Shutting down", then=Then.CLOSE)  # while the client is idle

    gate = Gate()  # a late reply, without a clock
    with ScriptedServer(Step("DOT", gate=gate)) as server:
        ...  # start to send
        gate.wait_until_reached()
        gate.open()

It works in its own thread, so tests may be blocking or use asyncio.
"""

import asyncio
import os
import ssl
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from postroad.net.listening import end_listening
from postroad.testing.normal_server import DEFAULT_EXTENSIONS, Offer
from postroad.testing.received import ReceivedMessage, ReceivedSession
from postroad.testing.script import Script, Step, Then
from postroad.testing.scripted_session import ScriptedSession

LOOPBACK: Final = "127.0.0.1"
PATIENCE: Final = 10.0  # seconds a test waits for what should come at once


class ScriptedServer:
    """A normal server but for the ``steps``; several steps at one point happen in the order given.

    ``tls``: with a context the server offers STARTTLS, or speaks TLS from the start with ``implicit_tls``.
    ``credentials`` (user → password) turn AUTH PLAIN and LOGIN on, under TLS if there is TLS. ``extensions`` are the
    EHLO keywords besides these; BDAT is known where ``CHUNKING`` is among them, and whatever else it promises
    (``DSN``, ``REQUIRETLS``, ``LIMITS RCPTMAX=10``) is for the client to keep to. With ``lmtp`` it speaks LMTP
    (RFC 2033). ``port`` 0 takes a free one, ``host`` may be another address of loopback (``127.0.0.2``, ``::1``); with
    ``socket_path`` it listens on that UNIX socket instead.

    ``messages`` are all contents that arrived whole; ``sessions`` the connections, each with its command lines.

    Raises:
        TypeError: the steps were given as a list.
        ValueError: ``implicit_tls`` without ``tls``, or a port beside ``socket_path``.
    """

    def __init__(
        self,
        *steps: Step,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        credentials: Mapping[str, str] | None = None,
        extensions: Iterable[str] = DEFAULT_EXTENSIONS,
        port: int = 0,
        lmtp: bool = False,
        socket_path: str | os.PathLike[str] | None = None,
        host: str = LOOPBACK,
    ) -> None:
        if not all(isinstance(step, Step) for step in steps):
            raise TypeError("a ScriptedServer takes its steps one by one: ScriptedServer(Step(...), Step(...))")
        if implicit_tls and tls is None:
            raise ValueError("implicit_tls needs a context in tls")
        if socket_path is not None and port:
            raise ValueError("a server listens on a port or on a UNIX socket")
        self._script = Script(steps)
        self._context = tls
        self._implicit_tls = implicit_tls
        self._offer = Offer(tuple(extensions), dict(credentials or {}), tls is not None and not implicit_tls, lmtp)
        self._wanted_host, self._wanted_port = host, port
        self._socket_path = None if socket_path is None else os.fspath(socket_path)
        self._received: list[ReceivedMessage] = []
        self._sessions: list[ReceivedSession] = []
        self._changed = threading.Condition()
        self._running: dict[asyncio.Task[None], ScriptedSession] = {}
        self._thread: threading.Thread | None = None
        self._ready: Future[tuple[str, int]] = Future()
        self._failures: list[BaseException] = []

    # ── what a test asks ──────────────────────────────────────────────────────────────────────────────────────────

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, once started; ``("localhost", 0)`` on a UNIX socket."""
        return self._ready.result(PATIENCE)

    @property
    def host(self) -> str:
        return self.address[0]

    @property
    def port(self) -> int:
        return self.address[1]

    @property
    def url(self) -> str:
        """The route to this server: ``smtp://127.0.0.1:port``, ``smtps://`` with implicit TLS, or ``lmtp://``; with the
        path of its socket instead of host and port.
        """
        place = f"{self.host}:{self.port}" if self._socket_path is None else quote(self._socket_path)
        if self._offer.lmtp:
            return f"lmtp://{place}{'?tls=implicit' if self._implicit_tls else ''}"
        return f"{'smtps' if self._implicit_tls else 'smtp'}://{place}"

    @property
    def messages(self) -> list[ReceivedMessage]:
        """What arrived up to a final dot or a last chunk so far, in order."""
        with self._changed:
            return list(self._received)

    @property
    def sessions(self) -> list[ReceivedSession]:
        """The connections so far, in order."""
        with self._changed:
            return list(self._sessions)

    @property
    def commands(self) -> list[str]:
        """The command lines of all connections, one connection after the other."""
        return [line for session in self.sessions for line in session.commands]

    def wait_for_messages(self, count: int = 1, timeout: float = PATIENCE) -> list[ReceivedMessage]:
        """Block until ``count`` messages have arrived; ``timeout`` is in seconds.

        Raises:
            TimeoutError: fewer came.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._received) >= count, timeout):
                raise TimeoutError(f"{len(self._received)} of {count} messages came within {timeout:g} s")
            return list(self._received)

    def say(self, reply: str, then: Then = Then.CONTINUE) -> None:
        """Say something on every open connection that nobody asked for, such as a 421. It has been written on return.

        ``reply`` has its lines without their ends; ``then`` is CONTINUE, CLOSE or RESET.
        """
        wire = b"".join(line.encode() + b"\r\n" for line in reply.split("\n"))

        async def speak() -> None:
            for session in list(self._running.values()):
                session.say(wire, then)

        asyncio.run_coroutine_threadsafe(speak(), self._loop).result(PATIENCE)

    # ── life ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> Self:
        """Listen; ``address`` is known on return."""
        self._thread = threading.Thread(target=self._run, name="scripted-server", daemon=True)
        self._thread.start()
        self._ready.result(PATIENCE)
        return self

    def close(self) -> None:
        """Hang up on everybody and stop listening.

        Raises:
            BaseException: what went wrong inside the server itself, which no test should overlook.
        """
        if self._thread is None:
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(PATIENCE)
        self._thread = None
        if self._failures:
            raise self._failures[0]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as failure:  # noqa: BLE001 - handed to the test's thread
            if self._ready.done():
                self._failures.append(failure)
            else:
                self._ready.set_exception(failure)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        if self._socket_path is None:
            server = await asyncio.start_server(self._connected, self._wanted_host, self._wanted_port)
            self._ready.set_result((self._wanted_host, server.sockets[0].getsockname()[1]))
        else:
            server = await asyncio.start_unix_server(self._connected, self._socket_path)
            self._ready.set_result(("localhost", 0))
        await self._stopping.wait()
        await end_listening(server)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await server.wait_closed()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._implicit_tls:
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # a WriteTransport by its annotation only
        record = ReceivedSession(len(self._sessions))
        with self._changed:
            self._sessions.append(record)
        session = ScriptedSession(record, self._script, self._offer, (reader, writer), self._context, self._keep)
        task = self._loop.create_task(session.run(implicit_tls=self._implicit_tls))
        self._running[task] = session
        task.add_done_callback(self._finished)

    def _keep(self, message: ReceivedMessage) -> None:
        with self._changed:
            self._received.append(message)
            self._changed.notify_all()

    def _finished(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failures.append(failure)
