"""Content as it comes in by BDAT (RFC 3030 §2): chunks of a length said beforehand, nothing stuffed."""

from dataclasses import dataclass

from postroad.reply import Reply
from postroad.smtp.incoming_content import CRLF, IncomingContent
from postroad.smtp.states import Verb


@dataclass(frozen=True, slots=True)
class Chunk:
    """A BDAT command: how many octets follow it, and whether they are the last ones."""

    octets: int
    last: bool

    @property
    def verb(self) -> Verb:
        """What it is in the table of states."""
        return Verb.BDAT_LAST if self.last else Verb.BDAT


class ChunkedContent(IncomingContent):
    """Puts chunks together; lines may be cut anywhere."""

    __slots__ = ()

    def add(self, data: bytes) -> None:
        raw = self._tail + data
        lines = raw.split(CRLF)
        tail = lines.pop()
        if lines:
            self._take(lines, raw[: len(raw) - len(tail)])
        self._hold(tail)

    def finish(self) -> None:
        """The last chunk has come. A last line without its end gets one: DATA could not carry it otherwise."""
        if self._tail or self._begun:
            tail, self._tail = self._tail, b""
            self._take([tail], tail + CRLF)


class ChunkReader:
    """Counts off one chunk. ``content`` gets it; or nobody does, and it is answered with a refusal."""

    __slots__ = ("_left", "chunk", "content", "refusal")

    def __init__(self, chunk: Chunk, goal: ChunkedContent | Reply) -> None:
        self.chunk = chunk
        self.content = goal if isinstance(goal, ChunkedContent) else None
        self.refusal = goal if isinstance(goal, Reply) else None
        self._left = chunk.octets

    def feed(self, data: bytes) -> bytes | None:
        """Add octets. When the chunk is complete: what came behind it; until then ``None``."""
        piece = data[: self._left]
        self._left -= len(piece)
        if piece and self.content is not None:
            self.content.add(piece)
        return None if self._left else data[len(piece) :]
