"""An SMTP server that hangs up at random, answers late and says 421, and keeps a ledger of what it took.

A program, and foreign on purpose: nothing of postroad is in it. Argument: the seed. It prints its SMTP port and its
control port. On the control port the line ``idle`` lets every idle session suffer what it may, ``ledger`` gives the
ledger as a line of JSON.
"""

import asyncio
import json
import re
import sys
from collections import Counter
from dataclasses import dataclass, field

from tests.soak.misfortune import LATE, TOO_LATE, Fate, Misfortune

COMMAND = re.compile(rb"([A-Za-z]{4})(?: ([ -~]*))?\r\n")
ADDRESS = re.compile(r"(?:FROM|TO):<([^>]*)>", re.IGNORECASE)
MARKER = re.compile(rb"(?m)^X-Marker: (\d+)\r$")
TLS_RECORD = b"\x16\x03"
CLOSING = "421 4.3.2 closing"


class Gone(Exception):
    """The session is over."""


@dataclass
class Ledger:
    """What the server took responsibility for, and what it saw."""

    taken: Counter[str] = field(default_factory=Counter)  # by recipient
    mismatches: list[str] = field(default_factory=list)  # a content that belongs to another envelope
    complaints: list[str] = field(default_factory=list)  # what a client must never do
    misfortunes: Counter[str] = field(default_factory=Counter)
    sessions: int = 0
    transactions: int = 0


async def later(seconds: float) -> None:
    """The server's own slowness, which is what it is for."""
    loop = asyncio.get_running_loop()
    turn = loop.create_future()
    timer = loop.call_later(seconds, turn.set_result, None)
    try:
        await turn
    finally:
        timer.cancel()


class Session:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fate: Fate, ledger: Ledger) -> None:
        self._reader, self._writer = reader, writer
        self._fate, self._ledger = fate, ledger
        self._input = bytearray()
        self._output = bytearray()
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._chunks: bytearray | None = None

    # ── in and out ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _more(self) -> None:
        await self._flush()
        data = await self._reader.read(1 << 16)
        if not data:
            raise Gone
        self._input += data

    async def _until(self, end: bytes) -> bytes:
        seen = 0
        while (at := self._input.find(end, max(0, seen - len(end)))) < 0:
            seen = len(self._input)
            await self._more()
        return self._cut(at + len(end))

    def _cut(self, octets: int) -> bytes:
        taken = bytes(self._input[:octets])
        del self._input[:octets]
        return taken

    async def _flush(self) -> None:
        """Write what has been said, now and then in pieces, each of which is a packet of its own."""
        said, self._output = bytes(self._output), bytearray()
        start = 0
        for cut in [*self._fate.cuts(len(said)), len(said)]:
            self._writer.write(said[start:cut])
            await (self._writer.drain() if cut == len(said) else later(0))
            start = cut

    async def _say(self, point: str, answer: str) -> None:
        """Answer, unless something goes wrong."""
        misfortune = self._fate.misfortune(point)
        if misfortune is not None:
            await self._suffer(misfortune, answer)
        self._output += f"{answer}\r\n".encode()

    async def _suffer(self, misfortune: Misfortune, answer: str = "") -> None:
        self._ledger.misfortunes[misfortune.name] += 1
        await self._flush()
        match misfortune:
            case Misfortune.LATE_ANSWER:
                await later(self._fate.between(*LATE))
                return
            case Misfortune.ANSWER_TOO_LATE:
                await later(TOO_LATE)
                return
            case Misfortune.RESET:
                self._writer.transport.abort()
            case Misfortune.CLOSING | Misfortune.CLOSING_WITHOUT_END:
                self._output += f"{CLOSING}\r\n".encode()
            case Misfortune.HALF_ANSWER:
                self._output += answer.encode()[: len(answer) // 2]
            case Misfortune.GARBAGE:
                self._output += b"\x00\xff what is that\r\n"
            case Misfortune.HANG_UP:
                pass
        await self._flush()
        if misfortune is Misfortune.CLOSING_WITHOUT_END:
            while await self._reader.read(1 << 16):  # deaf from here on
                pass
        raise Gone

    # ── the conversation ──────────────────────────────────────────────────────────────────────────────────────────

    async def serve(self) -> None:
        await self._say("GREETING", "220 unreliable.example ESMTP")
        while True:
            line = await self._until(b"\n")
            command = COMMAND.fullmatch(line)
            if line.startswith(TLS_RECORD):  # nobody greeted in time, so the client asks whether TLS is expected here
                raise Gone
            if command is None:
                self._complain(f"no command: {line[:80]!r}")
                await self._say("ELSEWHERE", "500 5.5.2 what?")
                continue
            verb, rest = command[1].decode().upper(), (command[2] or b"").decode()
            if verb == "QUIT":
                await self._say(verb, "221 2.0.0 bye")
                await self._flush()
                return
            await self._obey(verb, rest)

    async def _obey(self, verb: str, rest: str) -> None:
        match verb:
            case "EHLO":
                await self._ehlo()
            case "MAIL":
                await self._mail(rest)
            case "RCPT":
                await self._rcpt(rest)
            case "DATA":
                await self._data()
            case "BDAT":
                await self._bdat(rest)
            case "RSET":
                self._forget()
                await self._say(verb, "250 2.0.0 forgotten")
            case "NOOP":
                await self._say(verb, "250 2.0.0 alive")
            case _:
                self._complain(f"unknown: {verb} {rest!r}")
                await self._say("ELSEWHERE", "502 5.5.1 unknown")

    def _complain(self, what: str) -> None:
        self._ledger.complaints.append(what)

    def _forget(self) -> None:
        self._sender, self._recipients, self._chunks = None, [], None

    async def _ehlo(self) -> None:
        offers = ["unreliable.example", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8", "SIZE 50000000"]
        offers += ["PIPELINING"] if self._fate.pipelining else []
        offers += ["CHUNKING"] if self._fate.chunking else []
        offers += [f"LIMITS RCPTMAX={self._fate.most_recipients}"] if self._fate.most_recipients else []
        *others, last = offers
        await self._say("EHLO", "\r\n".join([*(f"250-{one}" for one in others), f"250 {last}"]))

    async def _mail(self, rest: str) -> None:
        address = ADDRESS.match(rest)
        if address is None or self._sender is not None:
            self._complain(f"MAIL {rest!r} inside the transaction of {self._sender}")
            await self._say("MAIL", "503 5.5.1 not now")
        elif self._fate.happens(0.01):
            await self._say("MAIL", f"451 4.7.1 {address[1]}: not this sender")
        else:
            self._ledger.transactions += 1
            self._sender = address[1]
            await self._say("MAIL", f"250 2.1.0 {address[1]}: ok")

    async def _rcpt(self, rest: str) -> None:
        address = ADDRESS.match(rest)
        if address is None:
            self._complain(f"RCPT {rest!r}")
            await self._say("RCPT", "501 5.5.4 whom?")
        elif self._sender is None:  # its MAIL was refused, and this one was on the way
            await self._say("RCPT", f"503 5.5.1 {address[1]}: no sender")
        elif self._fate.most_recipients is not None and len(self._recipients) >= self._fate.most_recipients:
            await self._say("RCPT", f"452 4.5.3 {address[1]}: too many recipients")
        elif refusal := self._fate.refusal():
            await self._say("RCPT", f"{refusal} {address[1]}: not this one")
        else:
            self._recipients.append(address[1])
            await self._say("RCPT", f"250 2.1.5 {address[1]}: ok")

    async def _data(self) -> None:
        if not self._recipients and self._fate.happens(0.8):
            await self._say("DATA", "554 5.5.1 nobody")
            return
        if self._fate.happens(0.005):
            await self._say("DATA", "451 4.3.0 no content now")
            return
        await self._say("DATA", "354 go on")  # also where nobody is left, which RFC 2920 §3.1 has clients expect
        await self._flush()
        content = await self._content()
        await self._decide(content)

    async def _content(self) -> bytes:
        """Everything before the dot, unstuffed."""
        misfortune = self._fate.misfortune("CONTENT")
        if misfortune is not None:
            if not self._input:
                await self._more()
            await self._suffer(misfortune, "250 never meant")
        content = b"" if await self._starts_with(b".\r\n") else await self._until(b"\r\n.\r\n")
        if re.search(rb"(?<!\r)\n|\r(?!\n)", content):
            self._complain("a bare CR or LF in a content")
        return re.sub(rb"(?m)^\.", b"", content.removesuffix(b".\r\n"))

    async def _starts_with(self, start: bytes) -> bool:
        while len(self._input) < len(start):
            await self._more()
        return self._input.startswith(start) and bool(self._cut(len(start)))

    async def _bdat(self, rest: str) -> None:  # RFC 3030 §2
        size, _, last = rest.partition(" ")
        if not size.isdigit() or last.upper() not in ("", "LAST"):
            self._complain(f"BDAT {rest!r}")
            raise Gone
        while len(self._input) < int(size):
            await self._more()
        chunk = self._cut(int(size))
        if not self._recipients:
            await self._say("DATA", "503 5.5.1 nobody")
            return
        self._chunks = (self._chunks or bytearray()) + chunk
        if last:
            await self._decide(bytes(self._chunks))
        else:
            await self._say("DATA", "250 2.0.0 more")

    async def _decide(self, content: bytes) -> None:
        """Take the message or do not; then say so, unless something goes wrong."""
        sender, recipients = self._sender or "", self._recipients
        self._forget()
        if not recipients:
            await self._say("DOT", "554 5.5.1 nobody")
            return
        marker = self._marker(content, sender, recipients)
        misfortune = self._fate.misfortune("DOT")
        if misfortune in (Misfortune.CLOSING, Misfortune.CLOSING_WITHOUT_END) or self._fate.happens(0.01):
            answer = f"452 4.3.1 {marker}: not this content"
        else:
            answer = f"250 2.0.0 {marker}: taken"
            late = misfortune not in (None, Misfortune.LATE_ANSWER)
            if not late or self._fate.happens(0.5):
                self._ledger.taken.update(recipients)
        if misfortune is not None:
            await self._suffer(misfortune, answer)
        self._output += f"{answer}\r\n".encode()
        after = self._fate.misfortune("AFTER")
        if after in (Misfortune.HANG_UP, Misfortune.CLOSING, Misfortune.CLOSING_WITHOUT_END, Misfortune.RESET):
            await self._suffer(after)

    def _marker(self, content: bytes, sender: str, recipients: list[str]) -> str:
        """The number that the content carries, which must be that of its whole envelope."""
        numbers = {marker.decode() for marker in MARKER.findall(content)}
        numbers |= {address.partition("@")[0].partition(".")[2] for address in (sender, *recipients)}
        whole = content.endswith(b"the end\r\n")
        if len(numbers) != 1 or not whole:
            self._ledger.mismatches.append(f"{sender} to {recipients}: {numbers}, {'whole' if whole else 'cut off'}")
        return "+".join(sorted(numbers))

    # ── idling ────────────────────────────────────────────────────────────────────────────────────────────────────

    def suffer_while_idle(self) -> None:
        """Nobody waits for an answer: say something all the same, or hang up."""
        misfortune = None if self._sender is not None or self._input else self._fate.while_idle()
        if misfortune is None:
            return
        self._ledger.misfortunes[f"{misfortune.name}_WHILE_IDLE"] += 1
        if misfortune in (Misfortune.CLOSING, Misfortune.CLOSING_WITHOUT_END):
            self._writer.write(f"{CLOSING}\r\n".encode())
        elif misfortune is Misfortune.GARBAGE:
            self._writer.write(b"250 2.0.0 nobody asked\r\n")
        if misfortune in (Misfortune.CLOSING, Misfortune.HANG_UP):
            self._writer.close()


class UnreliableServer:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._ledger = Ledger()
        self._sessions: set[Session] = set()

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ledger.sessions += 1
        session = Session(reader, writer, Fate(self._seed, self._ledger.sessions), self._ledger)
        self._sessions.add(session)
        try:
            await session.serve()
        except (Gone, OSError):
            pass
        finally:
            self._sessions.discard(session)
            writer.close()

    async def obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while order := (await reader.readline()).strip():
            if order == b"idle":
                for session in list(self._sessions):
                    session.suffer_while_idle()
            writer.write(json.dumps(vars(self._ledger) if order == b"ledger" else {}).encode() + b"\n")
            await writer.drain()
        writer.close()


async def main(seed: str) -> None:
    server = UnreliableServer(int(seed))
    mail = await asyncio.start_server(server.meet, "127.0.0.1", 0)
    control = await asyncio.start_server(server.obey, "127.0.0.1", 0)
    print(*(one.sockets[0].getsockname()[1] for one in (mail, control)), flush=True)
    async with mail, control:
        await control.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
