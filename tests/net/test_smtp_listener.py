"""The listener on a real socket: its life, its deadlines, its limits; judged over bare streams."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from postroad.errors import ConfigurationError
from postroad.net import smtp_session
from postroad.net.smtp_handler import SmtpClient
from postroad.net.smtp_listener import ListenerLimits, SmtpListener
from postroad.net.smtp_session import SmtpSession
from postroad.reply import Reply
from postroad.smtp.server_events import RecipientGiven
from postroad.smtp.server_settings import ServerLimits, ServerSettings
from tests.net.recording_handler import RecordingHandler
from tests.peers.certificates import Certificates

ENVELOPE = b"MAIL FROM:<ann@a.example>\r\nRCPT TO:<bob@b.example>\r\n"
PATIENCE = 120.0  # seconds; only reached when the listener is broken


class Wire:
    """A client that knows octets only."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, octets: bytes) -> bytes:
        """The next complete reply after writing this."""
        self.writer.write(octets)
        return await self.reply()

    async def reply(self) -> bytes:
        lines = b""
        while True:
            line = await asyncio.wait_for(self.reader.readline(), PATIENCE)
            lines += line
            if line[3:4] != b"-":
                return lines

    async def rest(self) -> bytes:
        """What comes until the other side hangs up."""
        return await asyncio.wait_for(self.reader.read(), PATIENCE)

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await self.writer.wait_closed()


async def dial(listener: SmtpListener, context: ssl.SSLContext | None = None) -> Wire:
    host, port = listener.address
    name = "localhost" if context else None
    return Wire(*await asyncio.open_connection(host, port, ssl=context, server_hostname=name))


class SteppedClock:
    """Time that moves when the test says so."""

    def __init__(self) -> None:
        self.time = 0.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        until = self.time + seconds
        while self.time < until:
            await self._moved.wait()

    def move(self, seconds: float) -> None:
        self.time += seconds
        self._moved.set()
        self._moved = asyncio.Event()


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await test()
        assert asyncio.all_tasks() == {asyncio.current_task()}, "a task was left behind"

    asyncio.run(whole(), debug=False)


def test_a_message_over_a_bare_wire() -> None:
    async def test() -> None:
        handler = RecordingHandler()
        async with SmtpListener(handler, settings=ServerSettings(hostname="mx.example")) as listener:
            wire = await dial(listener)
            assert await wire.reply() == b"220 mx.example ESMTP postroad\r\n"
            await wire.say(b"EHLO client.example\r\n")
            assert await wire.say(ENVELOPE + b"DATA\r\n") == b"250 2.1.0 Sender ok\r\n"
            assert await wire.reply() == b"250 2.1.5 Recipient ok\r\n"
            assert (await wire.reply()).startswith(b"354 ")
            assert await wire.say(b"x\r\n.\r\n") == b"250 2.0.0 Taken\r\n"
            assert await wire.say(b"QUIT\r\n") == b"221 2.0.0 Bye\r\n"
            assert await wire.rest() == b""
            await wire.close()
        ((client, message),) = handler.messages
        assert client.hello == "client.example"
        assert client.peer.startswith("127.0.0.1:")
        assert client.tls is None
        assert message.content == b"x\r\n"

    run(test)


def test_a_whole_session_in_one_write() -> None:
    """Half-closed at once, as ``printf … | nc`` does: every reply still comes."""

    async def test() -> None:
        handler = RecordingHandler()
        async with SmtpListener(handler) as listener:
            wire = await dial(listener)
            wire.writer.write(b"EHLO c\r\n" + 2 * (ENVELOPE + b"DATA\r\nx\r\n.\r\n"))
            wire.writer.write_eof()
            codes = [line[:3] for line in (await wire.rest()).splitlines() if line[3:4] == b" "]
            assert codes == [b"220", b"250", *[b"250", b"250", b"354", b"250"] * 2]
            await wire.close()
        assert len(handler.messages) == 2

    run(test)


def test_the_next_envelope_is_read_while_a_message_is_made_safe() -> None:
    async def test() -> None:
        asked: asyncio.Queue[str] = asyncio.Queue()

        class Watching(RecordingHandler):
            async def rcpt_to(self, client: SmtpClient, given: RecipientGiven) -> Reply | None:
                asked.put_nowait(given.recipient.local)
                return None

        hold = asyncio.Event()
        handler = Watching(hold=hold)
        async with SmtpListener(handler) as listener:
            wire = await dial(listener)
            wire.writer.write(b"EHLO c\r\n" + ENVELOPE + b"DATA\r\nx\r\n.\r\n" + ENVELOPE + b"DATA\r\n")
            assert [await asyncio.wait_for(asked.get(), PATIENCE) for _ in range(2)] == ["bob", "bob"]
            assert not handler.messages
            hold.set()
            replies = [await wire.reply() for _ in range(9)]
            assert [reply[:3] for reply in replies[-4:]] == [b"250", b"250", b"250", b"354"]
            await wire.close()

    run(test)


def test_starttls(certificates: Certificates) -> None:
    async def test() -> None:
        handler = RecordingHandler()
        async with SmtpListener(handler, tls=certificates.good.server_context()) as listener:
            wire = await dial(listener)
            await wire.reply()
            assert b"STARTTLS" in await wire.say(b"EHLO c\r\n")
            assert (await wire.say(b"STARTTLS\r\n")).startswith(b"220 ")
            await wire.writer.start_tls(certificates.client_context(), server_hostname="localhost")
            assert b"STARTTLS" not in await wire.say(b"EHLO secure\r\n")
            await wire.say(ENVELOPE + b"DATA\r\nx\r\n.\r\n")
            assert [(await wire.reply())[:3] for _ in range(3)] == [b"250", b"354", b"250"]
            await wire.say(b"QUIT\r\n")
            await wire.close()
        ((client, _),) = handler.messages
        assert client.hello == "secure"
        assert client.tls is not None
        assert client.tls.startswith("TLSv1.")

    run(test)


def test_plain_text_behind_starttls(certificates: Certificates) -> None:
    async def test() -> None:
        async with SmtpListener(RecordingHandler(), tls=certificates.good.server_context()) as listener:
            wire = await dial(listener)
            await wire.reply()
            await wire.say(b"EHLO c\r\n")
            assert await wire.say(b"STARTTLS\r\nMAIL FROM:<evil@e.example>\r\n") == (
                b"421 4.7.0 Plain text came behind STARTTLS\r\n"
            )
            assert await wire.rest() == b""
            await wire.close()

    run(test)


def test_implicit_tls(certificates: Certificates) -> None:
    async def test() -> None:
        handler = RecordingHandler()
        context = certificates.good.server_context()
        async with SmtpListener(handler, tls=context, implicit_tls=True) as listener:
            wire = await dial(listener, certificates.client_context())
            assert (await wire.reply()).startswith(b"220 ")
            assert b"STARTTLS" not in await wire.say(b"EHLO c\r\n")
            await wire.say(ENVELOPE + b"DATA\r\nx\r\n.\r\nQUIT\r\n")
            await wire.rest()
            await wire.close()
        assert handler.messages[0][0].tls

    run(test)


@pytest.mark.parametrize("implicit_tls", [True, False])
def test_a_handshake_that_fails_or_never_comes(certificates: Certificates, implicit_tls: bool) -> None:
    async def test() -> None:
        context = certificates.good.server_context()
        async with SmtpListener(RecordingHandler(), tls=context, implicit_tls=implicit_tls) as listener:
            talking, silent = await dial(listener), await dial(listener)
            if not implicit_tls:
                for wire in (talking, silent):
                    await wire.reply()
                    await wire.say(b"EHLO c\r\n")
                    await wire.say(b"STARTTLS\r\n")
            talking.writer.write(b"EHLO plain.example\r\n")
            assert b"250" not in await talking.rest()
            await talking.close()
        assert b"250" not in await silent.rest()  # hung up on when the listener was closed
        await silent.close()

    run(test)


def test_a_handshake_has_a_deadline(certificates: Certificates) -> None:
    async def test() -> None:
        limits = ListenerLimits(handshake_seconds=0.01)
        context = certificates.good.server_context()
        async with SmtpListener(RecordingHandler(), tls=context, implicit_tls=True, limits=limits) as listener:
            wire = await dial(listener)
            assert await wire.rest() == b""
            await wire.close()

    run(test)


def test_silence_has_a_deadline() -> None:
    async def test() -> None:
        clock = SteppedClock()
        handler = RecordingHandler()
        async with SmtpListener(handler, clock=clock, limits=ListenerLimits(idle_seconds=300)) as listener:
            idle, busy = await dial(listener), await dial(listener)
            await idle.reply()
            await busy.reply()
            clock.move(200)
            await busy.say(b"EHLO busy\r\n")
            await busy.say(ENVELOPE)
            clock.move(150)
            assert await idle.rest() == b"421 4.4.2 Nothing came for too long\r\n"
            assert (await busy.reply())[:3] == b"250"
            assert (await busy.say(b"DATA\r\n"))[:3] == b"354"
            clock.move(299)
            await busy.say(b"one line\r\n.\r\n")
            busy.writer.write(b"a command that never e")
            clock.move(301)
            assert (await busy.rest()).startswith(b"421 4.4.2 ")
            await idle.close()
            await busy.close()
        assert len(handler.messages) == 1

    run(test)


def test_a_client_that_reads_no_replies_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        clock, full = SteppedClock(), asyncio.Event()
        monkeypatch.setattr(SmtpSession, "pause_writing", _and_then(SmtpSession.pause_writing, full.set))
        name = "a." * 120 + "example"  # long replies fill the buffers sooner
        settings = ServerSettings(name, limits=ServerLimits(commands_without_mail=10**9))
        async with SmtpListener(RecordingHandler(), clock=clock, settings=settings) as listener:
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # soon full
            connection.connect(listener.address)
            wire = Wire(*await asyncio.open_connection(sock=connection, limit=1))
            writing = asyncio.ensure_future(_flood(wire))
            await asyncio.wait_for(full.wait(), PATIENCE)
            clock.move(301)
            with pytest.raises(ConnectionError):
                await asyncio.wait_for(writing, PATIENCE)
            await wire.close()

    run(test)


def _and_then(method: Callable[[SmtpSession], None], tell: Callable[[], None]) -> Callable[[SmtpSession], None]:
    def both(session: SmtpSession) -> None:
        method(session)
        tell()

    return both


async def _flood(wire: Wire) -> None:
    while True:
        wire.writer.write(b"EHLO c\r\n" * 1000)
        await wire.writer.drain()


def test_too_many_connections() -> None:
    async def test() -> None:
        async with SmtpListener(RecordingHandler(), limits=ListenerLimits(connections=1)) as listener:
            first = await dial(listener)
            await first.reply()
            second = await dial(listener)
            assert await second.rest() == b"421 4.3.2 Too many connections\r\n"
            await second.close()
            assert (await first.say(b"NOOP\r\n"))[:3] == b"250"
            await first.say(b"QUIT\r\n")
            await first.close()

    run(test)


def test_closing_lets_a_dot_finish_and_says_421() -> None:
    async def test() -> None:
        hold = asyncio.Event()
        handler = RecordingHandler(hold=hold)
        listener = await SmtpListener(handler).start()
        sending, idle, halfway = await dial(listener), await dial(listener), await dial(listener)
        for wire in (sending, idle, halfway):
            await wire.reply()
        halfway.writer.write(b"EHLO c\r\n" + ENVELOPE + b"DATA\r\nhalf a mess")
        sending.writer.write(b"EHLO c\r\n" + ENVELOPE + b"DATA\r\nx\r\n.\r\n")
        await asyncio.wait_for(handler.arrived.wait(), PATIENCE)
        closing = asyncio.ensure_future(listener.close())
        assert await idle.rest() == b"421 4.3.2 Shutting down\r\n"
        assert (await halfway.rest()).endswith(b"421 4.3.2 Shutting down\r\n")
        assert not closing.done()
        hold.set()
        assert (await sending.rest()).endswith(b"250 2.0.0 Taken\r\n421 4.3.2 Shutting down\r\n")
        for wire in (sending, idle, halfway):
            await wire.close()
        await asyncio.wait_for(closing, PATIENCE)
        await listener.close()
        assert len(handler.messages) == 1

    run(test)


def test_closing_does_not_wait_for_ever() -> None:
    async def test() -> None:
        handler = RecordingHandler(hold=asyncio.Event())
        listener = await SmtpListener(handler, limits=ListenerLimits(closing_seconds=0.01)).start()
        wire = await dial(listener)
        wire.writer.write(b"EHLO c\r\n" + ENVELOPE + b"DATA\r\nx\r\n.\r\nNOOP\r\n")
        await asyncio.wait_for(handler.arrived.wait(), PATIENCE)
        await asyncio.wait_for(listener.close(), PATIENCE)
        assert b"250 2.0.0 Taken" not in await wire.rest()
        await wire.close()
        assert not handler.messages

    run(test)


def test_a_client_that_vanishes_does_not_stop_its_message() -> None:
    async def test() -> None:
        handler = RecordingHandler(hold=asyncio.Event())
        assert handler.hold is not None
        async with SmtpListener(handler) as listener:
            wire = await dial(listener)
            wire.writer.write(b"EHLO c\r\n" + ENVELOPE + b"DATA\r\nx\r\n.\r\n")
            await asyncio.wait_for(handler.arrived.wait(), PATIENCE)
            wire.writer.transport.abort()
            await wire.close()
            handler.hold.set()
        assert len(handler.messages) == 1

    run(test)


def test_a_client_that_is_gone_before_its_goodbye_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    def hit_and_run(address: tuple[str, int]) -> None:
        for session in (b"QUIT\r\n", b"EHLO c\r\n" + ENVELOPE + b"DATA\r\nx\r\n.\r\nQUIT\r\n") * 20:
            with socket.create_connection(address) as connection:
                connection.sendall(session)  # and nothing is read, so that closing resets the connection

    async def test() -> None:
        async with SmtpListener(RecordingHandler()) as listener:
            await asyncio.to_thread(hit_and_run, listener.address)

    run(test)
    assert not caplog.records


def test_a_handler_that_fails_is_a_451(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        handler = RecordingHandler(answer="354 nonsense")
        async with SmtpListener(handler) as listener:
            wire = await dial(listener)
            await wire.reply()
            await wire.say(b"EHLO c\r\n")
            await wire.say(b"MAIL FROM:<a@a.example>\r\n")
            assert await wire.say(b"RCPT TO:<broken@b.example>\r\n") == (
                b"451 4.3.0 Something went wrong here, try again later\r\n"
            )
            await wire.say(b"RCPT TO:<bob@b.example>\r\n")
            await wire.say(b"DATA\r\n")
            assert (await wire.say(b".\r\n")).startswith(b"451 4.3.0 ")
            await wire.say(b"QUIT\r\n")
            await wire.close()

    with caplog.at_level(logging.ERROR):
        run(test)
    assert [record.getMessage() for record in caplog.records] == [
        "the handler failed at RecipientGiven",
        "the handler failed at ContentComplete",
    ]


def test_a_large_message_in_little_pieces() -> None:
    async def test() -> None:
        handler = RecordingHandler()
        content = b"".join(b"%068d\r\n" % number for number in range(100_000))
        async with SmtpListener(handler) as listener:
            wire = await dial(listener)
            wire.writer.write(b"EHLO c\r\n" + ENVELOPE + b"DATA\r\n")
            for start in range(0, len(content), 100_001):
                wire.writer.write(content[start : start + 100_001])
                await wire.writer.drain()
            wire.writer.write(b".\r\nQUIT\r\n")
            assert (await wire.rest()).endswith(b"250 2.0.0 Taken\r\n221 2.0.0 Bye\r\n")
            await wire.close()
        assert handler.messages[0][1].content == content

    run(test)


def test_a_message_too_large_is_drained_and_the_session_goes_on() -> None:
    async def test() -> None:
        settings = ServerSettings(limits=ServerLimits(message_octets=1000))
        async with SmtpListener(RecordingHandler(), settings=settings) as listener:
            wire = await dial(listener)
            wire.writer.write(b"EHLO c\r\n" + ENVELOPE + b"DATA\r\n" + b"x" * 70 + b"\r\n" * 500_000 + b".\r\n")
            replies = [await wire.reply() for _ in range(6)]
            assert replies[-1] == b"552 5.3.4 Message too large\r\n"
            assert (await wire.say(b"NOOP\r\n"))[:3] == b"250"
            await wire.close()

    run(test)


def test_the_address_is_known_once_started_and_may_be_taken() -> None:
    async def test() -> None:
        listener = SmtpListener(RecordingHandler())
        with pytest.raises(ConfigurationError, match="not been started"):
            _ = listener.address
        await listener.close()
        async with listener:
            host, port = listener.address
            assert (host, port > 0) == ("127.0.0.1", True)
            with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1:{port}"):
                await SmtpListener(RecordingHandler(), port=port).start()

    run(test)


def test_tls_needs_a_certificate() -> None:
    with pytest.raises(ConfigurationError, match="no certificate"):
        SmtpListener(RecordingHandler(), implicit_tls=True)
    with pytest.raises(ConfigurationError, match="no certificate"):
        SmtpListener(RecordingHandler(), settings=ServerSettings(tls_required=True))


def test_the_clock_is_handed_in() -> None:
    source = Path(smtp_session.__file__).read_text()
    assert "import time" not in source
