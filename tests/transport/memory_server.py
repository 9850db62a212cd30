"""An SMTP server made of plain methods: it hears everything, and answers one command when it is told how."""

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

_ADDRESS = re.compile(r"(?:FROM|TO):<([^>]*)>")
_MARKER = re.compile(rb"(?m)^Subject: (\d+)\r$")


class Answer(Enum):
    """How the oldest command that waits is answered."""

    YES = "as a good server would"
    LATER = "450"
    NEVER = "550"
    CLOSING = "421, and the end"
    CLOSING_WITHOUT_END = "421, and the connection stays"
    HANG_UP = "not at all"
    GARBAGE = "by what is no reply"


class ClientEnd(Protocol):
    def deliver(self, data: bytes) -> None: ...
    def hang_up(self) -> None: ...


@dataclass
class Books:
    """What all connections to one server saw."""

    taken: Counter[str] = field(default_factory=Counter)
    wrongs: list[str] = field(default_factory=list)  # what a client must never do


def number_of(address: str) -> str:
    """The message that an address belongs to: ``r0.17@example.com`` is the 17th's."""
    return address.partition("@")[0].partition(".")[2]


class MemoryServer:
    """One connection, from the server's side."""

    def __init__(self, books: Books, offers: tuple[str, ...]) -> None:
        self._books, self._offers = books, offers
        self._client: ClientEnd | None = None
        self._buffer = b""
        self._in_content = False
        self._chunks = b""
        self._sender: str | None = None
        self._recipients: list[str] = []
        self.due: deque[tuple[str, str, bytes]] = deque([("GREETING", "", b"")])  # verb, argument, content
        self.open = True
        self.deaf = False

    @property
    def probed(self) -> bool:
        """It has been asked whether it still lives."""
        return any(verb == "NOOP" for verb, _, _ in self.due)

    @property
    def greeting(self) -> bool:
        """The conversation has not got beyond the first command."""
        return any(verb in ("GREETING", "EHLO") for verb, _, _ in self.due)

    @property
    def idle(self) -> bool:
        """Everything has been answered, and no transaction is under way."""
        return self.open and not self.due and not self._in_content and self._sender is None and not self.deaf

    @property
    def carries(self) -> set[str]:
        """The messages that this connection is busy with."""
        senders = [argument for verb, argument, _ in self.due if verb == "MAIL"]
        found = [_ADDRESS.match(argument) for argument in senders]
        numbers = {number_of(address[1]) for address in found if address}
        return numbers | {number_of(one) for one in (self._sender, *self._recipients) if one is not None}

    # ── the client's doing ────────────────────────────────────────────────────────────────────────────────────────

    def connected(self, client: ClientEnd) -> None:
        self._client = client

    def client_left(self) -> None:
        self.open = False
        self.due.clear()

    def receive(self, data: bytes) -> None:
        if not self.open or self.deaf:
            return
        if any(verb == "DATA" for verb, _, _ in self.due):
            self._wrong(f"{data[:40]!r} before DATA was answered")
        self._buffer += data
        while self._buffer and (self._take_content() if self._in_content else self._take_command()):
            pass

    def _take_content(self) -> bool:
        end = 3 if self._buffer.startswith(b".\r\n") else self._buffer.find(b"\r\n.\r\n") + 5
        if end < 5 and not self._buffer.startswith(b".\r\n"):
            return False
        self.due.append(("DOT", "", self._cut(end)))
        self._in_content = False
        return True

    def _take_command(self) -> bool:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return False
        verb, _, argument = self._buffer[:end].decode().partition(" ")
        chunk = b""
        if verb == "BDAT":
            size = int(argument.split()[0])
            if len(self._buffer) < end + 2 + size:
                return False
            chunk = self._buffer[end + 2 : end + 2 + size]
        self._cut(end + 2 + len(chunk))
        self.due.append((verb, argument, chunk))
        return True

    def _cut(self, octets: int) -> bytes:
        taken, self._buffer = self._buffer[:octets], self._buffer[octets:]
        return taken

    def _wrong(self, what: str) -> None:
        self._books.wrongs.append(what)

    # ── what it is told to do ─────────────────────────────────────────────────────────────────────────────────────

    def say(self, text: str) -> None:
        assert self._client is not None
        self._client.deliver(text.encode() + b"\r\n")

    def hang_up(self) -> None:
        assert self._client is not None
        self._client.hang_up()
        self.client_left()

    def answer(self, how: Answer) -> None:
        """Answer the oldest command that waits."""
        verb, argument, content = self.due.popleft()
        match how:
            case Answer.YES:
                self._do(verb, argument, content)
            case Answer.LATER | Answer.NEVER:
                self._refuse(verb, argument, how)
            case Answer.CLOSING:
                self.say("421 4.3.2 closing")
                self.hang_up()
            case Answer.CLOSING_WITHOUT_END:
                self.say("421 4.3.2 closing")
                self.deaf = True
                self.due.clear()
            case Answer.HANG_UP:
                self.hang_up()
            case Answer.GARBAGE:
                self.say("what is that?")

    def _refuse(self, verb: str, argument: str, how: Answer) -> None:
        if verb in ("DOT", "BDAT"):
            self._forget()
        self.say(f"{how.value} {argument}: no")

    def _forget(self) -> None:
        self._sender, self._recipients, self._chunks = None, [], b""

    def _do(self, verb: str, argument: str, content: bytes) -> None:
        match verb:
            case "GREETING":
                self.say("220 server.example")
            case "EHLO" | "HELO":
                *others, last = ("server.example", *self._offers) if verb == "EHLO" else ("server.example",)
                self.say("\r\n".join([*(f"250-{one}" for one in others), f"250 {last}"]))
            case "MAIL":
                self._mail(argument)
            case "RCPT":
                self._rcpt(argument)
            case "DATA":
                self._in_content = bool(self._recipients)
                self.say("354 go on" if self._recipients else "554 nobody")
            case "DOT":
                self._take(content.removesuffix(b".\r\n"))
            case "BDAT":
                self._bdat(argument, content)
            case "QUIT":
                self.say("221 bye")
                self.hang_up()
            case _:
                self._forget()
                self.say("250 ok")

    def _mail(self, argument: str) -> None:
        address = _ADDRESS.match(argument)
        if self._sender is not None or address is None:
            self._wrong(f"MAIL {argument} within the transaction of {self._sender}")
            self.say("503 nested")
        else:
            self._sender = address[1]
            self.say("250 sender")

    def _rcpt(self, argument: str) -> None:
        address = _ADDRESS.match(argument)
        if self._sender is None or address is None:
            self.say("503 no sender")
        elif number_of(address[1]) != number_of(self._sender):
            self._wrong(f"{address[1]} in the transaction of {self._sender}")
            self.say("503 another's")
        else:
            self._recipients.append(address[1])
            self.say("250 recipient")

    def _bdat(self, argument: str, chunk: bytes) -> None:
        if not self._recipients:
            self.say("503 nobody")
            return
        self._chunks += chunk
        if argument.upper().endswith("LAST"):
            self._take(self._chunks)
        else:
            self.say("250 more")

    def _take(self, content: bytes) -> None:
        numbers = {found.decode() for found in _MARKER.findall(content)} | {number_of(one) for one in self._recipients}
        if len(numbers) != 1:
            self._wrong(f"a content of {numbers} for {self._recipients}")
        self._books.taken.update(self._recipients)
        self._forget()
        self.say("250 taken")
