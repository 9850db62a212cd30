"""One message on its way in, seen from the server: sender, recipients, content."""

from typing import Final

from postroad.reply import Reply
from postroad.smtp import command_parser as parser
from postroad.smtp import standard_replies as say
from postroad.smtp.chunks import Chunk, ChunkedContent, ChunkReader
from postroad.smtp.command_parser import Refusal
from postroad.smtp.incoming_content import Fault, IncomingContent
from postroad.smtp.server_events import ContentComplete, MailGiven, RecipientGiven
from postroad.smtp.server_settings import RCPT_PARAMETERS, ServerLimits, ServerSettings
from postroad.smtp.unstuff import DotContent

_CONTENT_REFUSALS: Final = (
    (Fault.TOO_LARGE, say.TOO_LARGE),
    (Fault.BARE_LF, say.CONTENT_BARE_LF),
    (Fault.BARE_CR, say.CONTENT_BARE_CR),
    (Fault.NUL, say.CONTENT_NUL),
    (Fault.LONG_LINE, say.CONTENT_LONG_LINE),
)


class Transaction:
    """Used for one message after the other; ``forget`` lies between them.

    ``mail`` and ``given`` are what was accepted. ``failed``: a chunk was refused, so no other may be taken.
    """

    __slots__ = ("_announced", "_chunks", "_hostname", "_limits", "failed", "given", "mail")

    def __init__(self, settings: ServerSettings) -> None:
        self._limits: ServerLimits = settings.limits
        self._hostname = settings.hostname
        self.forget()

    def forget(self) -> None:
        """There is no transaction."""
        self.mail: MailGiven | None = None
        self.given: list[RecipientGiven] = []
        self.failed = False
        self._chunks: ChunkedContent | None = None
        self._announced = 0  # octets of chunks

    def read_mail(self, argument: str, parameters: frozenset[str]) -> MailGiven:
        """MAIL's argument.

        Raises:
            Refusal: it is malformed, or declares too large a message.
        """
        mail = parser.mail(argument, parameters)
        if mail.size is not None and mail.size > self._limits.message_octets:
            raise Refusal(say.TOO_LARGE)
        return mail

    def read_recipient(self, argument: str, *, extended: bool) -> RecipientGiven:
        """RCPT's argument; ``extended``: it may have parameters.

        Raises:
            Refusal: it is malformed, or one too many.
        """
        assert self.mail is not None
        offered = RCPT_PARAMETERS if extended else frozenset[str]()
        given = parser.recipient(argument, self.mail, self._hostname, offered)
        if len(self.given) >= self._limits.recipients:
            raise Refusal(say.TOO_MANY_RECIPIENTS)
        return given

    def read_data(self) -> DotContent:
        """What takes the octets behind a 354."""
        return DotContent(self._limits.message_octets, self._limits.text_line_octets)

    def read_chunk(self, chunk: Chunk, refusal: Reply | None) -> ChunkReader | None:
        """What takes a chunk's octets, also where they will be refused; ``None`` where they are too many for that."""
        self._announced += chunk.octets
        if self._announced > self._limits.drained_octets:
            return None
        if refusal is None and self._announced > self._limits.message_octets:
            refusal = say.TOO_LARGE
        if refusal is not None:
            return ChunkReader(chunk, refusal)
        if self._chunks is None:
            self._chunks = ChunkedContent(self._limits.message_octets, self._limits.text_line_octets)
        return ChunkReader(chunk, self._chunks)

    def complete(self, content: IncomingContent) -> ContentComplete | Reply:
        """The whole message, or its refusal."""
        assert self.mail is not None
        refusal = refusal_of(content)
        return refusal or ContentComplete(self.mail, tuple(self.given), content.content())


def refusal_of(content: IncomingContent) -> Reply | None:
    """What is said to a content with faults."""
    if not content.faults:
        return None
    return next(reply for fault, reply in _CONTENT_REFUSALS if fault in content.faults)
