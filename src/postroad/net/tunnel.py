"""A socket that leads through a proxy: the thin shell around ``socks5`` and ``http_connect``."""

import asyncio
import os
import socket
from typing import Final, TypeAlias

from postroad.errors import ConnectError, ProxyError
from postroad.net.happy_eyeballs import addresses, connected_socket
from postroad.net.http_connect import HttpConnect
from postroad.net.proxy import Proxy, ProxyKind
from postroad.net.socks5 import Socks5
from postroad.reply import Phase

CHUNK: Final = 4096  # octets read at once; a proxy's answer has a few hundred

Tunnelled: TypeAlias = tuple[socket.socket, bytes]  # and what the host behind the proxy has said already


async def tunnelled_socket(proxy: Proxy, host: str, port: int, source: str | None = None) -> Tunnelled:
    """Connect to the proxy and have it connect to the host; ``source`` is the address of ours that the proxy sees.

    Where the name is resolved here (``socks5://``), all its addresses are tried, one after the other.

    Raises:
        ProxyError: the proxy was not reached or broke its protocol (``ProxyRefused``: it does not let us through).
        ConnectError: the proxy does not reach the host.
        OSError: the host's name does not resolve (``socket.gaierror``).
        UnicodeError: it cannot be looked up.
    """
    if proxy.kind is not ProxyKind.SOCKS5:
        return await _through(proxy, host, port, source)
    targets = [str(address[0]) for _, address in await addresses(host, port)]
    for address in targets[:-1]:
        try:
            return await _through(proxy, address, port, source)
        except ProxyError:  # the next address would meet the same proxy
            raise
        except ConnectError:
            continue
    return await _through(proxy, targets[-1], port, source)


async def _through(proxy: Proxy, host: str, port: int, source: str | None) -> Tunnelled:
    negotiation = HttpConnect(proxy, host, port) if proxy.kind is ProxyKind.HTTP else Socks5(proxy, host, port)
    connection = await _reached(proxy, source)
    try:
        await _negotiated(connection, negotiation, proxy)
    except BaseException:
        connection.close()
        raise
    return connection, negotiation.rest


async def _reached(proxy: Proxy, source: str | None) -> socket.socket:
    try:
        return await connected_socket(proxy.host, proxy.port, source)
    except (socket.gaierror, UnicodeError) as fault:
        message = f"the proxy's host name {proxy.host!r} does not resolve"
        raise ProxyError(message, phase=Phase.DNS) from fault
    except OSError as fault:
        raise ProxyError(f"cannot connect to the proxy {proxy}: {reason_of(fault)}", phase=Phase.CONNECT) from fault


async def _negotiated(connection: socket.socket, negotiation: Socks5 | HttpConnect, proxy: Proxy) -> None:
    loop = asyncio.get_running_loop()
    outgoing = negotiation.opening()
    try:
        while not negotiation.done:
            if outgoing:
                await loop.sock_sendall(connection, outgoing)
            data = await loop.sock_recv(connection, CHUNK)
            if not data:
                raise ProxyError(f"{proxy} hung up instead of answering", phase=Phase.CONNECT)
            outgoing = negotiation.receive(data)
    except ConnectError:
        raise
    except OSError as fault:
        raise ProxyError(f"the connection to {proxy} was lost: {reason_of(fault)}", phase=Phase.CONNECT) from fault


def reason_of(fault: OSError) -> str:
    """What the system says about it, without the numbers and addresses of asyncio's sentence."""
    return os.strerror(fault.errno) if fault.errno else str(fault)
