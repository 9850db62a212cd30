"""How long a server bears with a client that errs, or that talks and brings no mail."""

from postroad.reply import Reply
from postroad.smtp.server_settings import ServerLimits
from postroad.smtp.states import Verb


class Patience:
    """Counts for one session."""

    __slots__ = ("_commands", "_errors", "_limits")

    def __init__(self, limits: ServerLimits) -> None:
        self._limits = limits
        self._errors = 0
        self._commands = 0

    def refused(self, reply: Reply) -> None:
        """A command was answered with this; what may be right later is no error."""
        self._errors += reply.code.permanent

    def heard(self, verb: Verb) -> None:
        """A command came. A transaction has one MAIL and any number of RCPT, so these are not counted."""
        self._commands += verb is not Verb.RCPT

    def content_came(self) -> None:
        """The client is here for mail: a content has ended, or a chunk of it."""
        self._commands = 0

    @property
    def worn_out(self) -> bool:
        """Too many errors."""
        return self._errors >= self._limits.errors

    @property
    def bored(self) -> bool:
        """Too many commands without a content."""
        return self._commands > self._limits.commands_without_mail
