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

from typing import Final

from postroad.address import Address
from postroad.reply import Code, Reply
from postroad.smtp import command_parser as parser
from postroad.smtp import standard_replies as say
from postroad.smtp.auth_dialogue import AuthDialogue
from postroad.smtp.command_parser import Refusal
from postroad.smtp.line_reader import BareLineEnd, LineReader, LineTooLong
from postroad.smtp.patience import Patience
from postroad.smtp.reply_queue import Place, ReplyQueue, octets_of, with_enhanced_code
from postroad.smtp.server_events import (
    AuthAttempt,
    ContentComplete,
    Ended,
    Ending,
    MailGiven,
    Question,
    RecipientGiven,
    ServerEvent,
    TlsWanted,
)
from postroad.smtp.server_settings import AuthOffer, ServerSettings
from postroad.smtp.states import State, Verb, after_reply, may_accept
from postroad.smtp.unstuff import ContentReader, Fault

# Octets of replies; a little more than a full transaction of a thousand recipients has.
REPLIES_AHEAD: Final = 32 * 1024

# These wait until every content before them is answered: what they begin must not depend on what is not known yet.
_NEEDS_ALL_ANSWERED: Final = frozenset({Verb.DATA, Verb.STARTTLS, Verb.AUTH})

_CONTENT_REFUSALS: Final = (
    (Fault.TOO_LARGE, say.TOO_LARGE),
    (Fault.BARE_LF, say.CONTENT_BARE_LF),
    (Fault.BARE_CR, say.CONTENT_BARE_CR),
    (Fault.NUL, say.CONTENT_NUL),
    (Fault.LONG_LINE, say.CONTENT_LONG_LINE),
)


class ServerConversation:
    """One SMTP session seen from the server.

    ``secure`` says that the wire is under TLS already, ``loopback`` that the client is on this machine. ``hello`` is
    what the client calls itself, ``user`` as whom it has authenticated.
    """

    def __init__(self, settings: ServerSettings, *, secure: bool = False, loopback: bool = False) -> None:
        self.state = State.CONNECTED
        self.secure = secure
        self.hello = ""
        self.user: str | None = None
        self._settings = settings
        self._limits = settings.limits
        self._loopback = loopback
        self._extended = False  # the client said EHLO, not HELO
        self._lines = LineReader()
        self._replies = ReplyQueue()
        self._asked: Question | None = None
        self._postponed: tuple[Verb, str] | None = None
        self._contents: list[tuple[ContentComplete, Place]] = []
        self._mail: MailGiven | None = None
        self._recipients: list[Address] = []
        self._content: ContentReader | None = None
        self._dialogue: AuthDialogue | None = None
        self._patience = Patience(settings.limits)
        self._starved = False  # nothing can be read before there are more octets, or a content is answered
        self._news: Ended | None = None  # not told yet

    # ── the caller's side ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def ended(self) -> bool:
        """Nothing more is read; contents may still wait for their answers."""
        return self.state is State.CLOSED

    @property
    def in_content(self) -> bool:
        """The client is in the midst of a content."""
        return self._content is not None

    @property
    def unanswered(self) -> int:
        """How many contents are not answered yet."""
        return len(self._contents)

    @property
    def buffered(self) -> int:
        """Octets received and not read yet; a caller stops reading from the wire when they become many."""
        return self._lines.buffered

    @property
    def piled_up(self) -> bool:
        """So many replies wait to be written that no more are made: a client that floods us must read, too."""
        return self._replies.ready > 0 and self._replies.octets >= REPLIES_AHEAD

    def greet(self) -> None:
        """Say 220."""
        self._reply(Verb.GREETING, Reply(Code(220), (f"{self._settings.hostname} ESMTP postroad",)))

    def end(self, reply: Reply = say.SHUTTING_DOWN) -> None:
        """Say a 421 (or, instead of a greeting, a 554) behind all other replies, and read nothing more."""
        if not self.ended:
            self._end(reply, Ending.OURS)

    def tls_established(self) -> None:
        """The handshake is done: what the client said before it is void (RFC 3207 §4.2)."""
        self._move(Verb.TLS, 220)
        self.secure, self.hello, self.user, self._extended = True, "", None, False

    def receive(self, data: bytes) -> None:
        """Add octets from the wire."""
        if self.state is State.SECURING:  # what belongs to the handshake does not come this way
            self._end(say.INJECTED, Ending.INJECTION)
        elif not self.ended:
            self._lines.feed(data)

    def outgoing(self) -> bytes:
        """What is to be written now."""
        return self._replies.take()

    def next_event(self) -> ServerEvent | None:
        """The next event; ``None`` until there are more octets, or the last question is answered, or (see ``piled_up``)
        ``outgoing`` was written.
        """
        self._starved = False
        while not (self._starved or self._asked is not None or self.ended or self._replies.octets >= REPLIES_AHEAD):
            event = self._read_content() if self._content is not None else self._read_command()
            if event is not None:
                return event
        news, self._news = self._news, None
        return news

    def answer(self, question: Question, reply: Reply) -> None:
        """Answer a question: the last one asked, or any content.

        Raises:
            ValueError: the question is not open, or cannot be answered with this code, or a line of the reply holds a
                control character. Nothing was said then.
        """
        if reply.code.intermediate:
            raise ValueError(f"{int(reply.code)} is no answer to {type(question).__name__}")
        if isinstance(question, ContentComplete):
            self._answer_content(question, reply)
        elif question is self._asked:
            self._reply(self._verb_of(question), with_enhanced_code(reply))
            self._asked = None
            self._establish(question, reply)
        else:
            raise ValueError(f"{type(question).__name__} is not asked, or is answered already")

    # ── replies ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _reply(self, verb: Verb, reply: Reply) -> None:
        written = self._written(reply)  # before anything has changed: it may be impossible
        self._move(verb, reply.code)
        self._replies.say(written)

    def _written(self, reply: Reply) -> bytes:
        return octets_of(reply, utf8=self._mail is not None and self._mail.smtputf8)

    def _move(self, verb: Verb, code: int) -> None:
        state = after_reply(self.state, verb, code)
        if state is None:
            raise ValueError(f"{code} cannot answer {verb.value} in state {self.state.value!r}")
        self.state = state
        if state is State.CLOSED:
            self._finish(Ending.QUIT if verb is Verb.QUIT else Ending.OURS)

    def _refuse(self, reply: Reply) -> None:
        """Say that a command has no effect."""
        self._replies.say(self._written(reply))
        self._count_error(reply)

    def _count_error(self, reply: Reply) -> None:
        self._patience.refused(reply)
        if self._patience.worn_out and not self.ended:
            self._end(say.TOO_MANY_ERRORS, Ending.ERRORS)

    def _end(self, reply: Reply, why: Ending) -> None:
        self._replies.say(self._written(reply))
        self._finish(why)

    def _finish(self, why: Ending) -> None:
        self.state, self._news = State.CLOSED, Ended(why)
        self._content = self._asked = self._postponed = None
        self._lines.clear()

    def _verb_of(self, question: Question) -> Verb:
        if isinstance(question, AuthAttempt):
            return Verb.AUTH_RESPONSE if self.state is State.AUTHENTICATING else Verb.AUTH
        return Verb.MAIL if isinstance(question, MailGiven) else Verb.RCPT

    def _establish(self, question: Question, reply: Reply) -> None:
        """What the answer changes."""
        match question:
            case AuthAttempt():
                if reply.code.positive:
                    self.user = question.username
                else:
                    self._count_error(reply)
            case MailGiven() if reply.code.positive:
                self._mail = question
            case RecipientGiven() if reply.code.positive:
                self._recipients.append(question.recipient)

    def _answer_content(self, question: ContentComplete, reply: Reply) -> None:
        for number, (content, place) in enumerate(self._contents):
            if content is question:
                self._replies.fill(place, octets_of(with_enhanced_code(reply), utf8=question.mail.smtputf8))
                del self._contents[number]
                break
        else:
            raise ValueError("this content is answered already, or belongs to another session")
        if reply.code == 421 and not self.ended:
            self._finish(Ending.OURS)

    # ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _read_command(self) -> ServerEvent | None:
        try:
            if self.state is State.AUTHENTICATING:
                return self._read_response()
            command = self._postponed or self._next_command()
            self._postponed = None
            if command is None:
                return None
            if self._contents and command[0] in _NEEDS_ALL_ANSWERED:
                self._postponed, self._starved = command, True
                return None
            return self._run(*command)
        except Refusal as refusal:
            self._refuse(refusal.reply)
        except LineTooLong:
            self._refuse(say.LINE_TOO_LONG)
        except BareLineEnd:
            self._end(say.BARE_LINE_END, Ending.BARE_LINE_END)
        return None

    def _next_command(self) -> tuple[Verb, str] | None:
        line = self._lines.line(self._limits.command_octets)
        self._starved = line is None
        if line is None:
            return None
        verb, argument = parser.split(line)
        self._patience.heard(verb)
        return verb, argument

    def _run(self, verb: Verb, argument: str) -> ServerEvent | None:
        if self._patience.bored and verb is not Verb.QUIT:
            self._end(say.TOO_MANY_COMMANDS, Ending.COMMANDS)
            return None
        if not may_accept(self.state, verb):
            raise Refusal(self._out_of_order(verb))
        match verb:
            case Verb.MAIL:
                return self._mail_given(argument)
            case Verb.RCPT:
                return self._recipient_given(argument)
            case Verb.STARTTLS:
                return self._starttls(argument)
            case Verb.AUTH:
                return self._auth(argument)
        self._run_alone(verb, argument)
        return None

    def _run_alone(self, verb: Verb, argument: str) -> None:
        """Commands that need nobody's decision."""
        match verb:
            case Verb.EHLO | Verb.HELO:
                self._greet_back(verb, parser.hello_name(argument))
            case Verb.DATA:
                parser.no_argument(argument)
                self._reply(verb, say.START_CONTENT)
                self._content = ContentReader(self._limits.message_octets, self._limits.text_line_octets)
            case Verb.RSET:
                parser.no_argument(argument)
                self._forget_transaction()
                self._reply(verb, say.OK)
            case Verb.VRFY:
                self._reply(verb, parser.needs_argument(argument, say.NOT_VERIFIED))
            case Verb.NOOP:  # RFC 5321 §4.1.1.9: an argument is ignored
                self._reply(verb, say.OK)
            case Verb.HELP:
                self._reply(verb, say.HELP)
            case Verb.QUIT:
                self._reply(verb, say.BYE)
            case _:
                raise Refusal(say.NOT_IMPLEMENTED)

    def _out_of_order(self, verb: Verb) -> Reply:
        if self.state is State.GREETED:
            return say.SAY_HELLO
        return say.NO_VALID_RECIPIENTS if (self.state, verb) == (State.MAIL, Verb.DATA) else say.BAD_SEQUENCE

    def _greet_back(self, verb: Verb, name: str) -> None:
        keywords = self._settings.keywords(
            secure=self.secure, loopback=self._loopback, authenticated=self.user is not None
        )
        lines = (self._settings.hostname, *(keywords if verb is Verb.EHLO else ()))
        self._forget_transaction()
        self._reply(verb, Reply(Code(250), lines))
        self.hello, self._extended = name, verb is Verb.EHLO

    # ── transactions ──────────────────────────────────────────────────────────────────────────────────────────────

    def _mail_given(self, argument: str) -> MailGiven:
        if self._settings.tls_required and not self.secure:
            raise Refusal(say.TLS_REQUIRED)
        if self._settings.auth_required and self.user is None:
            raise Refusal(say.AUTH_REQUIRED)
        mail = parser.mail(argument, self._settings.mail_parameters if self._extended else frozenset())
        if mail.size is not None and mail.size > self._limits.message_octets:
            raise Refusal(say.TOO_LARGE)
        self._asked = mail
        return mail

    def _recipient_given(self, argument: str) -> RecipientGiven:
        assert self._mail is not None
        recipient = parser.recipient(argument, smtputf8=self._mail.smtputf8, hostname=self._settings.hostname)
        if len(self._recipients) >= self._limits.recipients:
            raise Refusal(say.TOO_MANY_RECIPIENTS)
        self._asked = given = RecipientGiven(self._mail, recipient)
        return given

    def _forget_transaction(self) -> None:
        self._mail, self._recipients = None, []

    def _read_content(self) -> ContentComplete | None:
        reader = self._content
        assert reader is not None
        rest = reader.feed(self._lines.take())
        if reader.octets > self._limits.drained_octets:
            self._end(say.ENDLESS_CONTENT, Ending.ENDLESS_CONTENT)
            return None
        self._starved = rest is None
        if rest is None:
            return None
        self._lines.feed(rest)
        self._content = None
        self._patience.content_came()
        return self._content_complete(reader)

    def _content_complete(self, reader: ContentReader) -> ContentComplete | None:
        mail, recipients = self._mail, tuple(self._recipients)
        assert mail is not None
        self._forget_transaction()
        if reader.faults:
            self._reply(Verb.DOT, next(reply for fault, reply in _CONTENT_REFUSALS if fault in reader.faults))
            return None
        event = ContentComplete(mail, recipients, reader.content())
        self._contents.append((event, self._replies.reserve()))
        self._move(Verb.DOT, 250)  # whatever the answer will be, the state after it is the same
        return event

    # ── TLS and AUTH ──────────────────────────────────────────────────────────────────────────────────────────────

    def _starttls(self, argument: str) -> TlsWanted | None:
        parser.no_argument(argument)
        if self.secure:
            raise Refusal(say.ALREADY_SECURE)
        if not self._settings.starttls:
            raise Refusal(say.NOT_IMPLEMENTED)
        if self._lines.buffered:
            self._end(say.INJECTED, Ending.INJECTION)
            return None
        self._reply(Verb.STARTTLS, say.START_TLS)
        return TlsWanted()

    def _auth(self, argument: str) -> AuthAttempt | None:
        if self.user is not None:
            raise Refusal(say.ALREADY_AUTHENTICATED)
        if self._settings.auth is AuthOffer.NEVER:
            raise Refusal(say.NOT_IMPLEMENTED)
        if not self._settings.auth_offered(secure=self.secure, loopback=self._loopback):
            raise Refusal(say.ENCRYPTION_REQUIRED)
        self._dialogue = AuthDialogue(argument)
        return self._carry_on(Verb.AUTH, self._dialogue.begin())

    def _read_response(self) -> AuthAttempt | None:
        assert self._dialogue is not None
        try:
            line = self._lines.line(self._limits.auth_octets)
            self._starved = line is None
            return None if line is None else self._carry_on(Verb.AUTH_RESPONSE, self._dialogue.respond(line))
        except (Refusal, LineTooLong) as fault:
            reply = fault.reply if isinstance(fault, Refusal) else say.RESPONSE_TOO_LONG
            self._reply(Verb.AUTH_RESPONSE, reply)
            self._count_error(reply)
            return None

    def _carry_on(self, verb: Verb, step: Reply | AuthAttempt) -> AuthAttempt | None:
        if isinstance(step, Reply):
            self._reply(verb, step)
            return None
        self._asked = step
        return step
