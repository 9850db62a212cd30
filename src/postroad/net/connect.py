"""Opening a connection: to a host, through a proxy, to a UNIX socket; what can go wrong becomes our errors here."""

import asyncio
import errno
import socket
from collections.abc import Sequence

from postroad.errors import ConnectError, DnsError
from postroad.net.happy_eyeballs import connected_socket, socket_to
from postroad.net.host_name import authority
from postroad.net.proxy import Proxy
from postroad.net.stream import Stream
from postroad.net.tls import Handshake
from postroad.net.tunnel import Tunnelled, reason_of, tunnelled_socket
from postroad.reply import Phase


async def connect(
    host: str,
    port: int,
    *,
    seconds: float,
    tls: Handshake | None = None,
    proxy: Proxy | None = None,
    source: str | None = None,
) -> Stream:
    """Connect to the first address of a host that answers (RFC 8305), with implicit TLS where a handshake is given.

    ``seconds`` is for the connection, through the proxy if there is one. ``source`` is the address of ours to come
    from.

    Raises:
        DnsError: the name does not resolve.
        ProxyError: the proxy was not reached or broke its protocol (``ProxyRefused``: it does not let us through).
        TlsError: the handshake failed.
        ConnectError: no address answered.
        Timeout: the handshake took too long.
        TimeoutError: connecting took too long.
    """
    where = authority(host, port)
    # The handshake comes in a second step, so that "not reached" and "not trusted" cannot be mixed up.
    try:
        async with asyncio.timeout(seconds):
            reached = await _reached(host, port, proxy, source)
            stream = await _stream_on(*reached)
    except (TimeoutError, ConnectError):
        raise
    except socket.gaierror as fault:
        kind = "" if source is None else f" to an address that {source} could connect to"
        raise DnsError(f"the host name {host!r} does not resolve{kind}: {fault.strerror}", phase=Phase.DNS) from fault
    except OSError as fault:
        raise _not_reached(where, fault, source) from fault
    except UnicodeError as fault:
        raise DnsError(f"the host name {host!r} is not valid: {fault}", phase=Phase.DNS) from fault
    return await _secured(stream, tls, where)


async def connect_to(found: Sequence[str], port: int, host: str, *, seconds: float, sources: Sequence[str]) -> Stream:
    """Connect to the first of these addresses of a host that answers; ``sources`` are addresses of ours, by family.

    Raises:
        ConnectError: no address answered.
        TimeoutError: connecting took too long.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _stream_on(await socket_to(found, port, sources))
    except TimeoutError:
        raise
    except OSError as fault:
        raise _not_reached(authority(host, port), fault, ", ".join(sources) or None) from fault


async def connect_unix(path: str, *, seconds: float, tls: Handshake | None = None) -> Stream:
    """Connect to a UNIX socket.

    Raises:
        ConnectError: nobody listens there; and as ``connect``.
        TimeoutError: connecting took too long.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        async with asyncio.timeout(seconds):
            await asyncio.get_running_loop().sock_connect(connection, path)
            stream = await _stream_on(connection)
    except OSError as fault:
        connection.close()
        if isinstance(fault, TimeoutError):
            raise
        advice = "Check the path, that the server runs, and that this user may write to its socket."
        message = f"cannot connect to {path}: {reason_of(fault)}"
        raise ConnectError(message, phase=Phase.CONNECT, advice=advice) from fault
    except BaseException:
        connection.close()
        raise
    return await _secured(stream, tls, path)


async def _reached(host: str, port: int, proxy: Proxy | None, source: str | None) -> Tunnelled:
    if proxy is not None:
        return await tunnelled_socket(proxy, host, port, source)
    return await connected_socket(host, port, source), b""


async def _stream_on(connection: socket.socket, said_already: bytes = b"") -> Stream:
    stream = Stream()
    if said_already:  # before the loop reads, so that it comes first
        stream.data_received(said_already)
    try:
        await asyncio.get_running_loop().create_connection(lambda: stream, sock=connection)
    except BaseException:
        stream.abort()
        connection.close()
        raise
    return stream


async def _secured(stream: Stream, tls: Handshake | None, where: str) -> Stream:
    if tls is not None:
        try:
            await stream.start_tls(tls, where, implicit=True)
        except BaseException:
            stream.abort()
            raise
    return stream


def _not_reached(where: str, fault: OSError, source: str | None) -> ConnectError:
    reason = reason_of(fault)
    if source is None:
        return ConnectError(f"cannot connect to {where}: {reason}", phase=Phase.CONNECT)
    advice = None
    if fault.errno == errno.EADDRNOTAVAIL:
        advice = f"{source} must be an address of this machine."
    return ConnectError(f"cannot connect to {where} from {source}: {reason}", phase=Phase.CONNECT, advice=advice)
