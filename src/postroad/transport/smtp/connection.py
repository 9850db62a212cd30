"""One SMTP connection: opened, secured, authenticated, and then a road for commands and replies.

The thin shell around ``smtp.client``: read, feed, write, with a deadline for each wait. A timeout, a cancellation or a
breach of protocol leaves the connection closed; it is never used again, because its replies would be off by one.
"""

import contextlib
import socket
from collections import deque
from typing import Final

from postroad.errors import (
    AuthenticationError,
    ConnectError,
    Disconnected,
    PostroadError,
    ProtocolError,
    SendError,
    Timeout,
    TlsError,
    TlsModeMismatch,
)
from postroad.net.stream import Stream
from postroad.net.tls import Handshake, Tls, TlsSettings, refusal_of_ours, tls_on_plain_port
from postroad.reply import Direction, Phase, Reply, TranscriptLine
from postroad.smtp.client import Answer, Broken, ClientConversation, ClientEvent, Unsolicited
from postroad.smtp.commands import is_ehlo_name
from postroad.smtp.states import State, Verb
from postroad.transport.smtp import refused_opening
from postroad.transport.smtp.dial import dial, dial_to, handshake_for
from postroad.transport.smtp.log_in import LogIn
from postroad.transport.smtp.reach import Reach
from postroad.transport.smtp.settings import Protocol, Smtp

PHASE_OF: Final = {
    Verb.GREETING: Phase.GREETING,
    Verb.EHLO: Phase.EHLO,
    Verb.HELO: Phase.EHLO,
    Verb.LHLO: Phase.EHLO,
    Verb.STARTTLS: Phase.STARTTLS,
    Verb.AUTH: Phase.AUTH,
    Verb.AUTH_RESPONSE: Phase.AUTH,
    Verb.MAIL: Phase.MAIL,
    Verb.RCPT: Phase.RCPT,
    Verb.DATA: Phase.DATA,
    Verb.DOT: Phase.DOT,
    Verb.DOT_ONE: Phase.DOT,
    Verb.BDAT: Phase.DATA,
    Verb.BDAT_LAST: Phase.DOT,
    Verb.BDAT_LAST_ONE: Phase.DOT,
    Verb.RSET: Phase.RSET,
    Verb.NOOP: Phase.NOOP,
    Verb.QUIT: Phase.QUIT,
}
_TLS_RECORD: Final = (b"\x15\x03", b"\x16\x03")  # an alert or a handshake record (RFC 8446 §5.1)


class SmtpConnection:
    """An open connection. ``conversation`` says what to write; ``answer`` waits for what comes back."""

    def __init__(self, settings: Smtp, stream: Stream, reach: Reach | None = None) -> None:
        self.settings = settings
        self.reach = reach
        self._tls = settings.tls_settings if reach is None else reach.tls
        self.stream = stream
        self.conversation = ClientConversation()
        self.lmtp = settings.protocol is Protocol.LMTP
        self.served = 0  # messages
        self.mechanism = ""  # by which we are logged in
        self._events: deque[ClientEvent] = deque()
        self._seen_bytes = False
        self._farewell: Reply | None = None  # the 421 that ended the session

    # ── opening ───────────────────────────────────────────────────────────────────────────────────────────────────

    @classmethod
    async def establish(cls, settings: Smtp, reach: Reach | None = None) -> "SmtpConnection":
        """Connect, greet, secure, authenticate; to where ``reach`` leads, if that is known.

        Raises:
            ConnectError: not reached, hung up, or not trusted (``DnsError``, ``TlsError``, ``TlsModeMismatch``).
            Timeout: no answer in time.
            AuthenticationError: the credentials were refused; so were those that were looked up anew, where they were
                others.
            ConfigurationError: the password or token cannot be found; nothing was connected.
            Throttled: the server is too busy for another connection.
            ProtocolError: what answered does not speak SMTP.
            Unsupported: no common way to authenticate.
        """
        log_in = LogIn(settings)
        await log_in.prepare()
        try:
            return await cls._opened(settings, log_in, reach)
        except AuthenticationError as refusal:
            if not await log_in.renewed(refusal):
                raise
        return await cls._opened(settings, log_in, reach)

    @classmethod
    async def _opened(cls, settings: Smtp, log_in: LogIn, reach: Reach | None) -> "SmtpConnection":
        stream = await (dial(settings) if reach is None else dial_to(reach, settings))
        connection = cls(settings, stream, reach)
        try:
            await connection._introduce()
            await log_in.over(connection)
            await connection._check_quiet()
        except PostroadError as fault:
            connection.abort()
            error = connection._explained(fault)
            error.transcript = fault.transcript or connection.transcript()
            if error is fault:
                raise
            raise error from stream.fault
        except BaseException:
            connection.abort()
            raise
        return connection

    def _explained(self, fault: PostroadError) -> PostroadError:
        """The server need not hang up in silence: TLS may have told why."""
        if fault.reply is not None or not isinstance(fault, ConnectError | Disconnected):
            return fault
        return refusal_of_ours(self.stream.fault, self.settings.where) or fault

    async def _introduce(self) -> None:
        note = f"connected to {self.stream.peer}"
        if self.stream.tls:
            note += f", {self.stream.tls_description()}"
        self.conversation.transcript.add(Direction.NOTE, note)
        await self._greeting()
        await self._ehlo()
        if self._tls.mode in (Tls.REQUIRED, Tls.OPPORTUNISTIC):
            await self._starttls()

    async def _greeting(self) -> None:
        try:
            reply = await self.answer(self.settings.timeouts.greeting, Verb.GREETING)
        except Timeout as fault:
            if not (self._seen_bytes or self.stream.tls) and await self._tls_is_expected():
                raise tls_on_plain_port(self.settings.where) from fault
            raise
        except Disconnected as fault:
            message = f"{self.settings.where} hung up before it greeted"
            raise ConnectError(message, phase=Phase.GREETING, transcript=fault.transcript) from fault
        except ProtocolError as fault:
            raise refused_opening.no_smtp(fault, self.settings.where) from fault
        if not reply.code.positive:
            raise refused_opening.at_greeting(reply, self.settings.where)

    async def _check_quiet(self) -> None:
        """Whatever the server has said by now was not asked for, and would pass for its answer to the first MAIL."""
        phase = Phase.AUTH if self.mechanism else Phase.EHLO
        if self.stream.has_input:
            data = await self.stream.read(self.settings.timeouts.command)  # it is there, so nothing is waited for
            if not data:
                raise self.hung_up(None, phase)
            self._events.extend(self.conversation.receive(data))
        if self._events:
            raise self.lost(self._events.popleft(), phase)

    async def _tls_is_expected(self) -> bool:
        """Offer a handshake to a server that has not greeted: one that waits for it says nothing until it comes."""
        context = TlsSettings(Tls.OPPORTUNISTIC).context()
        host, where, seconds = self.settings.host, self.settings.where, self.settings.timeouts.connect
        try:
            await self.stream.start_tls(Handshake(context, host, seconds), where, implicit=True)
        except TlsModeMismatch:  # plain text after all
            return False
        except TlsError:  # refused, but in TLS
            return True
        except (ConnectError, Timeout):
            return False
        return True

    async def _ehlo(self) -> None:
        name = self.settings.ehlo or own_name(self.stream)
        lmtp = self.lmtp
        self.stream.write(self.conversation.lhlo(name) if lmtp else self.conversation.ehlo(name))
        reply = await self.answer(self.settings.timeouts.command, Verb.LHLO if lmtp else Verb.EHLO)
        if reply.code.permanent and not lmtp:  # RFC 5321 §3.2: a server from before extensions
            self.stream.write(self.conversation.helo(name))
            reply = await self.answer(self.settings.timeouts.command, Verb.HELO)
        if not reply.code.positive:
            raise refused_opening.at_ehlo(reply, self.settings.where, name, self.settings.protocol)

    async def _starttls(self) -> None:
        where, reach = self.settings.where, self.reach
        if not self.conversation.extensions.starttls:
            if self._tls.mode is Tls.OPPORTUNISTIC and not (reach is not None and reach.required):
                return
            raise TlsError(
                f"{where} does not offer STARTTLS, and TLS is required",
                phase=Phase.STARTTLS,
                advice="Somebody on the way may have removed it, or the port is wrong: 587 and 465 are for submission.",
            )
        handshake = await handshake_for(self.settings, reach)
        self.stream.write(self.conversation.starttls())
        reply = await self.answer(self.settings.timeouts.command, Verb.STARTTLS)
        if self.conversation.state is not State.SECURING:
            raise refused_opening.at_starttls(reply, where)
        if self.stream.has_input or self._events:
            # RFC 3207 §4.2, CVE-2011-0411: what stands here was not encrypted and would be taken for the server's word.
            raise ProtocolError(f"plain text was injected behind the STARTTLS reply of {where}", phase=Phase.STARTTLS)
        await self.stream.start_tls(handshake, where)
        if reach is not None and reach.judge is not None:
            reach.judge(self.stream.certificate_chain(), where)
        self.conversation.tls_established(self.stream.tls_description())
        await self._ehlo()

    # ── talking ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def answer(self, seconds: float, verb: Verb) -> Reply:
        """The reply to the oldest unanswered command, which must be ``verb``.

        Raises:
            Timeout: it did not come in time.
            Disconnected: the connection was lost, or the server said 421 unasked.
            ProtocolError: the server broke the protocol.
        """
        while not self._events:
            if not self.open:  # RFC 5321 §3.8: behind a 421 comes nothing, even where the server does not hang up
                raise self.closing(self._farewell, PHASE_OF[verb])
            await self._read(seconds, verb)
        event = self._events.popleft()
        if isinstance(event, Answer):
            assert event.verb is verb, (event.verb, verb)
            if event.reply.code == 421:
                self._farewell = event.reply
            return event.reply
        raise self.lost(event, PHASE_OF[verb])

    async def _read(self, seconds: float, verb: Verb) -> None:
        phase = PHASE_OF[verb]
        try:
            data = await self.stream.read(seconds)
        except TimeoutError:
            message = f"{self.settings.where} did not answer {verb.value} within {seconds:g} s"
            raise Timeout(message, phase=phase, transcript=self.transcript()) from None
        if not data:
            raise self.hung_up(verb, phase)
        if not self._seen_bytes:
            self._seen_bytes = True
            if data.startswith(_TLS_RECORD):
                raise tls_on_plain_port(self.settings.where)
        self._events.extend(self.conversation.receive(data))

    def hung_up(self, awaited: Verb | None, phase: Phase) -> Disconnected:
        """The server is gone."""
        said = f"instead of answering {awaited.value}" if awaited is not None else "unasked"
        message = f"{self.settings.where} closed the connection {said}"
        return Disconnected(message, phase=phase, transcript=self.transcript())

    def lost(self, event: ClientEvent, phase: Phase) -> SendError:
        """What an event that answers nothing means."""
        if isinstance(event, Broken):
            event.error.phase = PHASE_OF[event.awaited] if event.awaited is not None else phase
            event.error.transcript = self.transcript()
            return event.error
        assert isinstance(event, Unsolicited)
        if event.reply.code == 421:
            return self.closing(event.reply, phase)
        return ProtocolError(
            f"{self.settings.where} said, unasked: {event.reply}", phase=phase, transcript=self.transcript()
        )

    def closing(self, farewell: Reply | None, phase: Phase) -> Disconnected:
        """The server has ended the session, with these words where it said any."""
        message = f"{self.settings.where} is closing the connection{f': {farewell}' if farewell else ''}"
        return Disconnected(message, reply=farewell, phase=phase, transcript=self.transcript())

    @property
    def open(self) -> bool:
        """Neither side has ended it."""
        return self.conversation.state is not State.CLOSED

    @property
    def has_input(self) -> bool:
        """The server has said something that nobody has taken yet, or has hung up."""
        return bool(self._events) or self.stream.has_input

    @property
    def usable(self) -> bool:
        """Nothing speaks against sending the next command: no end, no unasked word, no outstanding reply."""
        conversation = self.conversation
        return (
            conversation.state not in (State.CLOSED, State.SECURING, State.AUTHENTICATING, State.CONTENT)
            and not conversation.waiting
            and not self.has_input
        )

    @property
    def verified_tls(self) -> bool:
        """The server has proved who it is, and nobody on the way can read or change what is said."""
        judged = self.reach is not None and self.reach.judge is not None
        return self.stream.tls and (self.stream.pinned or judged or self._tls.verify)

    def transcript(self) -> tuple[TranscriptLine, ...]:
        """What has been said so far, redacted."""
        return self.conversation.transcript.snapshot()

    # ── closing ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def quit(self) -> None:
        """Say QUIT, wait a moment for the answer, close. Whatever goes wrong here concerns nobody."""
        try:
            if self.usable:
                self.stream.write(self.conversation.quit())
                await self.answer(self.settings.timeouts.quit, Verb.QUIT)
            with contextlib.suppress(OSError):
                await self.stream.aclose()
        except SendError:
            pass
        finally:
            self.abort()

    def abort(self) -> None:
        """Close now, whatever is under way."""
        self.conversation.state = State.CLOSED
        self.stream.abort()


def own_name(stream: Stream) -> str:
    """The host's name if it has a domain, else its address literal (RFC 5321 §4.1.4). DNS is not asked: it may hang."""
    name = socket.gethostname()
    return name if "." in name and is_ehlo_name(name) else stream.own_literal
