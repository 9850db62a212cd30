"""The stream: deadlines, ends, back-pressure and TLS, over real sockets."""

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from postroad.errors import ConnectError, Disconnected, DnsError, TlsError, TlsModeMismatch
from postroad.net import connect as connect_module
from postroad.net import stream as stream_module
from postroad.net.connect import connect
from postroad.net.stream import HIGH_WATER, READ_LIMIT, Stream
from postroad.net.tls import Handshake, Tls, TlsSettings
from postroad.reply import Phase
from tests.fakes import let_others_run
from tests.peers.certificates import Certificates
from tests.peers.endpoint import free_endpoint

SOON = 0.02  # seconds, where a deadline must pass
PATIENCE = 120.0

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def against(
    serve: Serve,
    work: Callable[[Stream], Coroutine[Any, Any, None]],
    *,
    server_tls: ssl.SSLContext | None = None,
    **options: Any,
) -> None:
    """Run a server that does one thing for each connection, and a client on it."""

    async def within() -> None:
        peers: list[tuple[asyncio.Task[None], asyncio.StreamWriter]] = []

        async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            peers.append((task, writer))
            with suppress(OSError, asyncio.CancelledError):
                await serve(reader, writer)
            writer.transport.abort()

        server = await asyncio.start_server(served, "127.0.0.1", 0, ssl=server_tls)
        port = server.sockets[0].getsockname()[1]
        client: Stream | None = None
        try:
            client = await connect("127.0.0.1", port, seconds=PATIENCE, **options)
            await work(client)
        finally:
            if client is not None:
                client.abort()
            await let_others_run(3)
            for task, writer in peers:
                task.cancel()
                writer.transport.abort()
            server.close()
            await let_others_run(5)

    asyncio.run(within())


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def goodbye(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"bye")
    writer.close()


async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads nothing until the client hangs up."""
    reader._transport.pause_reading()  # type: ignore[attr-defined]  # no public way to be a bad peer
    await asyncio.get_running_loop().create_future()


async def read_all(client: Stream, octets: int) -> bytes:
    data = b""
    while len(data) < octets:
        data += await client.read(PATIENCE)
    return data


# ── reading and writing ───────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_written_comes_back() -> None:
    async def work(client: Stream) -> None:
        client.write(b"hello")
        client.write(b" there")
        assert await read_all(client, 11) == b"hello there"
        assert not client.has_input
        assert client.peer.startswith("127.0.0.1:")
        assert client.own_literal == "[127.0.0.1]"
        await client.aclose()
        assert client.has_input

    against(echo, work)


def test_more_than_all_buffers_hold_comes_back_whole() -> None:
    large = bytes(range(256)) * 16_384  # 4 MiB

    async def work(client: Stream) -> None:
        async def write() -> None:
            for start in range(0, len(large), 100_000):
                client.write(large[start : start + 100_000])
                await let_others_run()

        writing = asyncio.ensure_future(write())
        assert await read_all(client, len(large)) == large
        await writing

    against(echo, work)


def test_a_peer_that_talks_on_and_on_is_not_read_without_bound() -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async def work(client: Stream) -> None:
        held = 0
        for _ in range(300):
            await let_others_run()
            held = max(held, client._buffered)
        assert READ_LIMIT < held <= READ_LIMIT + 4 * 65536 * 4
        before = client._buffered
        await let_others_run(50)
        assert client._buffered == before, "it goes on reading"
        assert len(await client.read(PATIENCE)) == before
        assert await client.read(PATIENCE), "reading goes on when there is room"

    against(talk, work)


def test_a_read_has_a_deadline_and_may_be_tried_again() -> None:
    async def work(client: Stream) -> None:
        with pytest.raises(TimeoutError):
            await client.read(SOON)
        client.write(b"now")
        assert await client.read(PATIENCE) == b"now"

    against(echo, work)


def test_a_cancelled_read_loses_nothing() -> None:
    async def work(client: Stream) -> None:
        reading = asyncio.ensure_future(client.read(PATIENCE))
        await let_others_run()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        client.write(b"now")
        assert await client.read(PATIENCE) == b"now"

    against(echo, work)


async def until_it_speaks(client: Stream) -> None:
    while not client.has_input:
        await let_others_run()


def test_a_receiver_gets_what_came_and_what_comes() -> None:
    async def work(client: Stream) -> None:
        client.write(b"hello")
        await until_it_speaks(client)
        heard: list[bytes] = []
        again = asyncio.get_running_loop().create_future()

        def receive(data: bytes) -> None:
            heard.append(data)
            if b"".join(heard) == b"helloagain":
                again.set_result(None)

        client.take_over(receive, lambda: None)
        assert b"".join(heard) in b"hello"
        client.write(b"again")
        await again
        assert not client.has_input
        client.let_go()
        client.write(b"bye")
        assert await read_all(client, 3) == b"bye"

    against(echo, work)


def test_a_writer_is_told_when_the_peer_takes_more() -> None:
    taking = threading.Event()

    async def reluctant(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reader._transport.pause_reading()  # type: ignore[attr-defined]  # no public way to be a bad peer
        await asyncio.to_thread(taking.wait)
        reader._transport.resume_reading()  # type: ignore[attr-defined]
        while await reader.read(1_000_000):
            pass
        writer.close()

    async def work(client: Stream) -> None:
        writable = asyncio.get_running_loop().create_future()
        client.take_over(lambda _: None, lambda: writable.set_result(None))
        client.write(b"x" * 50 * HIGH_WATER)
        assert client.unsent > HIGH_WATER
        was_paused = client.paused
        taking.set()
        await asyncio.wait_for(writable, PATIENCE)
        assert (was_paused, client.paused) == (True, False)

    against(reluctant, work)


def test_a_writer_that_waits_hears_the_peer_speak() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(10)
        reader._transport.pause_reading()  # type: ignore[attr-defined]  # no public way to be a bad peer
        writer.write(b"552 enough\r\n")
        await asyncio.get_running_loop().create_future()

    async def work(client: Stream) -> None:
        client.write(b"x" * 50 * HIGH_WATER)
        assert await client.read(PATIENCE) == b"552 enough\r\n"

    against(refuse, work)


# ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_end_comes_behind_the_last_words() -> None:
    async def work(client: Stream) -> None:
        assert await client.read(PATIENCE) == b"bye"
        assert await client.read(PATIENCE) == b""
        assert client.has_input
        await let_others_run(3)
        with pytest.raises(Disconnected, match="closed"):
            client.write(b"anybody there?")
        assert client.unsent == 0

    against(goodbye, work)


def test_a_receiver_is_told_the_end_once() -> None:
    async def work(client: Stream) -> None:
        heard: list[bytes] = []
        ended = asyncio.get_running_loop().create_future()

        def receive(data: bytes) -> None:
            heard.append(data)
            if not data:
                ended.set_result(None)

        client.take_over(receive, lambda: None)
        await ended
        await client.aclose()
        assert (b"".join(heard), heard.count(b"")) == (b"bye", 1)
        late: list[bytes] = []
        client.take_over(late.append, lambda: None)
        assert late == [b""], "whoever takes over afterwards hears of it too"

    against(goodbye, work)


def test_a_reset_is_an_end() -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    async def work(client: Stream) -> None:
        assert await client.read(PATIENCE) == b""
        with pytest.raises(Disconnected):
            client.write(b"x")

    against(reset, work)


def test_a_writer_that_waits_hears_the_end() -> None:
    async def abort(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(10)
        writer.transport.abort()

    async def work(client: Stream) -> None:
        ended = asyncio.get_running_loop().create_future()
        client.take_over(lambda data: None if data else ended.set_result(None), lambda: None)
        client.write(b"x" * 50 * HIGH_WATER)
        await ended
        with pytest.raises(Disconnected):
            client.write(b"x")

    against(abort, work)


def test_aborting_and_closing_twice_is_nothing() -> None:
    async def work(client: Stream) -> None:
        client.abort()
        client.abort()
        await client.aclose()
        assert client.has_input

    against(echo, work)
    asyncio.run(Stream().aclose())
    Stream().abort()


def test_closing_does_not_wait_for_a_peer_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "SHUTDOWN_SECONDS", SOON)

    async def work(client: Stream) -> None:
        client.write(b"x" * 50 * HIGH_WATER)
        await client.aclose()
        assert client.has_input

    against(deaf, work)


# ── connecting ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_there() -> None:
    host, port = free_endpoint()
    with pytest.raises(ConnectError, match=f"{host}:{port}: Connection refused") as caught:
        asyncio.run(connect(host, port, seconds=PATIENCE))
    assert caught.value.phase is Phase.CONNECT
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b"])
def test_no_such_name(host: str) -> None:
    with pytest.raises(DnsError, match=host) as caught:
        asyncio.run(connect(host, 25, seconds=PATIENCE))
    assert caught.value.phase is Phase.DNS


def test_connecting_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> socket.socket:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    monkeypatch.setattr(connect_module, "connected_socket", never)
    with pytest.raises(TimeoutError):
        asyncio.run(connect("mail.example", 25, seconds=SOON))


# ── TLS ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def trusting(certificates: Certificates) -> Handshake:
    return Handshake(TlsSettings(Tls.IMPLICIT, ca=str(certificates.ca)).context(), "127.0.0.1", PATIENCE)


def test_implicit_tls(certificates: Certificates) -> None:
    async def work(client: Stream) -> None:
        assert client.tls
        assert client.tls_description().startswith("TLSv1.3, ")
        assert "certificate for localhost, 127.0.0.1 by commonName=Test authority" in client.certificate_description()
        client.write(b"x" * 1_000_000)
        assert await read_all(client, 1_000_000) == b"x" * 1_000_000
        await client.aclose()

    against(echo, work, server_tls=certificates.good.server_context(), tls=trusting(certificates))


def test_the_end_of_tls_without_a_goodbye(certificates: Certificates) -> None:
    async def cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"half")
        await writer.drain()
        raise OSError

    async def work(client: Stream) -> None:
        data = b""
        while heard := await client.read(PATIENCE):
            data += heard
        assert data in (b"half", b"")
        await let_others_run(5)
        with pytest.raises(Disconnected):
            client.write(b"x")

    against(cut, work, server_tls=certificates.good.server_context(), tls=trusting(certificates))


def test_tls_may_be_closed_more_than_once(certificates: Certificates) -> None:
    async def work(client: Stream) -> None:
        await client.aclose()
        await client.aclose()
        assert client.own_literal == "[127.0.0.1]"
        client.abort()

    against(echo, work, server_tls=certificates.good.server_context(), tls=trusting(certificates))


@pytest.mark.parametrize(
    ("fault", "kind"), [("expired", TlsError), ("wrong_host", TlsError), ("self_signed", TlsError)]
)
def test_bad_certificates(certificates: Certificates, fault: str, kind: type[Exception]) -> None:
    async def work(_: Stream) -> None:
        raise AssertionError("it was trusted")

    context = getattr(certificates, fault).server_context()
    with pytest.raises(kind, match="not trusted"):
        against(silence, work, server_tls=context, tls=trusting(certificates))


def test_tls_where_plain_text_is_spoken(certificates: Certificates) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await reader.read()

    async def work(_: Stream) -> None:
        raise AssertionError("it was taken for TLS")

    with pytest.raises(TlsModeMismatch):
        against(greet, work, tls=trusting(certificates))


def test_a_stream_that_was_never_connected() -> None:
    stream = Stream()
    assert stream.peer == "?"
    assert stream.own_literal == "[127.0.0.1]"
    assert stream.unsent == 0
    with pytest.raises(Disconnected):
        stream.write(b"x")


def test_the_certificates_that_a_peer_showed(certificates: Certificates) -> None:
    shown: list[tuple[bytes, ...]] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def look(stream: Stream) -> None:
        shown.append(stream.certificate_chain())

    handshake = Handshake(certificates.client_context(), "localhost", PATIENCE)
    against(silent, look, server_tls=certificates.good.server_context(), tls=handshake)
    against(silent, look)
    own = ssl.PEM_cert_to_DER_cert(certificates.good.certificate.read_text())
    assert shown == [(own,), ()]
