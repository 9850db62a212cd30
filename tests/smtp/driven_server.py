"""A server conversation with somebody who answers its questions at once."""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise

from postroad.reply import Reply
from postroad.smtp import standard_replies as say
from postroad.smtp.scram_server import KeyWanted, StoredKey
from postroad.smtp.server import ServerConversation
from postroad.smtp.server_events import (
    AuthAttempt,
    ContentComplete,
    Ended,
    MailGiven,
    Question,
    RecipientGiven,
    ServerEvent,
    TlsWanted,
)
from postroad.smtp.server_settings import ServerSettings

Answerer = Callable[[Question], Reply]


def agreeable(question: Question) -> Reply:
    """Take everything; the password is ``secret``."""
    match question:
        case MailGiven():
            return say.SENDER_OK
        case RecipientGiven():
            return say.RECIPIENT_OK
        case AuthAttempt():
            return say.AUTHENTICATED if question.password.reveal() == "secret" else say.BAD_CREDENTIALS
        case ContentComplete():
            return say.OK
        case KeyWanted():
            return say.AUTH_UNAVAILABLE


class DrivenServer:
    """``events`` are all that came, ``output`` all that was said. STARTTLS is followed by a handshake at once.

    ``keys`` knows users for SCRAM.
    """

    def __init__(
        self,
        settings: ServerSettings | None = None,
        *,
        answer: Answerer = agreeable,
        secure: bool = False,
        loopback: bool = False,
        keys: Mapping[str, StoredKey] | None = None,
    ) -> None:
        self.conversation = ServerConversation(settings or ServerSettings(), secure=secure, loopback=loopback)
        self.events: list[ServerEvent] = []
        self.output = b""
        self._answer = answer
        self._keys = keys
        self.conversation.greet()
        self._settle()

    def feed(self, *pieces: bytes) -> list[bytes]:
        """The lines said in answer."""
        before = len(self.output)
        for piece in pieces:
            self.conversation.receive(piece)
            self._settle()
        return self.output[before:].splitlines()

    def codes(self, *pieces: bytes) -> list[int]:
        """The codes said in answer, one a reply."""
        return [int(line[:3]) for line in self.feed(*pieces) if line[3:4] != b"-"]

    @property
    def contents(self) -> list[ContentComplete]:
        return [event for event in self.events if isinstance(event, ContentComplete)]

    @property
    def ending(self) -> object:
        return next((event.why for event in self.events if isinstance(event, Ended)), None)

    def _settle(self) -> None:
        self.output += self.conversation.outgoing()
        while (event := self.conversation.next_event()) is not None or self.conversation.piled_up:
            self.output += self.conversation.outgoing()
            if event is None:
                continue
            self.events.append(event)
            match event:
                case TlsWanted():
                    self.conversation.tls_established()
                case Ended():
                    pass
                case KeyWanted(username) if self._keys is not None:
                    self.conversation.answer_key(event, self._keys.get(username))
                case _:
                    self.conversation.answer(event, self._answer(event))
            self.output += self.conversation.outgoing()
        self.output += self.conversation.outgoing()


def chunked(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The octets in pieces, cut at these places."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]
