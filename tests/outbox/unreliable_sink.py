"""A next hop at which much goes wrong, and which remembers what it took: an SMTP server in a thread of the test.

Nothing of postroad is in it. Recipients ``reject@`` are always refused and ``defer@`` always put off; everybody else
meets misfortune by chance until ``fair`` is set.
"""

import asyncio
import re
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from enum import Enum, auto

from postroad.chance import SYSTEM_CHANCE
from tests.outbox.scripted_transport import Stop
from tests.peers.endpoint import LOOPBACK, Endpoint
from tests.peers.stoppable import Stoppable

ADDRESS = re.compile(rb"<([^>]*)>")
LATE = 0.3  # seconds at the most: an answer that a kill may overtake
TOO_LATE = 1.5  # seconds: more than the workers of these tests wait for an answer to the dot


class Misfortune(Enum):
    """What goes wrong with one transaction."""

    TEMPFAIL_RECIPIENT = auto()
    DROP_IN_CONTENT = auto()
    DROP_AT_THE_DOT = auto()  # not taken, and nothing said
    TAKE_AND_DROP = auto()
    TAKE_AND_ANSWER_LATE = auto()
    TAKE_AND_ANSWER_TOO_LATE = auto()
    TAKE_AND_RESET = auto()  # 250, and the connection torn down behind it
    TEMPFAIL_CONTENT = auto()
    REFUSE_CONTENT = auto()


PER_THOUSAND = {
    Misfortune.TEMPFAIL_RECIPIENT: 15,
    Misfortune.DROP_IN_CONTENT: 15,
    Misfortune.DROP_AT_THE_DOT: 10,
    Misfortune.TAKE_AND_DROP: 15,
    Misfortune.TAKE_AND_ANSWER_LATE: 80,
    Misfortune.TAKE_AND_ANSWER_TOO_LATE: 3,
    Misfortune.TAKE_AND_RESET: 20,
    Misfortune.TEMPFAIL_CONTENT: 10,
    Misfortune.REFUSE_CONTENT: 10,
}


def misfortune() -> Misfortune | None:
    draw = SYSTEM_CHANCE() * 1000
    for kind, share in PER_THOUSAND.items():
        if draw < share:
            return kind
        draw -= share
    return None


class Dropped(Exception):
    """The server ends the session without a word."""


class UnreliableSink(Stoppable):
    """A running server. ``on_transaction`` is called, in its thread, at the end of each, whatever came of it.

    At the stops, where there are any, sessions wait before DATA is answered, or the dot.
    """

    def __init__(self, on_transaction: Callable[[], None] = lambda: None) -> None:
        self.fair = False
        self.taken: Counter[str] = Counter()  # by recipient
        self.refused: set[str] = set()  # whose content was refused for good
        self.suffered: Counter[str] = Counter()
        self.transactions = 0
        self.at_data: Stop | None = None
        self.at_dot: Stop | None = None
        self.overlaps: list[str] = []  # whom two transactions named at the same time
        self._named: Counter[str] = Counter()  # in open transactions
        self.on_transaction = on_transaction
        self._writers: set[asyncio.StreamWriter] = set()
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="unreliable-sink")
        self._thread.start()
        self._started.wait()

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._meet, LOOPBACK, 0)
        self.endpoint = Endpoint(LOOPBACK, server.sockets[0].getsockname()[1])
        self._started.set()
        await self._ended.wait()
        server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await Session(self, reader, writer).serve()
        except (Dropped, OSError, asyncio.IncompleteReadError, asyncio.CancelledError):  # cancelled at the very end
            pass
        finally:
            writer.close()
            self._writers.discard(writer)

    def name(self, recipient: str) -> None:
        """A transaction has this recipient from now on."""
        self._named[recipient] += 1
        if self._named[recipient] > 1:
            self.overlaps.append(recipient)

    def forget(self, recipients: list[str]) -> None:
        self._named.subtract(recipients)

    def end_transaction(self) -> None:
        self.transactions += 1
        self.on_transaction()


class Session:
    def __init__(self, sink: UnreliableSink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._sink, self._reader, self._writer = sink, reader, writer
        self._recipients: list[str] = []
        self._fate: Misfortune | None = None

    async def serve(self) -> None:
        self._say("220 sink.example ESMTP")
        commands: dict[bytes, Callable[[bytes], Awaitable[None]]] = {
            b"EHLO": self._ehlo, b"MAIL": self._mail, b"RCPT": self._rcpt, b"DATA": self._data,
        }  # fmt: skip
        try:
            await self._obey(commands)
        finally:
            self._forget()

    def _forget(self) -> None:
        self._sink.forget(self._recipients)
        self._recipients = []

    async def _obey(self, commands: dict[bytes, Callable[[bytes], Awaitable[None]]]) -> None:
        while line := await self._reader.readline():
            verb = line[:4].upper().strip()
            if verb == b"QUIT":
                self._say("221 bye")
                await self._writer.drain()
                return
            await commands.get(verb, self._other)(line)
            await self._writer.drain()

    def _say(self, reply: str) -> None:
        self._writer.write(f"{reply}\r\n".encode())

    async def _ehlo(self, _line: bytes) -> None:
        self._say("250-sink.example\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME")

    async def _other(self, _line: bytes) -> None:
        self._forget()
        self._say("250 2.0.0 ok")

    async def _mail(self, _line: bytes) -> None:
        self._forget()
        self._fate = None if self._sink.fair else misfortune()
        if self._fate is not None:
            self._sink.suffered[self._fate.name] += 1
        self._say("250 2.1.0 ok")

    async def _rcpt(self, line: bytes) -> None:
        address = ADDRESS.search(line)
        assert address is not None
        recipient = address[1].decode()
        match recipient.partition("@")[0]:
            case "reject":
                self._say("550 5.1.1 no such user")
            case "defer":
                self._say("450 4.2.0 busy")
            case _ if self._fate is Misfortune.TEMPFAIL_RECIPIENT:
                self._say("451 4.3.0 later")
            case _:
                self._recipients.append(recipient)
                self._sink.name(recipient)
                self._say("250 2.1.5 ok")

    async def _data(self, _line: bytes) -> None:
        if not self._recipients:
            self._say("554 5.5.1 nobody")
            self._sink.end_transaction()
            return
        if (stop := self._sink.at_data) is not None:
            await stop.pass_by()
        self._say("354 go on")
        await self._writer.drain()
        try:
            if self._fate is Misfortune.DROP_IN_CONTENT:
                await self._reader.readline()
                raise Dropped
            await self._reader.readuntil(b"\r\n.\r\n")
            await self._answer_dot()
        finally:
            self._sink.end_transaction()

    async def _answer_dot(self) -> None:
        recipients = self._recipients.copy()
        answer = self._decision(recipients)
        if self._fate is Misfortune.TAKE_AND_ANSWER_LATE:
            await self._patience(LATE * SYSTEM_CHANCE())
        if (stop := self._sink.at_dot) is not None:
            await stop.pass_by()
        self._forget()  # before anybody hears of it: from here on they may be named again
        if self._fate is Misfortune.TAKE_AND_ANSWER_TOO_LATE:
            await self._patience(TOO_LATE)
        if self._fate in (Misfortune.DROP_AT_THE_DOT, Misfortune.TAKE_AND_DROP):
            raise Dropped
        self._say(answer)
        if self._fate is Misfortune.TAKE_AND_RESET:
            await self._writer.drain()
            self._writer.transport.abort()
            raise Dropped

    def _decision(self, recipients: list[str]) -> str:
        match self._fate:
            case Misfortune.DROP_AT_THE_DOT:
                return ""
            case Misfortune.TEMPFAIL_CONTENT:
                return "451 4.3.0 not now"
            case Misfortune.REFUSE_CONTENT:
                self._sink.refused.update(recipients)
                return "554 5.7.1 not this"
        self._sink.taken.update(recipients)
        return "250 2.0.0 taken"

    async def _patience(self, seconds: float) -> None:
        """The server's own slowness, which is what it is for."""
        turn = asyncio.get_running_loop().create_future()
        timer = asyncio.get_running_loop().call_later(seconds, turn.set_result, None)
        try:
            await turn
        finally:
            timer.cancel()
