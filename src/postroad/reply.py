"""What a mail server says: reply codes, enhanced status codes, and the record of a conversation.

Sources: RFC 5321 §4.2 (replies), RFC 2034 and RFC 3463 (enhanced status codes).
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Self


class Phase(Enum):
    """The step of a delivery at which something was said or went wrong."""

    MESSAGE = "message"  # before any connection: the message itself
    CONFIGURATION = "configuration"
    POOL = "pool"  # waiting for a free connection
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    GREETING = "greeting"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"  # the DATA command and the content, up to the final dot
    DOT = "dot"  # the final dot went out; the answer says who is responsible now
    RSET = "rset"
    NOOP = "noop"
    QUIT = "quit"
    IDLE = "idle"  # between transactions: unsolicited lines
    STORE = "store"  # a transport that writes to disk or memory

    def __str__(self) -> str:
        return self.value


class Code(int):
    """A three-digit reply code (RFC 5321 §4.2.1)."""

    __slots__ = ()

    @property
    def positive(self) -> bool:
        """2yz: done."""
        return 200 <= self <= 299

    @property
    def intermediate(self) -> bool:
        """3yz: go on."""
        return 300 <= self <= 399

    @property
    def temporary(self) -> bool:
        """4yz: not now."""
        return 400 <= self <= 499

    @property
    def permanent(self) -> bool:
        """5yz: not at all."""
        return 500 <= self <= 599


class EnhancedCode(NamedTuple):
    """``class.subject.detail`` (RFC 3463 §2)."""

    klass: int
    subject: int
    detail: int

    def __str__(self) -> str:
        return f"{self.klass}.{self.subject}.{self.detail}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read ``"5.1.1"``; ``None`` where the text is no enhanced status code (RFC 3463 §2 grammar)."""
        parts = text.split(".")
        if len(parts) != 3 or parts[0] not in ("2", "4", "5"):
            return None
        if not all(len(part) <= 3 and part.isascii() and part.isdigit() for part in parts):
            return None
        return cls(int(parts[0]), int(parts[1]), int(parts[2]))


@dataclass(frozen=True, slots=True)
class Reply:
    """One complete reply: its code, and its lines without code, hyphen and line end."""

    code: Code
    lines: tuple[str, ...] = ("",)
    enhanced: EnhancedCode | None = None

    @property
    def text(self) -> str:
        """The lines joined by spaces, without the enhanced status code, which stands in ``enhanced``."""
        if self.enhanced is None:
            return " ".join(self.lines).strip()
        prefix = str(self.enhanced)
        return " ".join(line.removeprefix(prefix).strip() for line in self.lines).strip()

    def __str__(self) -> str:
        parts = [str(int(self.code)), *([str(self.enhanced)] if self.enhanced else []), self.text]
        return " ".join(part for part in parts if part)


class Direction(Enum):
    """Who spoke."""

    CLIENT = ">"
    SERVER = "<"
    NOTE = "*"  # nobody: something that happened, such as a TLS handshake


class TranscriptLine(NamedTuple):
    """One line of a conversation, already redacted."""

    direction: Direction
    text: str

    def __str__(self) -> str:
        return f"{self.direction.value} {self.text}"


class Transcript:
    """The redacted record of one conversation: commands and replies, never credentials, never content.

    Bounded: the first and the last entries are kept (a connection may live for thousands of messages). What is added is
    made into lines only when somebody reads it, because nearly nobody ever does.
    """

    __slots__ = ("_added", "_first", "_last")

    KEPT_FIRST = 40  # entries; greeting, EHLO, TLS, AUTH fit in
    KEPT_LAST = 120  # entries; some transactions with their replies

    def __init__(self) -> None:
        self._first: list[_Entry] = []
        self._last: deque[_Entry] = deque(maxlen=self.KEPT_LAST)
        self._added = 0  # behind the first

    def add(self, direction: Direction, said: str | bytes | Reply) -> None:
        """Record a line of text, a command with its line end, or a reply; the caller has masked secrets."""
        self.extend([(direction, said)])

    def extend(self, said: "Sequence[_Entry]") -> None:
        """Record commands as they were written (bytes) or replies, one after the other."""
        if len(self._first) < self.KEPT_FIRST:
            self._first.extend(said)
        else:
            self._last.extend(said)
            self._added += len(said)

    def snapshot(self) -> tuple[TranscriptLine, ...]:
        """The lines kept so far, with a note where some were left out."""
        first = [line for entry in self._first for line in _lines(entry)]
        last = [line for entry in self._last for line in _lines(entry)]
        if dropped := self._added - len(self._last):
            first.append(TranscriptLine(Direction.NOTE, f"({dropped} entries left out)"))
        return (*first, *last)

    def __iter__(self) -> Iterator[TranscriptLine]:
        return iter(self.snapshot())

    def __str__(self) -> str:
        return "\n".join(str(line) for line in self.snapshot())


_Entry = bytes | Reply | tuple[Direction, str | bytes | Reply]  # bytes are the client's, a reply is the server's


def _lines(entry: "_Entry") -> Iterator[TranscriptLine]:
    if isinstance(entry, tuple):
        direction, said = entry
    else:
        direction, said = (Direction.CLIENT if isinstance(entry, bytes) else Direction.SERVER), entry
    if isinstance(said, Reply):
        for text in said.lines:
            yield TranscriptLine(direction, f"{int(said.code)} {text}")
    elif isinstance(said, bytes):
        yield TranscriptLine(direction, said.decode("utf-8", "backslashreplace").removesuffix("\r\n"))
    else:
        yield TranscriptLine(direction, said)
