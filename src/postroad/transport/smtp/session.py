"""The work of an open connection: transactions one after the other, and the next one's opening behind this one's end.

With PIPELINING (RFC 2920) the opening of the next transaction goes out behind this one's final dot, so that a busy
connection needs one round trip a message. Every reply is looked at. After a 354 there is no way back: whoever may not
send any more closes the connection. With CHUNKING (RFC 3030) there is one, RSET, until the last chunk.

A session is called with what the server says and answers in the same turn of the event loop; no task waits for it.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from postroad.errors import Abandoned, Disconnected, PostroadError, ProtocolError, Timeout
from postroad.reply import Phase, Reply
from postroad.smtp.body import END
from postroad.smtp.client import Answer, ClientEvent, Unsolicited
from postroad.smtp.states import State, Verb
from postroad.transport.pending import Decided
from postroad.transport.smtp.connection import PHASE_OF, SmtpConnection
from postroad.transport.smtp.patience import Patience
from postroad.transport.smtp.transaction import Transaction

BLOCK: Final = 256 * 1024  # octets of content written before the server must have taken them (RFC 5321 §4.5.3.2.5)


class Work(Protocol):
    """Where a session gets its messages from, and who is told what becomes of it."""

    def following(self, session: "Session", last: Transaction | None) -> Transaction | None:
        """The next transaction for this session, if there is one for it now: of the last one's message, if need be."""

    def look_ahead(self, session: "Session") -> None:
        """There is time to prepare what may come next."""

    def rests(self, session: "Session") -> None:
        """The session has nothing to do; ``go_on`` or ``probe`` wakes it."""

    def returned(self, transaction: Transaction) -> None:
        """The connection was lost before any server had said a word to this transaction."""

    def ended(self, session: "Session") -> None:
        """The session is over; its connection is closed."""


class Session:
    """Over a connection that is open, authenticated and quiet. ``begin`` sets it to work."""

    def __init__(self, connection: SmtpConnection, work: Work) -> None:
        self.connection = connection
        self._work = work
        self._conversation = connection.conversation
        self._stream = connection.stream
        self._timeouts = connection.settings.timeouts
        self._lmtp = connection.lmtp
        self._loop = asyncio.get_running_loop()
        self._current: Transaction | None = None
        self._following: Transaction | None = None  # its opening has gone out behind the final dot of the current one
        self._first = True  # the current transaction is the connection's first
        # The last content was refused. Postfix keeps its transaction open where smtpd_end_of_data_restrictions refused
        # it, so the server may not stand where RFC 5321 §4.1.1.4 puts it.
        self._refused = False
        self._behind_refusal = False  # the opening of the current transaction went out before that was known
        self._to_tell: list[tuple[Transaction, Reply | None]] = []  # told when everything is written
        self._ready: Transaction | None = None  # for its content, once all that came was heard
        self._in_content = False  # and not committed
        self._wire = b""  # the current content
        self._sent = 0  # octets of it
        self._dots = 0  # replies to the current content, where there is one for each recipient
        self._deciding: asyncio.Future[bool] | None = None
        self._patience = Patience(self._loop, self._patience_ran_out)
        self._over = False

    # ── the pool calls these ──────────────────────────────────────────────────────────────────────────────────────

    def begin(self) -> None:
        """Take over the connection and look for work."""
        self._stream.take_over(self._received, self._writable)
        if not self._over:
            self.go_on()

    def go_on(self) -> None:
        """Take the next message, or rest."""
        self._guarded(self._next)

    def probe(self) -> None:
        """Ask a connection that has been idle for long whether it still lives (NOOP, RFC 5321 §4.1.1.9), then go on."""
        self._guarded(self._ask_whether_alive)

    def withdrawn(self) -> None:
        """The caller of the current message is gone."""
        # Its opening or content may be half out: the connection has no other use for what comes back.
        self._lose(Abandoned("withdrawn", phase=Phase.DATA))

    def release(self) -> None:
        """Give the connection back, for a goodbye."""
        self._over = True
        self._patience.end()
        self._stream.let_go()

    def abort(self) -> None:
        """Close the connection now, whatever is under way."""
        self._lose(Disconnected("the connection was closed", phase=Phase.CONNECT))

    # ── input ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _received(self, data: bytes) -> None:
        if self._over:
            return
        try:
            self._hear(data)
        except PostroadError as fault:
            self._lose(fault)
        if self._to_tell:
            self._tell()

    def _guarded(self, act: Callable[[], None]) -> None:
        """Whatever goes wrong on the connection ends the session."""
        try:
            act()
        except PostroadError as fault:
            self._lose(fault)
        self._tell()

    def _tell(self) -> None:
        to_tell, self._to_tell = self._to_tell, []
        for transaction, reply in to_tell:
            if reply is None:
                transaction.end()
            else:
                transaction.content_answered(reply)

    def _hear(self, data: bytes) -> None:
        if not data:
            raise self.connection.hung_up(self._conversation.awaited, self._phase())
        on_reply, events = self._ON_REPLY, self._conversation.receive(data)
        if events:  # part of a reply does not make the wait for it longer
            self._patience.due = 0.0
        for event in events:
            if self._over:
                return
            if type(event) is not Answer:
                self._unasked(event)
                continue
            verb, reply = event
            on_reply[verb](self, reply)
            if reply.code == 421 and not self._over:
                # RFC 5321 §3.8: behind a 421 comes nothing, even where the server does not hang up.
                raise self.connection.closing(reply, PHASE_OF[verb])
        ready, self._ready = self._ready, None
        if ready is not None and not self._over:
            self._begin_content(ready)
        if not self._patience.due:
            self._be_patient()

    def _unasked(self, event: ClientEvent) -> None:
        if self._in_content and self._current is not None and isinstance(event, Unsolicited):
            self._refuse_early(self._current, event.reply)  # what it says is no answer to a dot
        else:
            raise self.connection.lost(event, self._phase())

    def _phase(self) -> Phase:
        awaited = self._conversation.awaited
        return PHASE_OF[awaited] if awaited is not None else Phase.DATA if self._current is not None else Phase.POOL

    # ── patience ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _be_patient(self) -> None:
        """The oldest command without a reply says how long to wait."""
        verb = self._conversation.awaited
        if verb is None or self._deciding is not None:  # the server owes nothing while the caller thinks
            self._patience.due = 0.0
        elif verb in _CONTENT_ENDS:
            self._patience.wait(self._timeouts.dot, verb)
        else:
            self._patience.wait(self._timeouts.data if verb is Verb.DATA else self._timeouts.command, verb)

    def _patience_ran_out(self) -> None:
        self._guarded(self._give_up)

    def _give_up(self) -> None:
        patience, where = self._patience, self.connection.settings.where
        if patience.awaited is None:
            message, phase = f"{where} took no content for {patience.seconds:g} s", Phase.DATA
        else:
            message = f"{where} did not answer {patience.awaited.value} within {patience.seconds:g} s"
            phase = self._phase()
        raise Timeout(message, phase=phase, transcript=self.connection.transcript())

    # ── opening ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _next(self) -> None:
        last, self._current, self._in_content = self._current, None, False
        transaction = self._work.following(self, last)
        if transaction is None:
            self._patience.due = 0.0
            self._work.rests(self)
        else:
            self._start(transaction)

    def _ask_whether_alive(self) -> None:
        self._stream.write(self._conversation.noop())
        self._patience.wait(self._timeouts.connect, Verb.NOOP)

    def _noop_answered(self, reply: Reply) -> None:
        if not reply.code.positive:
            raise Disconnected(f"NOOP was refused: {reply}", reply=reply, phase=Phase.NOOP)
        self._next()

    def _turn_of(self, transaction: Transaction) -> None:
        self._current = transaction
        transaction.delivery.session = self
        self._first = self.connection.served == 0
        self.connection.served += 1
        self._behind_refusal, self._refused = self._refused, False

    def _start(self, transaction: Transaction) -> None:
        conversation = self._conversation
        # What a refused content or DATA, a withdrawn or a given up message left behind would spoil this one.
        spoilt = self._refused or conversation.state in (State.MAIL, State.RCPT, State.CHUNKS)
        self._refused = False
        self._turn_of(transaction)
        wire = conversation.rset() if spoilt else b""
        if conversation.extensions.pipelining:
            wire += b"".join(transaction.opening(conversation))
        elif not spoilt:
            wire = transaction.command(0, conversation)
        self._stream.write(wire)
        self._be_patient()

    def _rset_answered(self, reply: Reply) -> None:
        if not reply.code.positive:
            raise Disconnected(f"RSET was refused: {reply}", reply=reply, phase=Phase.RSET)
        if not self._conversation.extensions.pipelining and self._current is not None:
            self._say(self._current, 0)

    def _say(self, transaction: Transaction, number: int) -> None:
        """In lock-step: the next command of the opening, once the last one is answered."""
        if self._conversation.state is State.CLOSED:
            return  # that answer was a 421
        self._stream.write(transaction.command(number, self._conversation))

    def _mail_answered(self, reply: Reply) -> None:
        transaction = self._turn()
        if reply.code == 421:
            # It speaks of the session and not of the sender (RFC 5321 §3.8). A server that has given up an idle
            # connection says it here when its word and ours crossed on the way.
            raise self.connection.closing(reply, Phase.MAIL)
        if self._behind_refusal and reply.code == 503:
            # It speaks of the transaction before this one, which its recipients may have joined: away from here.
            raise Disconnected(f"the refused message is still open: {reply}", reply=reply, phase=Phase.MAIL)
        transaction.mail_answered(reply)
        if not self._conversation.extensions.pipelining:
            if transaction.ended:
                self._next()
            else:
                self._say(transaction, 1)

    def _rcpt_answered(self, reply: Reply) -> None:
        transaction = self._turn()
        last = transaction.rcpt_answered(reply)
        pipelining = self._conversation.extensions.pipelining
        if not last:
            if not pipelining:
                self._say(transaction, transaction.answered + 1)
        elif transaction.chunked:
            if transaction.accepted and not transaction.delivery.done and not transaction.ended:
                self._ready, self._in_content = transaction, True
            else:
                self._without_content(transaction)
        elif not pipelining:
            if transaction.accepted:
                self._say(transaction, transaction.answered + 1)
            else:
                self._without_content(transaction)

    def _without_content(self, transaction: Transaction) -> None:
        transaction.end()
        self._next()

    def _data_answered(self, reply: Reply) -> None:
        transaction = self._turn()
        if not reply.code.intermediate:
            transaction.data_refused(reply)
            if reply.code != 421:
                self._next()
        elif transaction.ended or not transaction.accepted:
            transaction.end()
            if self._lmtp:  # RFC 2033 §4.2: it had to be 503, because nobody would answer the dot
                raise ProtocolError("354 although every recipient was refused", reply=reply, phase=Phase.DATA)
            # 354 although all were refused: an empty content, which the server refuses (RFC 2920 §3.1).
            self._stream.write(self._conversation.content(b""))
        else:
            self._ready, self._in_content = transaction, True

    def _turn(self) -> Transaction:
        if self._current is None:
            raise ProtocolError("a reply for no message", phase=Phase.MAIL)
        return self._current

    # ── content ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _begin_content(self, transaction: Transaction) -> None:
        self._wire, self._sent, self._dots = transaction.wire(), 0, 0
        if len(self._wire) <= BLOCK:
            self._commit(transaction)
        elif transaction.chunked:
            self._next_chunk(transaction)
        else:
            self._register_dot(transaction)
            self._write_blocks(transaction)

    def _register_dot(self, transaction: Transaction) -> None:
        replies = len(transaction.accepted) if self._lmtp else 1
        self._conversation.final_dot(len(transaction.mail.content), replies=replies)

    def _write_blocks(self, transaction: Transaction) -> None:
        """Write a large content up to its last block, so that "not sent yet" stays certain for as long as possible.

        One block in a turn of the loop: a server that refuses what comes is heard in between.
        """
        if self._over or self._current is not transaction or transaction.ended:
            return
        if len(self._wire) - self._sent <= BLOCK:
            self._patience.due = 0.0
            self._commit(transaction)
            return
        self._stream.write(self._wire[self._sent : self._sent + BLOCK])
        self._sent += BLOCK
        self._patience.wait(self._timeouts.block, None)
        if not self._stream.paused:
            self._loop.call_soon(self._guarded_blocks, transaction)

    def _guarded_blocks(self, transaction: Transaction) -> None:
        self._guarded(lambda: self._write_blocks(transaction))

    def _writable(self) -> None:
        transaction = self._current
        if self._over or transaction is None:
            return
        if transaction.committed:
            self._be_patient()
        elif self._conversation.state is State.CONTENT and self._sent:
            self._loop.call_soon(self._guarded_blocks, transaction)

    def _next_chunk(self, transaction: Transaction) -> None:
        if len(self._wire) - self._sent <= BLOCK:
            self._commit(transaction)
            return
        chunk = self._wire[self._sent : self._sent + BLOCK]
        self._sent += BLOCK
        self._stream.write(self._conversation.chunk(len(chunk)) + chunk)

    def _chunk_answered(self, reply: Reply) -> None:
        transaction = self._turn()
        if transaction.delivery.done or transaction.ended:
            self._next()
        elif reply.code.positive:
            self._next_chunk(transaction)
        else:
            transaction.content_refused_early(reply)
            if reply.code != 421:
                self._next()

    # ── the point of no return ────────────────────────────────────────────────────────────────────────────────────

    def _commit(self, transaction: Transaction) -> None:
        ask = transaction.delivery.before_commit
        if ask is None:
            self._send_last(transaction)
            return
        try:
            answer = ask(tuple(transaction.accepted))
        except Exception as fault:  # noqa: BLE001 - before_commit's own failure belongs to whoever gave it
            self._commit_failed(transaction, fault)
            return
        if isinstance(answer, Decided):
            self._decide(transaction, may_go=answer.may_go)
            return
        self._deciding = asyncio.ensure_future(answer)
        self._deciding.add_done_callback(lambda decision: self._decided(transaction, decision))

    def _decided(self, transaction: Transaction, decision: "asyncio.Future[bool]") -> None:
        fault = None if decision.cancelled() else decision.exception()
        if self._over or self._current is not transaction:
            return
        self._deciding = None
        if decision.cancelled():  # something that it waited for was
            transaction.delivery.pending.cancel()
        elif fault is not None:
            self._commit_failed(transaction, fault)
        else:
            self._guarded(lambda: self._decide(transaction, may_go=decision.result()))

    def _commit_failed(self, transaction: Transaction, fault: BaseException) -> None:
        if isinstance(fault, PostroadError):
            self._lose(fault)
            return
        pending = transaction.delivery.pending
        transaction.ended = True
        self._lose(Abandoned("before_commit failed", phase=Phase.DATA))
        if not pending.done():
            pending.set_exception(fault)

    def _decide(self, transaction: Transaction, *, may_go: bool) -> None:
        if transaction.ended:
            return
        if may_go:
            self._send_last(transaction)
            return
        taken_back = Abandoned("taken back before the final dot", phase=Phase.DATA)
        if not transaction.chunked:
            raise taken_back
        transaction.fail(taken_back)
        self._next()

    def _send_last(self, transaction: Transaction) -> None:
        conversation, wire = self._conversation, self._wire
        if transaction.left:
            transaction.delivery.keep(transaction.left)
        self._in_content = False
        if self._sent:
            wire = wire[self._sent :]
        if transaction.chunked:
            replies = len(transaction.accepted) if self._lmtp else 1
            pieces = [conversation.last_chunk(len(wire), replies=replies), wire]
        else:
            if not self._sent:
                self._register_dot(transaction)
            pieces = [wire, END]
        following = None
        if conversation.extensions.pipelining and (following := self._work.following(self, transaction)) is not None:
            pieces += following.opening(conversation)
        self._following = following
        self._stream.write(b"".join(pieces))
        transaction.committed = True
        self._wire = b""
        if self._stream.paused:
            self._patience.wait(self._timeouts.block, None)
        else:
            self._be_patient()
        if following is not None:
            self._prepare(following)
        self._work.look_ahead(self)

    def _prepare(self, transaction: Transaction) -> None:
        """Work out a content while the server works on the one before it; a fault shows when it is its turn."""
        try:
            transaction.prepare()
        except PostroadError:
            return

    def _refuse_early(self, transaction: Transaction, reply: Reply) -> None:
        """Why a server would not read on. The content has no end now, so the connection must have one."""
        transaction.content_refused_early(reply)
        self._lose(Disconnected("the content has no end", phase=Phase.DATA))

    def _dot_answered(self, reply: Reply) -> None:
        transaction = self._turn()
        if transaction.ended:  # the empty content
            self._next()
        elif not transaction.committed:
            self._refuse_early(transaction, reply)
        else:
            self._content_answered(transaction, reply)
            self._shift()

    def _content_answered(self, transaction: Transaction, reply: Reply) -> None:
        if self._lmtp:
            transaction.content_answered_for_one(reply, self._dots)
            self._to_tell.append((transaction, None))
        elif reply.code.positive:  # what is next on the wire goes first
            self._to_tell.append((transaction, reply))
        else:
            self._refused = True
            transaction.content_answered(reply)

    def _one_answered(self, reply: Reply) -> None:
        transaction = self._turn()
        if not transaction.committed:
            self._refuse_early(transaction, reply)
            return
        transaction.content_answered_for_one(reply, self._dots)
        self._dots += 1

    def _shift(self) -> None:
        """The turn of the one behind."""
        following, self._following = self._following, None
        if following is None:
            self._next()
            return
        self._turn_of(following)
        if following.delivery.done and not following.chunked:
            self._lose(Abandoned("withdrawn", phase=Phase.MAIL))  # withdrawn while its opening was on the way

    # ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _lose(self, fault: PostroadError) -> None:
        if self._over:
            return
        self._over = True
        self._patience.end()
        if self._deciding is not None:
            self._deciding.cancel()  # or it might go on to write down that a message leaves which does not
        self.connection.abort()
        following, self._following = self._following, None
        current, self._current = self._current, None
        if following is not None:
            self._work.returned(following)
        if current is not None:
            self._end_current(current, fault)
        self._work.ended(self)

    def _end_current(self, transaction: Transaction, fault: PostroadError) -> None:
        met_closed = isinstance(fault, Disconnected | ProtocolError) and not self._first
        if met_closed and transaction.untouched and not transaction.ended:
            transaction.delivery.session = None
            self._work.returned(transaction)
        else:
            transaction.interrupted(fault)
            transaction.delivery.session = None

    _ON_REPLY: Final = {
        Verb.MAIL: _mail_answered,
        Verb.RCPT: _rcpt_answered,
        Verb.DATA: _data_answered,
        Verb.DOT: _dot_answered,
        Verb.DOT_ONE: _one_answered,
        Verb.BDAT: _chunk_answered,
        Verb.BDAT_LAST: _dot_answered,
        Verb.BDAT_LAST_ONE: _one_answered,
        Verb.RSET: _rset_answered,
        Verb.NOOP: _noop_answered,
    }


_CONTENT_ENDS: Final = frozenset({Verb.DOT, Verb.DOT_ONE, Verb.BDAT, Verb.BDAT_LAST, Verb.BDAT_LAST_ONE})
