"""The roads that a route comes down to: of a composed one its members, and theirs."""

from collections.abc import Iterator

from postroad.transport.contract import Transport
from postroad.transport.failover import ComposedTransport
from postroad.transport.over import OverTransport


def members(transport: Transport) -> Iterator[Transport]:
    """The transports that carry mail in the end; a route that is not composed is its own only one."""
    while isinstance(transport, OverTransport):
        transport = transport.inner
    if not isinstance(transport, ComposedTransport):
        yield transport
        return
    for one in transport.transports:
        yield from members(one)
