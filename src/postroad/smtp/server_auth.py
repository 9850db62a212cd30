"""AUTH in one session, from the server's side: whether it may begin, its lines, and who the client is then."""

from postroad.reply import Reply
from postroad.smtp import standard_replies as say
from postroad.smtp.auth_dialogue import AuthDialogue, Step
from postroad.smtp.command_parser import Refusal
from postroad.smtp.scram_server import KeyWanted, Proved, StoredKey
from postroad.smtp.server_events import AuthAttempt
from postroad.smtp.server_settings import AuthOffer, ServerSettings
from postroad.smtp.server_standing import Standing
from postroad.smtp.states import State, Verb


class ServerAuth:
    """``user`` is who the client has proved to be."""

    __slots__ = ("_dialogue", "_settings", "_standing", "user")

    def __init__(self, settings: ServerSettings, standing: Standing) -> None:
        self.user: str | None = None
        self._settings = settings
        self._standing = standing
        self._dialogue: AuthDialogue | None = None

    @property
    def verb(self) -> Verb:
        """What the next reply answers."""
        return Verb.AUTH_RESPONSE if self._standing.state is State.AUTHENTICATING else Verb.AUTH

    def begin(self, argument: str, *, secure: bool, loopback: bool) -> AuthAttempt | KeyWanted | None:
        """The AUTH command; what must be asked now, if anything.

        Raises:
            Refusal: not here, not now, or not so.
        """
        if self.user is not None:
            raise Refusal(say.ALREADY_AUTHENTICATED)
        if self._settings.auth is AuthOffer.NEVER:
            raise Refusal(say.NOT_IMPLEMENTED)
        if not self._settings.auth_offered(secure=secure, loopback=loopback):
            raise Refusal(say.ENCRYPTION_REQUIRED)
        self._dialogue = AuthDialogue(argument, self._settings.mechanisms, self._settings.decoy_secret)
        return self._carry_on(self._dialogue.begin())

    def read(self, line: bytes) -> AuthAttempt | KeyWanted | None:
        """The client's response to a 334; what must be asked now, if anything."""
        assert self._dialogue is not None
        try:
            return self._carry_on(self._dialogue.respond(line))
        except Refusal as refusal:
            self.fail(refusal.reply)
            return None

    def key(self, key: StoredKey | None) -> None:
        """The key that was asked for; ``None`` if there is no such user."""
        assert self._dialogue is not None
        try:
            self._carry_on(self._dialogue.key(key))
        except Refusal as refusal:
            self.fail(refusal.reply)

    def fail(self, reply: Reply) -> None:
        """The exchange has come to nothing."""
        self._standing.reply(self.verb, reply)
        self._standing.count_error(reply)

    def _carry_on(self, step: Step) -> AuthAttempt | KeyWanted | None:
        match step:
            case Reply():
                self._standing.reply(self.verb, step)
            case Proved(username):
                self._standing.reply(self.verb, say.AUTHENTICATED)
                self.user = username
            case _:
                return step
        return None
