"""The server's side of an SMTP conversation: octets in, questions and replies out, no socket.

::

    conversation.greet()
    while not conversation.ended:
        conversation.receive(octets)
        while (event := conversation.next_event()) is not None:
            ...  # conversation.answer(event, reply)
        write(conversation.outgoing())

What needs no decision (EHLO, NOOP, mistakes, limits) it answers itself. MAIL, RCPT and credentials are asked one after
the other: no further event comes before the answer. A content may be answered late, while the client's next MAIL and
RCPT are read: replies go out in the order of the commands all the same, so one commit to disk can serve many messages.
"""

from collections.abc import Callable
from typing import Final

from postroad.reply import Code, Reply
from postroad.smtp import command_parser as parser
from postroad.smtp import standard_replies as say
from postroad.smtp.command_parser import Refusal
from postroad.smtp.line_reader import BareLineEnd, LineReader, LineTooLong
from postroad.smtp.reply_queue import with_enhanced_code
from postroad.smtp.scram_server import KeyWanted, StoredKey
from postroad.smtp.server_auth import ServerAuth
from postroad.smtp.server_contents import Contents
from postroad.smtp.server_events import (
    AuthAttempt,
    ContentComplete,
    Ending,
    MailGiven,
    Question,
    RecipientGiven,
    ServerEvent,
    TlsWanted,
)
from postroad.smtp.server_settings import ServerSettings
from postroad.smtp.server_standing import Standing
from postroad.smtp.server_transaction import Transaction
from postroad.smtp.states import State, Verb, may_accept

# Octets of replies; a little more than a full transaction of a thousand recipients has.
REPLIES_AHEAD: Final = 32 * 1024


class ServerConversation:
    """One SMTP session seen from the server.

    ``secure`` says that the wire is under TLS already, ``loopback`` that the client is on this machine. ``hello`` is
    what the client calls itself.
    """

    def __init__(self, settings: ServerSettings, *, secure: bool = False, loopback: bool = False) -> None:
        self.secure = secure
        self.hello = ""
        self._settings = settings
        self._limits = settings.limits
        self._loopback = loopback
        self._extended = False  # the client said EHLO, not HELO
        self._lines = LineReader()
        self._standing = Standing(settings.limits)
        self._queue = self._standing.queue
        self._asked: Question | None = None
        self._postponed: tuple[Verb, str] | None = None
        self._transaction = Transaction(settings)
        self._begun = 0  # transactions
        self._contents = Contents(settings.limits, self._standing, self._transaction)
        self._auth = ServerAuth(settings, self._standing)
        self._starved = False  # nothing can be read before there are more octets, or a content is answered

    # ── the caller's side ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def state(self) -> State:
        """Where the session stands."""
        return self._standing.state

    @property
    def user(self) -> str | None:
        """As whom the client has authenticated."""
        return self._auth.user

    @property
    def ended(self) -> bool:
        """Nothing more is read; contents may still wait for their answers."""
        return self._standing.state is State.CLOSED

    @property
    def in_content(self) -> bool:
        """The client is in the midst of a content."""
        return self._contents.reading is not None and not self.ended

    @property
    def unanswered(self) -> int:
        """How many contents are not answered yet."""
        return self._contents.unanswered

    @property
    def buffered(self) -> int:
        """Octets received and not read yet; a caller stops reading from the wire when they become many."""
        return self._lines.buffered

    @property
    def piled_up(self) -> bool:
        """So many replies wait to be written that no more are made: a client that floods us must read, too."""
        return self._queue.ready > 0 and self._queue.octets >= REPLIES_AHEAD

    def greet(self) -> None:
        """Say 220."""
        self._standing.reply(Verb.GREETING, Reply(Code(220), (f"{self._settings.hostname} ESMTP postroad",)))

    def end(self, reply: Reply = say.SHUTTING_DOWN) -> None:
        """Say a 421 (or, instead of a greeting, a 554) behind all other replies, and read nothing more."""
        if not self.ended:
            self._standing.end(reply, Ending.OURS)

    def tls_established(self) -> None:
        """The handshake is done: what the client said before it is void (RFC 3207 §4.2)."""
        self._standing.move(Verb.TLS, 220)
        self.secure, self.hello, self._auth.user, self._extended = True, "", None, False

    def receive(self, data: bytes) -> None:
        """Add octets from the wire."""
        if self.state is State.SECURING:  # what belongs to the handshake does not come this way
            self._standing.end(say.INJECTED, Ending.INJECTION)
        elif not self.ended:
            self._lines.feed(data)

    def outgoing(self) -> bytes:
        """What is to be written now."""
        return self._queue.take()

    def next_event(self) -> ServerEvent | None:
        """The next event; ``None`` until there are more octets, or the last question is answered, or (see ``piled_up``)
        ``outgoing`` was written.
        """
        standing, queue, contents = self._standing, self._queue, self._contents
        self._starved = False
        while self._asked is None and standing.state is not State.CLOSED and queue.octets < REPLIES_AHEAD:
            event = self._read_command() if contents.reading is None else self._read_content()
            if event is not None:
                return event
            if self._starved:
                break
        return standing.news()

    def answer(self, question: Question, reply: Reply) -> None:
        """Answer a question: the last one asked, or any content.

        Raises:
            ValueError: the question is not open, or cannot be answered with this code, or a line of the reply holds a
                control character. Nothing was said then.
        """
        if reply.code.intermediate or (isinstance(question, KeyWanted) and reply.code.positive):
            raise ValueError(f"{int(reply.code)} is no answer to {type(question).__name__}")
        if isinstance(question, ContentComplete):
            self._contents.answer(question, reply)
            if reply.code == 421 and not self.ended:
                self._standing.finish(Ending.OURS)
        else:
            self._check_open(question)
            self._standing.reply(self._verb_of(question), with_enhanced_code(reply))
            self._asked = None
            self._establish(question, reply)

    def answer_key(self, question: KeyWanted, key: StoredKey | None) -> None:
        """Say what is kept of the user's password; ``None`` if there is no such user.

        Raises:
            ValueError: the question is not open.
        """
        self._check_open(question)
        self._asked = None
        self._auth.key(key)

    def _check_open(self, question: Question) -> None:
        if question is not self._asked or self.ended:
            raise ValueError(f"{type(question).__name__} is not asked, or is answered already")

    def _verb_of(self, question: Question) -> Verb:
        if isinstance(question, MailGiven):
            return Verb.MAIL
        if isinstance(question, RecipientGiven):
            return Verb.RCPT
        return self._auth.verb

    def _establish(self, question: Question, reply: Reply) -> None:
        """What the answer changes."""
        positive = reply.code.positive
        if isinstance(question, RecipientGiven):
            if positive:
                self._transaction.given.append(question)
        elif isinstance(question, MailGiven):
            if positive:
                self._transaction.mail, self._standing.utf8 = question, question.smtputf8
        elif isinstance(question, AuthAttempt) and positive:
            self._auth.user = question.username
        else:
            self._standing.count_error(reply)

    # ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _read_command(self) -> ServerEvent | None:
        try:
            if self._standing.state is State.AUTHENTICATING:
                return self._read_response()
            command = self._postponed or self._next_command()
            if command is None:
                return None
            self._postponed = command if self._contents.must_wait(command[0]) else None
            self._starved = self._postponed is not None
            return None if self._starved else self._run(*command)
        except Refusal as refusal:
            self._standing.refuse(refusal.reply)
        except LineTooLong:
            self._standing.refuse(say.LINE_TOO_LONG)
        except BareLineEnd:
            self._standing.end(say.BARE_LINE_END, Ending.BARE_LINE_END)
        return None

    def _next_command(self) -> tuple[Verb, str] | None:
        line = self._lines.line(self._limits.command_octets)
        if line is None:
            self._starved = True
            return None
        command = parser.split(line)
        self._standing.patience.heard(command[0])
        return command

    def _run(self, verb: Verb, argument: str) -> ServerEvent | None:
        if self._standing.patience.bored and verb is not Verb.QUIT:
            self._standing.end(say.TOO_MANY_COMMANDS, Ending.COMMANDS)
            return None
        # RFC 3030 §2: a chunk that is out of order must be read all the same, so BDAT sees to that itself.
        if verb is not Verb.BDAT and not may_accept(self._standing.state, verb):
            raise Refusal(self._out_of_order(verb))
        command = _COMMANDS.get(verb)
        if command is None:
            raise Refusal(say.NOT_IMPLEMENTED)
        return command(self, argument)

    def _out_of_order(self, verb: Verb) -> Reply:
        if self.state is State.GREETED:
            return say.SAY_HELLO
        content = self.state is State.MAIL and verb in (Verb.DATA, Verb.BDAT)
        return say.NO_VALID_RECIPIENTS if content else say.BAD_SEQUENCE

    def _ehlo(self, argument: str) -> None:
        keywords = self._settings.keywords(
            secure=self.secure, loopback=self._loopback, authenticated=self.user is not None
        )
        self._greet_back(Verb.EHLO, argument, keywords)

    def _helo(self, argument: str) -> None:
        self._greet_back(Verb.HELO, argument, ())

    def _greet_back(self, verb: Verb, argument: str, keywords: tuple[str, ...]) -> None:
        name = parser.hello_name(argument)
        self._forget_transaction()
        self._standing.reply(verb, Reply(Code(250), (self._settings.hostname, *keywords)))
        self.hello, self._extended = name, verb is Verb.EHLO

    def _rset(self, argument: str) -> None:
        parser.no_argument(argument)
        self._forget_transaction()
        self._standing.reply(Verb.RSET, say.OK)

    def _vrfy(self, argument: str) -> None:
        self._standing.reply(Verb.VRFY, parser.needs_argument(argument, say.NOT_VERIFIED))

    def _noop(self, _argument: str) -> None:  # RFC 5321 §4.1.1.9: an argument is ignored
        self._standing.reply(Verb.NOOP, say.OK)

    def _help(self, _argument: str) -> None:
        self._standing.reply(Verb.HELP, say.HELP)

    def _quit(self, _argument: str) -> None:
        self._standing.reply(Verb.QUIT, say.BYE)

    # ── transactions ──────────────────────────────────────────────────────────────────────────────────────────────

    def _mail(self, argument: str) -> MailGiven | None:
        if self._settings.tls_required and not self.secure:
            raise Refusal(say.TLS_REQUIRED)
        if self._settings.auth_required and self.user is None:
            raise Refusal(say.AUTH_REQUIRED)
        if self._limits.messages is not None and self._begun >= self._limits.messages:
            self._standing.end(say.TOO_MANY_MESSAGES, Ending.MESSAGES)
            return None
        self._begun += 1
        offered = self._settings.mail_parameters(secure=self.secure) if self._extended else frozenset[str]()
        self._asked = mail = self._transaction.read_mail(argument, offered)
        return mail

    def _rcpt(self, argument: str) -> RecipientGiven:
        self._asked = given = self._transaction.read_recipient(argument, extended=self._extended)
        return given

    def _data(self, argument: str) -> None:
        parser.no_argument(argument)
        self._standing.reply(Verb.DATA, say.START_CONTENT)
        self._contents.begin_data()

    def _bdat(self, argument: str) -> None:
        self._contents.begin_chunk(argument, self._out_of_order(Verb.BDAT))

    def _read_content(self) -> ContentComplete | None:
        event = self._contents.read(self._lines)
        self._starved = self._contents.reading is not None
        return event

    def _forget_transaction(self) -> None:
        self._transaction.forget()
        self._standing.utf8 = False

    # ── TLS and AUTH ──────────────────────────────────────────────────────────────────────────────────────────────

    def _starttls(self, argument: str) -> TlsWanted | None:
        parser.no_argument(argument)
        if self.secure:
            raise Refusal(say.ALREADY_SECURE)
        if not self._settings.starttls:
            raise Refusal(say.NOT_IMPLEMENTED)
        if self._lines.buffered:
            self._standing.end(say.INJECTED, Ending.INJECTION)
            return None
        self._standing.reply(Verb.STARTTLS, say.START_TLS)
        return TlsWanted()

    def _authenticate(self, argument: str) -> AuthAttempt | KeyWanted | None:
        self._asked = asked = self._auth.begin(argument, secure=self.secure, loopback=self._loopback)
        return asked

    def _read_response(self) -> AuthAttempt | KeyWanted | None:
        try:
            line = self._lines.line(self._limits.auth_octets)
        except LineTooLong:
            self._auth.fail(say.RESPONSE_TOO_LONG)
            return None
        self._starved = line is None
        self._asked = asked = None if line is None else self._auth.read(line)
        return asked


_COMMANDS: Final[dict[Verb, Callable[[ServerConversation, str], ServerEvent | None]]] = {
    Verb.EHLO: ServerConversation._ehlo,
    Verb.HELO: ServerConversation._helo,
    Verb.STARTTLS: ServerConversation._starttls,
    Verb.AUTH: ServerConversation._authenticate,
    Verb.MAIL: ServerConversation._mail,
    Verb.RCPT: ServerConversation._rcpt,
    Verb.DATA: ServerConversation._data,
    Verb.BDAT: ServerConversation._bdat,
    Verb.RSET: ServerConversation._rset,
    Verb.VRFY: ServerConversation._vrfy,
    Verb.NOOP: ServerConversation._noop,
    Verb.HELP: ServerConversation._help,
    Verb.QUIT: ServerConversation._quit,
}
