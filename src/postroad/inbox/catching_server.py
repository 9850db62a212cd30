"""A whole mail server for a demonstration: TLS, credentials, recipients that are refused, and a memory."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import Self

from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.inbox.catch import CATCH_ALL, Catcher, Caught, Rule
from postroad.net.self_signed import SelfSigned, self_signed
from postroad.net.smtp_listener import SmtpListener


class CatchingServer:
    """Catches mail in memory, offering STARTTLS with a certificate of its own making.

    With ``credentials`` (user → password) mail is taken only after AUTH. ``rules`` refuse or greylist their recipients.
    ``on_caught`` is told of each message. Belongs to the event loop in which it is started.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        credentials: Mapping[str, str] | None = None,
        rules: Mapping[str, Rule] = MappingProxyType({}),
        on_caught: Callable[[Caught], object] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.caught: list[Caught] = []
        self.certificate: SelfSigned = self_signed(("localhost", host), clock=clock)
        self._on_caught = on_caught
        self._news = asyncio.Event()
        self._listener = SmtpListener(
            Catcher(self._keep, credentials=credentials, rules=rules),
            host,
            port,
            settings=replace(CATCH_ALL, auth_required=credentials is not None),
            tls=self.certificate.server_context,
            clock=clock,
        )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, once started."""
        return self._listener.address

    async def wait_for(self, count: int) -> list[Caught]:
        """What was caught, once there are ``count`` messages."""
        while len(self.caught) < count:
            self._news.clear()
            await self._news.wait()
        return list(self.caught)

    async def start(self) -> Self:
        await self._listener.start()
        return self

    async def close(self) -> None:
        await self._listener.close()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _keep(self, caught: Caught) -> None:
        self.caught.append(caught)
        self._news.set()
        if self._on_caught is not None:
            self._on_caught(caught)
