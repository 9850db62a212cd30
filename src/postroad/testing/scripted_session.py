"""One connection of a scripted server: reads commands, follows the script, keeps what was received."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Final

from postroad.testing.normal_server import NormalServer, Offer, Transaction, chunk_size
from postroad.testing.received import ReceivedMessage, ReceivedSession
from postroad.testing.script import NORMAL, Script, Step, Then

_READ_OCTETS: Final = 1 << 16
_PLAIN_STEP: Final = Step("NOOP")  # what happens where the script has nothing


class _Over(Exception):
    """The connection is at its end."""


class ScriptedSession:
    """Runs one connection to its end."""

    def __init__(
        self,
        record: ReceivedSession,
        script: Script,
        offer: Offer,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        context: ssl.SSLContext | None,
        on_message: Callable[[ReceivedMessage], None],
    ) -> None:
        self._record = record
        self._script = script
        self._normal = NormalServer(offer)
        self._reader, self._writer = streams
        self._context = context
        self._on_message = on_message
        self._buffer = bytearray()

    async def run(self, *, implicit_tls: bool) -> None:
        """Serve until one side hangs up."""
        try:
            if implicit_tls:
                await self._handshake()
            await self._at("GREETING", "")
            while True:
                await self._command(await self._line())
        except (_Over, OSError):  # ssl.SSLError is an OSError
            pass
        finally:
            self._writer.transport.abort()
            self._record.closed = True

    def say(self, wire: bytes, then: Then) -> None:
        """Write something nobody asked for."""
        self._writer.write(wire)
        if then is Then.RESET:
            self._reset()
        elif then is Then.CLOSE:
            self._writer.close()

    # ── the conversation ──────────────────────────────────────────────────────────────────────────────────────────

    async def _command(self, line: str) -> None:
        self._record.commands.append(line)
        if self._normal.in_exchange:
            await self._at("AUTH_RESPONSE", line)
            return
        verb = line.partition(" ")[0].upper()
        match verb:
            case "STARTTLS":
                await self._starttls(line)
            case "DATA":
                if await self._at("DATA", line) // 100 == 3:
                    await self._content()
            case "QUIT":
                await self._at("QUIT", line)
                raise _Over
            case "BDAT" if self._normal.offers("CHUNKING"):
                await self._chunk(line)
            case "EHLO" | "HELO" | "LHLO" | "AUTH" | "MAIL" | "RCPT" | "RSET" | "NOOP" | "VRFY" | "EXPN" | "HELP":
                await self._at(verb, line)
            case _:
                await self._write(b"500 5.5.2 Unknown command\r\n", None)

    async def _starttls(self, line: str) -> None:
        # The client's hello must not be read as plain text, however soon it comes.
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]  # a WriteTransport by its annotation only
        try:
            code = await self._at("STARTTLS", line)
            if code == 220 and self._context is not None:
                await self._handshake()
        finally:
            if not self._writer.transport.is_closing():
                self._writer.transport.resume_reading()  # type: ignore[attr-defined]  # as above

    async def _handshake(self) -> None:
        if self._context is None:
            return
        step = self._script.step("TLS", "", self._record.connection)
        if step is not None:
            await self._act(step, "")
        await self._writer.start_tls(self._context)
        self._buffer.clear()
        self._normal.secured()
        self._record.secure = True

    async def _content(self) -> None:
        if not self._buffer:
            await self._fill()
        await self._content_begins()
        self._normal.take(await self._up_to_the_dot())
        await self._content_is_complete("DOT", ".")

    async def _chunk(self, line: str) -> None:
        """RFC 3030 §2: so many octets, whatever they are, follow the command line."""
        size, last = chunk_size(line)
        if size and not self._buffer:
            await self._fill()
        await self._content_begins()
        self._normal.take(await self._exactly(size))
        if last and self._normal.awaits_content:
            await self._content_is_complete("BDAT LAST", line)
        else:
            await self._at("BDAT LAST" if last else "BDAT", line)

    async def _content_begins(self) -> None:
        step = self._script.step("CONTENT", "", self._record.connection)
        if step is not None:
            await self._act(step, "")

    async def _content_is_complete(self, point: str, line: str) -> None:
        """Answer it: once, or over LMTP once for each recipient (RFC 2033 §4.2)."""
        transaction, normal = self._normal.transaction, self._normal
        lines = list(transaction.recipients) if normal.lmtp and transaction is not None else [line]
        replies: list[str | None] = []
        if not lines:  # a script said 354 although there is nobody
            normal.learn(point, line, 0)
            self._keep(transaction, replies)
        for number, one in enumerate(lines, start=1):
            step = self._script.step(point, one, self._record.connection) or _PLAIN_STEP
            await self._pass_gate(step)
            reply = _wire(step, normal.reply(point, line))
            replies.append(reply.decode("utf-8", "replace").rstrip("\r\n") if reply else None)
            if number == len(lines) or step.then is not Then.CONTINUE:
                # Whoever hears the last word may look at once at what was received.
                normal.learn(point, line, _code(reply))
                self._keep(transaction, replies)
            await self._write(reply, step)

    def _keep(self, transaction: Transaction | None, replies: list[str | None]) -> None:
        if transaction is None:
            return
        said = [reply for reply in replies if reply is not None]
        message = ReceivedMessage(
            transaction.mail_from,
            tuple(transaction.recipients),
            bytes(transaction.content),
            transaction.options,
            self._normal.secure,
            self._normal.user,
            self._record.connection,
            "\n".join(said) if said else None,
            tuple(transaction.recipient_options),
            tuple(replies) if self._normal.lmtp else (),
        )
        self._on_message(message)

    async def _at(self, point: str, line: str) -> int:
        """Do what stands at this point; the code that was said, 0 for none."""
        step = self._script.step(point, line, self._record.connection) or _PLAIN_STEP
        await self._pass_gate(step)
        wire = _wire(step, self._normal.reply(point, line))
        code = _code(wire)
        self._normal.learn(point, line, code)
        await self._write(wire, step)
        return code

    async def _act(self, step: Step, normal: str) -> None:
        await self._pass_gate(step)
        await self._write(_wire(step, normal), step)

    async def _pass_gate(self, step: Step) -> None:
        if step.gate is None:
            return
        opened = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wake() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(opened.set)

        step.gate.arrive(wake)
        await opened.wait()

    # ── octets ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _write(self, wire: bytes, step: Step | None) -> None:
        size = step.chunk if step and step.chunk else len(wire)
        for start in range(0, len(wire), size or 1):
            self._writer.write(wire[start : start + size])
            await self._writer.drain()
        if step is not None:
            await self._then(step.then, wire)

    async def _then(self, then: Then, wire: bytes) -> None:
        match then:
            case Then.CONTINUE:
                return
            case Then.CLOSE:
                self._writer.close()
            case Then.RESET:
                self._reset()
            case Then.STALL:
                await self._until_hung_up()
            case Then.REPEAT:
                while not self._writer.transport.is_closing():
                    self._writer.write(wire * 64)
                    await self._writer.drain()
        raise _Over

    async def _until_hung_up(self) -> None:
        transport = self._writer.transport
        if not transport.is_reading():  # type: ignore[attr-defined]  # a WriteTransport by its annotation only
            transport.resume_reading()  # type: ignore[attr-defined]  # as above
        while await self._reader.read(_READ_OCTETS):
            pass

    def _reset(self) -> None:
        connection = self._writer.get_extra_info("socket")
        # Lingering for zero seconds: close() sends RST instead of FIN (socket(7)).
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def _line(self) -> str:
        while (end := self._buffer.find(b"\n")) < 0:
            await self._fill()
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        del self._buffer[: end + 1]
        return line.decode("utf-8", "backslashreplace")

    async def _up_to_the_dot(self) -> bytes:
        searched = 0
        while not self._buffer.startswith(b".\r\n"):
            end = self._buffer.find(b"\r\n.\r\n", searched)
            if end >= 0:
                content = bytes(self._buffer[: end + 2])
                del self._buffer[: end + 5]
                return (b"\r\n" + content).replace(b"\r\n.", b"\r\n")[2:]
            searched = max(0, len(self._buffer) - 4)
            await self._fill()
        del self._buffer[:3]
        return b""

    async def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            await self._fill()
        octets = bytes(self._buffer[:size])
        del self._buffer[:size]
        return octets

    async def _fill(self) -> None:
        data = await self._reader.read(_READ_OCTETS)
        if not data:
            raise _Over
        self._buffer += data


def _wire(step: Step, normal: str) -> bytes:
    reply = normal if step.reply is NORMAL else step.reply
    if isinstance(reply, bytes):
        return reply
    if not reply:
        return b""
    assert isinstance(reply, str)
    return b"".join(line.encode() + b"\r\n" for line in reply.split("\n"))


def _code(wire: bytes) -> int:
    return int(wire[:3]) if wire[:3].isdigit() else 0
