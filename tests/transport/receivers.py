"""Mail exchangers on addresses of loopback, all at one port, and a name server that leads to them."""

import asyncio
import socket
from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack
from typing import Any, TypeVar

from postroad.message.envelope import MailObject
from postroad.net.dns.resolver import DnsResolver
from postroad.net.dns.settings import DnsSettings, Nameserver, Trust
from postroad.net.https_fetcher import HttpsFetcher
from postroad.outcome import SendReport
from postroad.testing import ScriptedServer, Step
from postroad.transport.contract import BeforeCommit
from postroad.transport.direct.settings import Direct
from postroad.transport.direct.transport import DirectTransport
from tests.peers.aiosmtpd_server import AiosmtpdServer, AiosmtpdSettings
from tests.peers.certificates import Certificates, ServerCertificate
from tests.peers.dns_server import DnsServer
from tests.peers.endpoint import LOOPBACK
from tests.peers.http_service import Response
from tests.peers.policy_host import PolicyHost

T = TypeVar("T")

FIRST, SECOND, THIRD, SIXTH = "127.0.0.2", "127.0.0.3", "127.0.0.4", "::1"
NOBODY = "127.0.0.9"  # where nothing listens
SIGNED: dict[str, object] = {"DS": "12345 13 2 00"}  # what is at or below such a name, DNSSEC vouches for


class World:
    """Some receivers and the DNS that leads to them; ``stack`` ends all of it."""

    def __init__(self, stack: ExitStack, records: Mapping[str, object], port: int = 0) -> None:
        self._stack = stack
        self.dns = stack.enter_context(DnsServer(records))
        self.port = port or self._reserved()
        self.web: PolicyHost | None = None
        self.ca: str | None = None

    def _reserved(self) -> int:
        """A port that nobody else gets on loopback's first address, and so not on the others that are used here."""
        keeper = self._stack.enter_context(socket.socket())
        keeper.bind((LOOPBACK, 0))
        return int(keeper.getsockname()[1])

    def aiosmtpd(self, host: str, certificate: ServerCertificate | None = None) -> AiosmtpdServer:
        """A receiver of another make."""
        settings = AiosmtpdSettings(certificate=certificate, host=host, port=self.port)
        return self._stack.enter_context(AiosmtpdServer(settings))

    def scripted(self, host: str, *steps: Step, **settings: Any) -> ScriptedServer:
        """A receiver that fails on command."""
        return self._stack.enter_context(ScriptedServer(*steps, host=host, port=self.port, **settings))

    def policies(self, certificates: Certificates, pages: dict[str, Response], *names: str) -> PolicyHost:
        """The web server for the policies of domains."""
        certificate = certificates.for_names(*(names or tuple(pages)))
        self.web = self._stack.enter_context(PolicyHost(certificate, pages))
        self.ca = str(certificates.ca)
        return self.web

    @property
    def resolver(self) -> DnsResolver:
        """Asks the name server, and believes what it says of DNSSEC."""
        servers = (Nameserver(*self.dns.endpoint),)
        return DnsResolver(DnsSettings(nameservers=servers, trust=Trust.TRUSTED))

    def transport(self, **settings: Any) -> DirectTransport:
        """A transport for this world."""
        resolver = self.resolver
        fetcher = None if self.web is None else HttpsFetcher(resolver, ca=self.ca, port=self.web.endpoint.port)
        said = {"port": self.port, "ca": self.ca, "mta_sts": fetcher is not None, **settings}
        return DirectTransport(Direct(**said), resolver=resolver, fetcher=fetcher)

    def run(self, work: Callable[[DirectTransport], Coroutine[Any, Any, T]], **settings: Any) -> T:
        """Do something with a transport of its own."""

        async def within() -> T:
            transport = self.transport(**settings)
            try:
                return await work(transport)
            finally:
                await transport.aclose()

        return asyncio.run(within())

    def deliver(self, mail: MailObject, before_commit: BeforeCommit | None = None, **settings: Any) -> SendReport:
        """Hand over one message."""

        async def one(transport: DirectTransport) -> SendReport:
            return await transport.deliver(mail, before_commit=before_commit)

        return self.run(one, **settings)
