"""A transport that connects to the recipients' own hosts, and knows which."""

from typing import Protocol, runtime_checkable

from postroad.routing.mx import MailHosts
from postroad.transport.contract import Transport
from postroad.transport.over import OverTransport
from postroad.transport.restraint import HoldOf


@runtime_checkable
class Sited(Protocol):
    """Whose limits are those of sites. ``source`` is the address that these see, where one was chosen."""

    @property
    def source(self) -> str: ...

    def hold_to(self, hold_of: HoldOf) -> None:
        """Keep connections to each host to this, asked anew for each message."""

    async def mail_hosts(self, domain: str) -> MailHosts:
        """Who receives for a domain. It never raises."""


def sited(transport: Transport) -> Sited | None:
    """The transport as one that goes to the recipients' hosts, also under others that add something to it."""
    while isinstance(transport, OverTransport):
        transport = transport.inner
    return transport if isinstance(transport, Sited) else None
