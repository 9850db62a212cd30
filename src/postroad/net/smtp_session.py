"""One connection to a listener: octets between the wire and the conversation, questions between it and the handler."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, cast

from postroad.clock import Clock
from postroad.log import logger
from postroad.net.smtp_handler import KeyStore, SmtpClient, SmtpHandler
from postroad.reply import Reply
from postroad.smtp import standard_replies as say
from postroad.smtp.scram_server import KeyWanted, StoredKey
from postroad.smtp.server import ServerConversation
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
from postroad.smtp.server_settings import ServerSettings

# Octets read at once: a usual message. Buffers of a size for which memory must be mapped cost more than the rest.
READ_OCTETS: Final = 16 * 1024
READ_AHEAD: Final = 256 * 1024  # octets of commands taken from the wire before those before them are answered
LINGER_SECONDS: Final = 2.0  # for the client to read the last reply and hang up; closing earlier may destroy it

_log = logger("net.smtp_listener")


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """What all sessions of a listener share. Seconds: ``idle`` for the next command or the next piece of a content."""

    settings: ServerSettings
    handler: SmtpHandler
    keys: KeyStore | None
    clock: Clock
    context: ssl.SSLContext | None
    implicit_tls: bool
    idle_seconds: float
    handshake_seconds: float


class SmtpSession(asyncio.BufferedProtocol):
    """Belongs to one connection; ``run`` ends when that is closed."""

    def __init__(self, plan: SessionPlan, on_connected: Callable[["SmtpSession"], None]) -> None:
        self._plan = plan
        self._on_connected = on_connected
        self._transport: asyncio.Transport | None = None
        self._conversation: ServerConversation | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._client = SmtpClient("?")
        self._tls: str | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._since = plan.clock.monotonic()
        self._writable = True
        self._at_end = False  # the client says nothing more
        self._stopping: Reply | None = None
        self._shaking_hands = plan.implicit_tls
        self._early: list[bytes] = []
        self._read = memoryview(bytearray(READ_OCTETS))
        self._event: ServerEvent | None = None  # that was found while octets came
        self._said_goodbye = False  # both sides have, and the client has nothing to say behind it

    # ── asyncio calls these ───────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self._conversation is None:
            if self._plan.implicit_tls:
                self._transport.pause_reading()  # the handshake is not for us to read
            self._on_connected(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        # No bytearray: asyncio's TLS slices what it is given to read one record behind the other, and a slice of a
        # bytearray is a copy, so that all records but the first would be lost.
        return self._read

    def buffer_updated(self, nbytes: int) -> None:
        data = self._read[:nbytes].tobytes()
        conversation = self._conversation
        if self._shaking_hands or conversation is None:
            self._early.append(data)  # came through TLS, before this side has learnt that the handshake is done
        elif not conversation.ended:
            conversation.receive(data)
            if self._waiter is None or not self._handled(conversation):
                self._wake()
            if conversation.buffered > READ_AHEAD and self._transport is not None:
                self._transport.pause_reading()

    def _handled(self, conversation: ServerConversation) -> bool:
        """Whether what has come needs nobody's decision, as most of a content does: then the task sleeps on."""
        if self._stopping is not None or not self._writable or self._at_end or self._event is not None:
            return False
        self._event = conversation.next_event()
        if self._event is not None or conversation.piled_up:
            return False
        if conversation.in_content:
            self._since = self._plan.clock.monotonic()
        self._flush(conversation)
        return True

    def eof_received(self) -> bool:
        self._at_end = True
        self._wake()
        # Replies may still be under way to a client that has only closed its own side; TLS knows no such half. Exim
        # does so with its QUIT, right behind a message that is being made safe: that has to hear its 250.
        if self._tls is not None or self._conversation is None:
            return False
        return not self._conversation.ended or bool(self._under_way)

    def connection_lost(self, exc: Exception | None) -> None:
        self._at_end = True
        self._writable = True
        if not self._gone.done():
            self._gone.set_result(None)
        self._wake()

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # ── the listener calls these ──────────────────────────────────────────────────────────────────────────────────

    def stop(self, reply: Reply = say.SHUTTING_DOWN) -> None:
        """Finish what the handler has begun, say this 421 and hang up."""
        self._stopping = reply
        if self._shaking_hands:  # nothing can be said now
            self.abort()
        self._wake()

    def expire(self, now: float) -> None:
        """Hang up on a client that has been silent, or has not read, for too long (RFC 5321 §4.5.3.2.7)."""
        on_them = self._waiter is not None and not self._under_way
        if not on_them or now - self._since < self._plan.idle_seconds:
            return
        if self._writable:
            self.stop(say.TIMED_OUT)
        else:
            self.abort()

    def abort(self) -> None:
        """Drop the connection now."""
        if self._transport is not None:
            self._transport.abort()

    async def run(self) -> None:
        """Serve until one side ends the session, and the connection is closed."""
        try:
            if self._plan.implicit_tls and not await self._handshake():
                return
            await self._serve()
            await self._hang_up()
        finally:
            for task in self._under_way:
                task.cancel()
            self.abort()

    # ── the conversation ──────────────────────────────────────────────────────────────────────────────────────────

    async def _serve(self) -> None:
        conversation = self._begin()
        if self._stopping is None:
            conversation.greet()
        self._receive_early(conversation)
        while not self._gone.done():
            if self._stopping is not None:
                conversation.end(self._stopping)
            event, self._event = self._event or conversation.next_event(), None
            if isinstance(event, Ended):
                self._said_goodbye = event.why is Ending.QUIT and not conversation.buffered
                break
            if event is not None:
                await self._act(conversation, event)
            elif not await self._more(conversation):
                break
        self._flush(conversation)
        while self._under_way:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
            self._flush(conversation)

    def _begin(self) -> ServerConversation:
        assert self._transport is not None
        name = self._transport.get_extra_info("peername")
        host, port = (name[0], name[1]) if isinstance(name, tuple) else ("localhost", 0)
        self._client = SmtpClient(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", tls=self._tls)
        self._conversation = ServerConversation(
            self._plan.settings,
            secure=self._tls is not None,
            loopback=host == "::1" or host.startswith(("127.", "::ffff:127.", "localhost")),
        )
        return self._conversation

    async def _more(self, conversation: ServerConversation) -> bool:
        """Write, then wait for octets or the handler's word; whether the session goes on."""
        going_on = conversation.piled_up
        self._flush(conversation)
        if self._at_end and not self._under_way and not going_on:
            return False
        assert self._transport is not None
        if self._writable and conversation.buffered <= READ_AHEAD and not self._transport.is_closing():
            self._transport.resume_reading()
        if going_on:  # after the other sessions' turn
            asyncio.get_running_loop().call_soon(self._wake)
        await self._woken()
        while not self._writable and self._stopping is None:  # replies are not read: no more are made
            await self._woken()
        if conversation.in_content:
            self._since = self._plan.clock.monotonic()
        return True

    async def _woken(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _flush(self, conversation: ServerConversation) -> None:
        wire = conversation.outgoing()
        if wire and self._transport is not None and not self._transport.is_closing():
            self._since = self._plan.clock.monotonic()
            self._transport.write(wire)

    async def _act(self, conversation: ServerConversation, event: ServerEvent) -> None:
        if isinstance(event, TlsWanted):
            self._flush(conversation)
            if await self._handshake():
                conversation.tls_established()
                self._receive_early(conversation)
        elif isinstance(event, ContentComplete) and conversation.buffered:
            # The client's next commands are here already: they are read while the message is being made safe.
            task = asyncio.get_running_loop().create_task(self._decide(conversation, event))
            self._under_way.add(task)
            task.add_done_callback(self._decided)
        elif not isinstance(event, Ended):
            await self._decide(conversation, event)

    def _decided(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._wake()

    async def _decide(self, conversation: ServerConversation, question: Question) -> None:
        try:
            answer = await self._ask(question, self._who(conversation))
            if isinstance(answer, Reply):
                conversation.answer(question, answer)
            elif isinstance(question, KeyWanted):
                conversation.answer_key(question, answer)
        except Exception:  # noqa: BLE001 - whatever the handler does wrong, the client hears 4yz and the server goes on
            _log.exception("the handler failed at %s", type(question).__name__)
            trouble = say.AUTH_UNAVAILABLE if isinstance(question, AuthAttempt | KeyWanted) else say.LOCAL_ERROR
            with suppress(ValueError):  # the session was ended meanwhile, so nothing is asked any more
                conversation.answer(question, trouble)

    async def _ask(self, question: Question, client: SmtpClient) -> Reply | StoredKey | None:
        handler = self._plan.handler
        match question:
            case MailGiven():
                return await handler.mail_from(client, question) or say.SENDER_OK
            case RecipientGiven():
                return await handler.rcpt_to(client, question) or say.RECIPIENT_OK
            case ContentComplete():
                return await handler.message(client, question)
            case KeyWanted(username):
                assert self._plan.keys is not None  # without, no mechanism asks for them
                return await self._plan.keys.stored_key(client, username)
            case AuthAttempt():
                answer = await handler.authenticate(client, question.username, question.password)
                if isinstance(answer, Reply):
                    return answer
                return say.AUTHENTICATED if answer else say.BAD_CREDENTIALS

    def _who(self, conversation: ServerConversation) -> SmtpClient:
        known = self._client
        if known.hello != conversation.hello or known.user != conversation.user or known.tls != self._tls:
            self._client = SmtpClient(known.peer, conversation.hello, conversation.user, self._tls)
        return self._client

    # ── the wire ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _handshake(self) -> bool:
        """Whether TLS is on now; the connection is dropped where it failed."""
        self._shaking_hands = True
        try:
            secured = await self._secured()
        except OSError as fault:  # ssl.SSLError is one
            _log.info("TLS handshake with %s failed: %s", self._client.peer, fault)
            secured = None
        if secured is None:
            self.abort()
            self.connection_lost(None)  # asyncio does not tell the protocol about a handshake that failed
            return False
        self._transport = secured
        tls: ssl.SSLObject = secured.get_extra_info("ssl_object")
        cipher = tls.cipher()
        self._tls = f"{tls.version()}, {cipher[0] if cipher else 'no cipher'}"
        return True

    def _receive_early(self, conversation: ServerConversation) -> None:
        self._shaking_hands = False
        early, self._early = self._early, []
        for data in early:
            conversation.receive(data)

    async def _secured(self) -> asyncio.Transport | None:
        assert self._transport is not None
        assert self._plan.context is not None
        return await asyncio.get_running_loop().start_tls(
            self._transport,
            self,
            self._plan.context,
            server_side=True,
            ssl_handshake_timeout=self._plan.handshake_seconds,
            ssl_shutdown_timeout=LINGER_SECONDS,
        )

    async def _hang_up(self) -> None:
        """Close without destroying the last reply: a close with unread input would reset the connection."""
        transport = self._transport
        assert transport is not None
        if self._gone.done() or transport.is_closing():
            return
        if self._said_goodbye and not transport.get_write_buffer_size():
            transport.close()
            await self._gone
            return
        try:
            if self._tls is None and not self._at_end:
                transport.write_eof()
                transport.resume_reading()  # and thrown away, until the client hangs up too
            else:
                transport.close()
        except OSError:  # the client was quicker
            transport.abort()
        timer = asyncio.get_running_loop().call_later(LINGER_SECONDS, transport.abort)
        try:
            await self._gone
        finally:
            timer.cancel()
