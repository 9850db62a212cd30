"""The contents of one session: read by DATA or BDAT, handed out, answered sooner or later."""

from typing import Final

from postroad.reply import Reply
from postroad.smtp import command_parser as parser
from postroad.smtp import standard_replies as say
from postroad.smtp.chunks import ChunkReader
from postroad.smtp.line_reader import LineReader
from postroad.smtp.reply_queue import Place, octets_of, with_enhanced_code
from postroad.smtp.server_events import ContentComplete, Ending
from postroad.smtp.server_settings import ServerLimits
from postroad.smtp.server_standing import Standing
from postroad.smtp.server_transaction import Transaction, refusal_of
from postroad.smtp.states import State, Verb, may_accept
from postroad.smtp.unstuff import DotContent

# Contents handed out and not answered, beyond which no chunk is read: with BDAT a client need not wait for replies.
CONTENTS_AHEAD: Final = 100
OCTETS_AHEAD: Final = 1024 * 1024

# These wait until every content before them is answered: what they begin must not depend on what is not known yet.
_NEEDS_ALL_ANSWERED: Final = frozenset({Verb.DATA, Verb.STARTTLS, Verb.AUTH})


class Contents:
    """``reading`` takes the octets that come next; while there is one, they are no commands."""

    __slots__ = ("_limits", "_standing", "_transaction", "_waiting", "reading")

    def __init__(self, limits: ServerLimits, standing: Standing, transaction: Transaction) -> None:
        self.reading: DotContent | ChunkReader | None = None
        self._limits = limits
        self._standing = standing
        self._transaction = transaction
        self._waiting: list[tuple[ContentComplete, Place]] = []  # for an answer

    @property
    def unanswered(self) -> int:
        return len(self._waiting)

    def must_wait(self, verb: Verb) -> bool:
        """Whether this command cannot be run before contents are answered."""
        if verb is not Verb.BDAT:
            return bool(self._waiting) and verb in _NEEDS_ALL_ANSWERED
        octets = sum(len(content.content) for content, _ in self._waiting)
        return octets >= OCTETS_AHEAD or len(self._waiting) >= CONTENTS_AHEAD

    def answer(self, question: ContentComplete, reply: Reply) -> None:
        """The reply takes its place.

        Raises:
            ValueError: it cannot be written, or the content does not wait for it.
        """
        for number, (content, place) in enumerate(self._waiting):
            if content is question:
                self._standing.queue.fill(place, octets_of(with_enhanced_code(reply), utf8=question.mail.smtputf8))
                del self._waiting[number]
                return
        raise ValueError("this content is answered already, or belongs to another session")

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────

    def begin_data(self) -> None:
        """DATA was answered 354."""
        self.reading = self._transaction.read_data()

    def begin_chunk(self, argument: str, out_of_order: Reply) -> None:
        """BDAT has come. RFC 3030 §2: also what will be refused must be read first."""
        chunk = parser.chunk(argument)
        if chunk is None:
            self._standing.end(say.BAD_CHUNK, Ending.BAD_CHUNK)
            return
        refusal = None if may_accept(self._standing.state, chunk.verb) else out_of_order
        if refusal is None and self._transaction.failed:
            refusal = say.CHUNK_REFUSED
        self.reading = self._transaction.read_chunk(chunk, refusal)
        if self.reading is None:
            self._standing.end(say.ENDLESS_CONTENT, Ending.ENDLESS_CONTENT)

    def read(self, lines: LineReader) -> ContentComplete | None:
        """Take what has come. ``reading`` is gone afterwards if that was all of it."""
        reading = self.reading
        assert reading is not None
        rest = reading.feed(lines.take())
        if rest is None:
            if isinstance(reading, DotContent) and reading.octets > self._limits.drained_octets:
                self._standing.end(say.ENDLESS_CONTENT, Ending.ENDLESS_CONTENT)
            return None
        if rest:
            lines.feed(rest)
        self.reading = None
        if isinstance(reading, ChunkReader):
            return self._chunk_read(reading)
        self._standing.patience.content_came()
        return self._conclude(Verb.DOT, self._transaction.complete(reading))

    def _chunk_read(self, reading: ChunkReader) -> ContentComplete | None:
        chunk, content = reading.chunk, reading.content
        if chunk.octets and self._standing.state in (State.RCPT, State.CHUNKS):
            self._standing.patience.content_came()
        if content is None:
            self._answer_chunk(chunk.verb, reading.refusal)
        elif chunk.last:
            content.finish()
            return self._conclude(Verb.BDAT_LAST, self._transaction.complete(content))
        else:
            self._answer_chunk(chunk.verb, refusal_of(content))
        return None

    def _answer_chunk(self, verb: Verb, refusal: Reply | None) -> None:
        standing = self._standing
        if refusal is not None and standing.state in (State.GREETED, State.READY):
            standing.refuse(refusal)
            return
        self._transaction.failed |= refusal is not None and verb is Verb.BDAT
        standing.reply(verb, refusal or say.OK)
        if standing.state is State.READY:
            self._forget()

    def _conclude(self, verb: Verb, outcome: ContentComplete | Reply) -> ContentComplete | None:
        """The last octet of a message is there."""
        self._forget()
        if isinstance(outcome, Reply):
            self._standing.reply(verb, outcome)
            return None
        self._waiting.append((outcome, self._standing.queue.reserve()))
        self._standing.move(verb, 250)  # whatever the answer will be, the state after it is the same
        return outcome

    def _forget(self) -> None:
        self._transaction.forget()
        self._standing.utf8 = False
