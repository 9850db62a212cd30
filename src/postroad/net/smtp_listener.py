"""A server for SMTP: sockets around the conversation, a handler behind it."""

import asyncio
import os
import ssl
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Final, Self

from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.errors import ConfigurationError
from postroad.net.listening import end_listening
from postroad.net.smtp_handler import KeyStore, SmtpHandler
from postroad.net.smtp_session import SessionPlan, SmtpSession
from postroad.smtp import standard_replies as say
from postroad.smtp.server_settings import ServerSettings

BACKLOG: Final = 1024  # connections the kernel may hold until they are accepted


@dataclass(frozen=True, slots=True)
class ListenerLimits:
    """How much a listener puts up with."""

    connections: int = 1000  # at once; more are told 421. Each costs some 20 KiB, and its message while it comes in
    idle_seconds: float = 300.0  # RFC 5321 §4.5.3.2.7: 5 minutes for the next command
    handshake_seconds: float = 60.0  # for TLS; as long as asyncio's own default
    closing_seconds: float = 30.0  # for messages in the handler's hands when the listener is closed


class SmtpListener:
    """Listens from ``start()`` to ``close()``; as an async context manager, in between.

    ``host`` is an address or a name of this machine; ``port`` 0 takes a free one. With ``tls`` STARTTLS is offered, or,
    with ``implicit_tls``, TLS is spoken from the first octet. With ``keys``, SCRAM-SHA-256 is offered where AUTH is.

    Raises:
        ConfigurationError: the settings contradict each other, or (from ``start``) the address cannot be had.
    """

    def __init__(
        self,
        handler: SmtpHandler,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        settings: ServerSettings | None = None,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        keys: KeyStore | None = None,
        limits: ListenerLimits | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        settings = replace(
            settings or ServerSettings(),
            starttls=tls is not None and not implicit_tls,
            stored_keys=keys is not None,
        )
        if tls is None and (implicit_tls or settings.tls_required):
            raise ConfigurationError("TLS is required and there is no certificate", setting="tls")
        self._limits = limits or ListenerLimits()
        self._plan = SessionPlan(
            settings, handler, keys, clock, tls, implicit_tls, self._limits.idle_seconds, self._limits.handshake_seconds
        )
        self._wanted = (host, port)
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._sessions: dict[asyncio.Task[None], SmtpSession] = {}

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that are listened on, once started."""
        if self._server is None:
            raise ConfigurationError("the listener has not been started")
        name = self._server.sockets[0].getsockname()
        return name[0], name[1]

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._sessions)

    async def start(self) -> Self:
        """Listen; ``address`` is known on return."""
        loop = asyncio.get_running_loop()
        host, port = self._wanted
        try:
            self._server = await loop.create_server(
                lambda: SmtpSession(self._plan, self._connected), host, port, backlog=BACKLOG
            )
        except OSError as fault:
            reason = os.strerror(fault.errno) if fault.errno else str(fault)
            raise ConfigurationError(
                f"cannot listen on {host}:{port}: {reason}", setting="smtp", advice="Choose another address or port."
            ) from fault
        self._sweeper = loop.create_task(self._sweep())
        return self

    async def close(self) -> None:
        """Take no more; let messages in the handler's hands become answered; say 421 to everybody, and hang up."""
        if self._server is None or self._sweeper is None:
            return
        self._sweeper.cancel()
        await end_listening(self._server)
        for session in self._sessions.values():
            session.stop()
        try:
            if self._sessions:
                await asyncio.wait(self._sessions, timeout=self._limits.closing_seconds)
        finally:  # also where the waiting itself is cancelled: nothing is left behind
            await self._cancel([*self._sessions, self._sweeper])
            self._server = self._sweeper = None

    async def _cancel(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _connected(self, session: SmtpSession) -> None:
        if len(self._sessions) >= self._limits.connections:
            session.stop(say.TOO_MANY_CONNECTIONS)
        task = asyncio.get_running_loop().create_task(session.run())
        self._sessions[task] = session
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        del self._sessions[task]
        if not task.cancelled() and (failure := task.exception()) is not None:
            context = {"message": "an SMTP session failed", "exception": failure, "task": task}
            asyncio.get_running_loop().call_exception_handler(context)

    async def _sweep(self) -> None:
        """One timer for all sessions: a deadline of minutes need not be kept to the second."""
        while True:
            await self._plan.clock.sleep(self._limits.idle_seconds / 10)
            now = self._plan.clock.monotonic()
            for session in list(self._sessions.values()):
                session.expire(now)
