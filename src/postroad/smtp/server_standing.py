"""Where a session stands, and what the server has said in it: every reply passes here."""

from postroad.reply import Reply
from postroad.smtp import standard_replies as say
from postroad.smtp.patience import Patience
from postroad.smtp.reply_queue import ReplyQueue, octets_of
from postroad.smtp.server_events import Ended, Ending
from postroad.smtp.server_settings import ServerLimits
from postroad.smtp.states import State, Verb, after_reply


class Standing:
    """``state`` follows the replies; ``utf8`` says that they may hold more than ASCII (RFC 6531 §3.5)."""

    __slots__ = ("_news", "patience", "queue", "state", "utf8")

    def __init__(self, limits: ServerLimits) -> None:
        self.state = State.CONNECTED
        self.utf8 = False
        self.queue = ReplyQueue()
        self.patience = Patience(limits)
        self._news: Ended | None = None  # not told yet

    def reply(self, verb: Verb, reply: Reply) -> None:
        """Say this in answer to a command that was understood.

        Raises:
            ValueError: the command cannot be answered so. Nothing was said then, and nothing has changed.
        """
        written = octets_of(reply, utf8=self.utf8)
        self.move(verb, reply.code)
        self.queue.say(written)

    def move(self, verb: Verb, code: int) -> None:
        """Go where that answer leads.

        Raises:
            ValueError: see ``reply``.
        """
        state = after_reply(self.state, verb, code)
        if state is None:
            raise ValueError(f"{code} cannot answer {verb.value} in state {self.state.value!r}")
        self.state = state
        if state is State.CLOSED:
            self.finish(Ending.QUIT if verb is Verb.QUIT else Ending.OURS)

    def refuse(self, reply: Reply) -> None:
        """Say that a command has no effect."""
        self.queue.say(octets_of(reply, utf8=self.utf8))
        self.count_error(reply)

    def count_error(self, reply: Reply) -> None:
        """A command was answered with this; too many such end the session."""
        self.patience.refused(reply)
        if self.patience.worn_out and self.state is not State.CLOSED:
            self.end(say.TOO_MANY_ERRORS, Ending.ERRORS)

    def end(self, reply: Reply, why: Ending) -> None:
        """Say this last."""
        self.queue.say(octets_of(reply, utf8=self.utf8))
        self.finish(why)

    def finish(self, why: Ending) -> None:
        """The session is over."""
        self.state, self._news = State.CLOSED, Ended(why)

    def news(self) -> Ended | None:
        """That it is over, once."""
        news, self._news = self._news, None
        return news
