"""Connecting through proxies that misbehave, to UNIX sockets, and from a chosen address, over real sockets."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from postroad.errors import ConnectError, DnsError, ProxyError, ProxyRefused, TlsModeMismatch
from postroad.net.connect import connect, connect_unix
from postroad.net.proxy import Proxy, ProxyKind
from postroad.net.stream import Stream
from postroad.net.tls import Handshake, Tls, TlsSettings
from postroad.reply import Phase
from tests.fakes import let_others_run
from tests.peers.certificates import Certificates
from tests.peers.endpoint import free_endpoint

SOON = 0.05  # seconds, where a deadline must pass
PATIENCE = 120.0
GREETING = b"220 mail.example ESMTP\r\n"
SOCKS_OPENED = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
HTTP_OPENED = b"HTTP/1.1 200 OK\r\n\r\n"

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(serve: Serve, path: Path | None = None) -> AsyncIterator[Any]:
    """A server that does one thing for each connection, at the address that is yielded."""
    writers: list[asyncio.StreamWriter] = []

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            await serve(reader, writer)

    if path is None:
        server = await asyncio.start_server(served, "127.0.0.1", 0)
    else:
        server = await asyncio.start_unix_server(served, path)
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()
        await let_others_run(5)  # who was taken in just now is served, and can be sent away
        for writer in writers:
            writer.transport.abort()
        await let_others_run(5)


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(GREETING)
    await reader.read()


def answering(*answers: bytes | None) -> Serve:
    """Each answer after something was read; ``None`` hangs up at once; behind the last comes nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            if answer is None:
                writer.close()
                return
            await reader.read(4096)
            writer.write(answer)
        await reader.read()

    return serve


def through(serve: Serve, kind: ProxyKind, seconds: float = PATIENCE, tls: Handshake | None = None) -> bytes:
    """What the host says first, through a proxy that serves like this."""

    async def within() -> bytes:
        async with serving(serve) as (host, port):
            stream = await connect("192.0.2.7", 587, seconds=seconds, proxy=Proxy(kind, host, port), tls=tls)
            try:
                return await stream.read(PATIENCE)
            finally:
                stream.abort()

    try:
        return asyncio.run(within())
    finally:
        gc.collect()  # an unclosed socket would be a warning, and warnings are errors here


# ── proxies ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "answers"),
    [
        (ProxyKind.SOCKS5, [b"\x05\x00", SOCKS_OPENED + GREETING]),
        (ProxyKind.SOCKS5H, [b"\x05\x00", SOCKS_OPENED + GREETING]),
        (ProxyKind.HTTP, [HTTP_OPENED + GREETING]),
    ],
)
def test_a_greeting_in_the_same_packet_as_the_proxys_answer_is_not_lost(kind: ProxyKind, answers: list[bytes]) -> None:
    assert through(answering(*answers), kind) == GREETING


@pytest.mark.parametrize(
    ("kind", "answers", "fault", "what"),
    [
        (ProxyKind.SOCKS5, [b"", None], ProxyError, "hung up"),
        (ProxyKind.SOCKS5, [b"\x05\x00", None], ProxyError, "hung up"),
        (ProxyKind.SOCKS5, [b"\x05\x00", b"\x05\x00", None], ProxyError, "hung up"),
        (ProxyKind.SOCKS5, [b"\x05\x00", b"\x05\x05"], ConnectError, r"192\.0\.2\.7:587: connection refused"),
        (ProxyKind.SOCKS5, [b"HTTP/1.0 400 Bad\r\n\r\n"], ProxyError, "use http://"),
        (ProxyKind.HTTP, [b"", None], ProxyError, "hung up"),
        (ProxyKind.HTTP, [b"HTTP/1.1 20", None], ProxyError, "hung up"),
        (ProxyKind.HTTP, [b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000], ProxyError, "more than"),
        (ProxyKind.HTTP, [b"\x05\x00"], ProxyError, "does not speak HTTP"),
        (ProxyKind.HTTP, [b"HTTP/1.1 407 No\r\n\r\n"], ProxyRefused, "user name"),
        (ProxyKind.HTTP, [b"HTTP/1.1 502 Bad Gateway\r\n\r\n"], ConnectError, r"192\.0\.2\.7:587: 502"),
    ],
)
def test_a_proxy_that_misbehaves(
    kind: ProxyKind, answers: list[bytes | None], fault: type[ConnectError], what: str
) -> None:
    with pytest.raises(ConnectError, match=what) as caught:
        through(answering(*answers), kind)
    assert type(caught.value) is fault
    assert caught.value.phase is Phase.CONNECT


@pytest.mark.parametrize(
    ("kind", "answers"),
    [
        (ProxyKind.SOCKS5, []),
        (ProxyKind.SOCKS5, [b"\x05"]),
        (ProxyKind.SOCKS5, [b"\x05\x00", b"\x05\x00\x00\x03\xff"]),
        (ProxyKind.HTTP, []),
        (ProxyKind.HTTP, [b"HTTP/1.1 200 OK\r\nX:"]),
    ],
)
def test_a_proxy_that_answers_by_halves_has_a_deadline(kind: ProxyKind, answers: list[bytes]) -> None:
    with pytest.raises(TimeoutError):
        through(answering(*answers), kind, seconds=SOON)


def test_a_proxy_that_is_not_there() -> None:
    host, port = free_endpoint()
    for kind in ProxyKind:
        proxy = Proxy(kind, host, port)
        with pytest.raises(ProxyError, match=f"cannot connect to the proxy {proxy}: Connection refused") as caught:
            asyncio.run(connect("192.0.2.7", 587, seconds=PATIENCE, proxy=proxy))
        assert caught.value.temporary


def test_a_proxy_without_an_address() -> None:
    for name in ("no-such-proxy.invalid", "a..b"):
        proxy = Proxy(ProxyKind.SOCKS5H, name)
        with pytest.raises(ProxyError, match="does not resolve"):
            asyncio.run(connect("192.0.2.7", 587, seconds=PATIENCE, proxy=proxy))


def test_a_name_that_is_resolved_here_and_is_none() -> None:
    host, port = free_endpoint()
    with pytest.raises(DnsError, match="no-such-host"):
        asyncio.run(connect("no-such-host.invalid", 25, seconds=PATIENCE, proxy=Proxy(ProxyKind.SOCKS5, host, port)))


def test_all_addresses_are_tried_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(3)
        writer.write(b"\x05\x00")
        asked.append((await reader.readexactly(10))[4:8])
        writer.write(b"\x05\x04" if len(asked) == 1 else SOCKS_OPENED + GREETING)
        await reader.read()

    def getaddrinfo(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        one, two = ("192.0.2.1", 25), ("192.0.2.2", 25)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in (one, two)]

    async def within() -> bytes:
        async with serving(serve) as (host, port):
            monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
            stream = await connect("mail.example", 25, seconds=PATIENCE, proxy=Proxy(ProxyKind.SOCKS5, host, port))
            try:
                return await stream.read(PATIENCE)
            finally:
                stream.abort()

    assert asyncio.run(within()) == GREETING
    assert asked == [b"\xc0\x00\x02\x01", b"\xc0\x00\x02\x02"]


@pytest.mark.parametrize("rounds", range(12))
def test_cancelled_at_any_moment_no_socket_is_lost(rounds: int) -> None:
    async def within() -> None:
        async with serving(answering(b"\x05\x00", SOCKS_OPENED)) as (host, port):
            proxy = Proxy(ProxyKind.SOCKS5H, host, port)
            connecting = asyncio.ensure_future(connect("192.0.2.7", 587, seconds=PATIENCE, proxy=proxy))
            await let_others_run(rounds)
            connecting.cancel()
            with suppress(asyncio.CancelledError):
                (await connecting).abort()
            await let_others_run(3)

    asyncio.run(within())
    gc.collect()


def test_plain_text_before_the_handshake_is_never_the_servers_word(certificates: Certificates) -> None:
    """Whoever stands in between could say it: it would be read behind the handshake, as if it had come encrypted."""
    tls = Handshake(TlsSettings(Tls.IMPLICIT, ca=str(certificates.ca)).context(), "localhost", PATIENCE)
    with pytest.raises(TlsModeMismatch):
        through(answering(b"\x05\x00", SOCKS_OPENED + GREETING), ProxyKind.SOCKS5H, tls=tls)


# ── UNIX sockets ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "mail.sock"

    async def within() -> None:
        async with serving(greet, path):
            stream = await connect_unix(str(path), seconds=PATIENCE)
            assert await stream.read(PATIENCE) == GREETING
            assert stream.peer == str(path)
            assert stream.to_loopback
            assert stream.own_literal == "[127.0.0.1]"
            await stream.aclose()

    asyncio.run(within())
    gc.collect()


def test_a_unix_socket_where_nobody_listens(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    for name, reason in (("none", "No such file"), ("plain", "Connection refused")):
        with pytest.raises(ConnectError, match=f"{name}: {reason}") as caught:
            asyncio.run(connect_unix(str(tmp_path / name), seconds=PATIENCE))
        assert "may write" in caught.value.advice
        gc.collect()


# ── a chosen source ───────────────────────────────────────────────────────────────────────────────────────────────────


def seen_from(source: str | None) -> str:
    """The address that the server sees."""
    seen: list[str] = []

    async def look(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("peername")[0])
        await greet(reader, writer)

    async def within() -> None:
        async with serving(look) as (host, port):
            stream = await connect(host, port, seconds=PATIENCE, source=source)
            await stream.read(PATIENCE)
            stream.abort()

    asyncio.run(within())
    return seen[0]


def test_small_writes_go_out_at_once() -> None:
    """Nagle's algorithm would hold the second of two back until the peer has acknowledged the first."""

    async def no_delay() -> int:
        async with serving(greet) as (host, port):
            stream = await connect(host, port, seconds=PATIENCE)
            assert stream._transport is not None
            connection = stream._transport.get_extra_info("socket")
            set_to: int = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            stream.abort()
            return set_to

    assert asyncio.run(no_delay())


def test_the_server_sees_the_source() -> None:
    assert seen_from(None) == "127.0.0.1"
    assert seen_from("127.0.0.9") == "127.0.0.9"  # all of 127.0.0.0/8 is this machine


def test_a_source_that_is_not_ours() -> None:
    with pytest.raises(ConnectError, match=r"from 192\.0\.2\.9: Cannot assign") as caught:
        seen_from("192.0.2.9")
    assert "an address of this machine" in caught.value.advice


def test_a_proxy_sees_the_source() -> None:
    seen: list[str] = []

    async def look(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("peername")[0])
        await answering(b"\x05\x00", SOCKS_OPENED + GREETING)(reader, writer)

    async def within() -> None:
        async with serving(look) as (host, port):
            proxy = Proxy(ProxyKind.SOCKS5H, host, port)
            stream = await connect("192.0.2.7", 25, seconds=PATIENCE, proxy=proxy, source="127.0.0.9")
            assert await stream.read(PATIENCE) == GREETING
            stream.abort()

    asyncio.run(within())
    assert seen == ["127.0.0.9"]


def test_only_addresses_of_the_sources_family_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    families: list[int] = []

    def getaddrinfo(host: str, port: int, family: int, *_: Any) -> list[tuple[Any, ...]]:
        families.append(family)
        raise socket.gaierror(socket.EAI_NONAME, "No address associated with hostname")

    async def within(source: str | None) -> Stream:
        return await connect("mail.example", 25, seconds=PATIENCE, source=source)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for source in (None, "127.0.0.1", "::1"):
        with pytest.raises(DnsError):
            asyncio.run(within(source))
    assert families == [0, socket.AF_INET, socket.AF_INET6]
