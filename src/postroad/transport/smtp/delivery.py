"""One message over one connection: MAIL, RCPT, DATA, content, and what the replies mean for each recipient.

With PIPELINING (RFC 2920) the opening of the next message goes out behind this one's final dot, so that a busy
connection needs one round trip a message. Every reply is looked at. After a 354 there is no way back: whoever may not
send any more closes the connection.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from postroad.address import Address
from postroad.errors import (
    Abandoned,
    DataError,
    Disconnected,
    MessageError,
    OutcomeUnknown,
    PostroadError,
    ProtocolError,
    RecipientsRefused,
    SenderRefused,
    SendError,
    Unsupported,
)
from postroad.message.envelope import Body, MailObject
from postroad.outcome import Outcome, Result, SendReport, failed, with_error
from postroad.reply import Phase, Reply
from postroad.smtp.extensions import Extensions
from postroad.smtp.states import State, Verb
from postroad.transport.contract import BeforeCommit
from postroad.transport.smtp.connection import SmtpConnection

BLOCK: Final = 256 * 1024  # octets of content written before the server must have taken them (RFC 5321 §4.5.3.2.5)


class PendingReport(asyncio.Future[SendReport]):
    """The report to come. Cancelling it ends the attempt at once and closes its connection."""

    delivery: "Delivery"

    def cancel(self, msg: object | None = None) -> bool:
        cancelled = super().cancel(msg)
        if cancelled:
            self.delivery.withdraw()
        return cancelled


class Delivery:
    """A message, the caller who waits for its report, and what is known so far."""

    __slots__ = (
        "_accepted",
        "_on_withdrawn",
        "_outcomes",
        "_replied",
        "before_commit",
        "committed",
        "connection",
        "mail",
        "pending",
        "submitted_at",
    )

    def __init__(
        self,
        mail: MailObject,
        before_commit: BeforeCommit | None,
        submitted_at: float,
        on_withdrawn: "Callable[[Delivery], None]",
    ) -> None:
        self.mail = mail
        self.before_commit = before_commit
        self.submitted_at = submitted_at  # loop time, for the bounded wait
        self.pending = PendingReport()
        self.pending.delivery = self
        self.connection: SmtpConnection | None = None  # while it is this one's turn
        self.committed = False  # the final dot went out
        self._replied = False
        self._on_withdrawn = on_withdrawn  # told when the caller goes before it is this one's turn
        self._accepted: list[Address] = []
        self._outcomes: list[Outcome] = []

    @property
    def done(self) -> bool:
        """The caller has a report, or no longer wants one."""
        return self.pending.done()

    @property
    def untouched(self) -> bool:
        """No server has answered anything to it, so another connection may take it without this being a second try."""
        return not self._replied and not self.committed

    def withdraw(self) -> None:
        """The caller is gone: stop at once."""
        if self.connection is not None:
            self.connection.abort()
        else:
            self._on_withdrawn(self)

    # ── what the connection must be able to do ────────────────────────────────────────────────────────────────────

    def unsuited(self, extensions: Extensions) -> PostroadError | None:
        """Why this server cannot take the message, whatever it would answer."""
        mail = self.mail
        if mail.smtputf8 and not extensions.smtputf8:
            return Unsupported("an address or header needs SMTPUTF8, which the server does not offer", phase=Phase.MAIL)
        if mail.body is Body.EIGHT_BIT and not extensions.eight_bit_mime:
            return Unsupported("the content is 8bit, and the server does not offer 8BITMIME", phase=Phase.MAIL)
        limit = extensions.size_limit
        if limit is not None and len(mail.content) > limit:  # RFC 1870 §6.1
            return MessageError(
                f"the message has {len(mail.content)} octets, the server takes {limit}", field="size", phase=Phase.MAIL
            )
        return None

    # ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────

    def mail_command(self, connection: SmtpConnection) -> bytes:
        mail, extensions = self.mail, connection.conversation.extensions
        return connection.conversation.mail(
            mail.envelope.mail_from,
            size=len(mail.content) if extensions.size_offered else None,
            eight_bit=mail.body is Body.EIGHT_BIT,
            smtputf8=mail.smtputf8,
        )

    def opening(self, connection: SmtpConnection) -> bytes:
        """MAIL, every RCPT and DATA in one piece, for a server with PIPELINING."""
        conversation = connection.conversation
        commands = [self.mail_command(connection)]
        commands += [conversation.rcpt(recipient) for recipient in self.mail.envelope.recipients]
        commands.append(conversation.data())
        return b"".join(commands)

    # ── replies ───────────────────────────────────────────────────────────────────────────────────────────────────

    def mail_answered(self, reply: Reply, connection: SmtpConnection) -> None:
        """MAIL's answer.

        Raises:
            Disconnected: it is a 421, which speaks of the session and not of the sender (RFC 5321 §3.8). A server that
                has given up an idle connection says it here when its word and ours crossed on the way.
        """
        if reply.code == 421:
            raise connection.closing(reply, Phase.MAIL)
        self._replied = True
        if not reply.code.positive:
            error = SenderRefused(f"the sender was refused: {reply}", reply=reply, phase=Phase.MAIL)
            self.fail(error, connection)

    def rcpt_answered(self, recipient: Address, reply: Reply) -> None:
        if reply.code.positive:
            self._accepted.append(recipient)
        else:
            self._outcomes.append(Outcome(recipient, Result.REFUSED, Phase.RCPT, reply))

    @property
    def accepted(self) -> tuple[Address, ...]:
        """The recipients that RCPT accepted."""
        return tuple(self._accepted)

    def data_answered(self, reply: Reply, connection: SmtpConnection) -> None:
        if self.done or (reply.code.intermediate and self._accepted):
            return
        if not self._accepted:
            self.all_refused(connection)
        else:
            self.fail(DataError(f"DATA was refused: {reply}", reply=reply, phase=Phase.DATA), connection)

    def all_refused(self, connection: SmtpConnection) -> None:
        """No recipient is left, and DATA was not asked for."""
        self._finish(connection)

    def dot_answered(self, reply: Reply, connection: SmtpConnection) -> None:
        if not reply.code.positive:
            self.fail(DataError(f"the message was refused: {reply}", reply=reply, phase=Phase.DOT), connection)
            return
        self._outcomes += [Outcome(recipient, Result.ACCEPTED, Phase.DOT, reply) for recipient in self._accepted]
        self._finish(connection)

    def interrupted(self, fault: SendError, connection: SmtpConnection | None) -> None:
        """The connection failed. After the final dot nobody knows what became of the accepted recipients (RFC 1047)."""
        if not self.committed:
            self.fail(fault, connection)
            return
        unknown = OutcomeUnknown(
            f"the final dot went out and no answer came: {fault.message}",
            phase=Phase.DOT,
            transcript=connection.transcript() if connection else (),
        )
        unknown.__cause__ = fault
        self.fail(unknown, connection)

    def fail(self, error: PostroadError, connection: SmtpConnection | None) -> None:
        """One error for all recipients that have no outcome yet."""
        if self.done:
            return
        if not error.transcript and connection is not None:
            error.transcript = connection.transcript()
        settled = {outcome.recipient for outcome in self._outcomes}
        open_recipients = [one for one in self.mail.envelope.recipients if one not in settled]
        self._outcomes += failed(open_recipients, error).outcomes
        self._finish(connection, error)

    def _finish(self, connection: SmtpConnection | None, error: PostroadError | None = None) -> None:
        if self.done:
            return
        outcomes = _in_order(self._outcomes, self.mail.envelope.recipients)
        if error is None and all(outcome.refused for outcome in outcomes):
            error = _all_refused(outcomes)
        clean = error is None and len(self._accepted) == len(outcomes)
        transcript = connection.transcript() if connection is not None and not clean else ()
        report = SendReport(outcomes, message_id=self.mail.message_id, error=error, transcript=transcript)
        if error is not None:
            error.transcript = error.transcript or transcript
            report = with_error(report, error)
        self.pending.set_result(report)


def _in_order(outcomes: list[Outcome], recipients: tuple[Address, ...]) -> tuple[Outcome, ...]:
    if len(outcomes) == 1:
        return tuple(outcomes)
    by_recipient = {outcome.recipient: outcome for outcome in outcomes}
    return tuple(by_recipient[recipient] for recipient in recipients)


def _all_refused(outcomes: tuple[Outcome, ...]) -> RecipientsRefused:
    # One that may be tried again speaks for all: then the message as a whole may be.
    spokesman = next((outcome for outcome in outcomes if outcome.temporary), outcomes[0])
    count = f"all {len(outcomes)} recipients" if len(outcomes) > 1 else "the recipient"
    return RecipientsRefused(f"{count} refused: {spokesman}", reply=spokesman.reply, phase=Phase.RCPT)


Follow = Callable[[SmtpConnection], Delivery | None]
"""Asked at the final dot for the message whose opening may go out behind it."""


async def transact(connection: SmtpConnection, delivery: Delivery, follow: Follow, *, begun: bool) -> Delivery | None:
    """Deliver one message; return the next one if its opening has gone out already.

    ``begun`` says that this one's own opening went out behind the last dot. Failures end in the report, and leave the
    connection closed; an exception of ``before_commit`` is passed to the caller of the delivery. A delivery that is not
    done afterwards met a used connection that was at its end or out of step, and was never begun.
    """
    following: list[Delivery] = []
    used_before = connection.served > 0
    delivery.connection = connection
    try:
        if delivery.done:  # withdrawn while its opening was on the way
            connection.abort()
        elif await _open(connection, delivery, begun=begun):
            await _content(connection, delivery, follow, following)
    except PostroadError as fault:
        connection.abort()
        if not (used_before and delivery.untouched and isinstance(fault, Disconnected | ProtocolError)):
            _stopped(delivery, fault, connection)
    except asyncio.CancelledError:
        connection.abort()
        delivery.pending.cancel()
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Otherwise it was before_commit's: something that it waited for was cancelled.
    except Exception as fault:  # noqa: BLE001 - before_commit's own failure belongs to whoever gave it
        connection.abort()
        if not delivery.done:
            delivery.pending.set_exception(fault)
    finally:
        delivery.connection = None
        connection.served += 1
    return following[0] if following else None


def _stopped(delivery: Delivery, fault: PostroadError, connection: SmtpConnection) -> None:
    if isinstance(fault, SendError):
        delivery.interrupted(fault, connection)
    else:
        delivery.fail(fault, connection)


async def _open(connection: SmtpConnection, delivery: Delivery, *, begun: bool) -> bool:
    """MAIL, RCPT, DATA; whether the server now waits for content."""
    conversation, timeouts = connection.conversation, connection.settings.timeouts
    if not begun and conversation.state in (State.MAIL, State.RCPT):  # what a refused DATA left behind
        connection.stream.write(conversation.rset())
        reply = await connection.answer(timeouts.command, Verb.RSET)
        if not reply.code.positive:  # what that transaction left behind would spoil this one
            raise Disconnected(f"RSET was refused: {reply}", reply=reply, phase=Phase.RSET)
    if not begun and conversation.extensions.pipelining:
        connection.stream.write(delivery.opening(connection))
        begun = True
    recipients = delivery.mail.envelope.recipients
    if not begun:
        return await _open_in_lockstep(connection, delivery)
    delivery.mail_answered(await connection.answer(timeouts.command, Verb.MAIL), connection)
    for recipient in recipients:
        delivery.rcpt_answered(recipient, await connection.answer(timeouts.command, Verb.RCPT))
    delivery.data_answered(await connection.answer(timeouts.data, Verb.DATA), connection)
    return conversation.state is State.CONTENT


async def _open_in_lockstep(connection: SmtpConnection, delivery: Delivery) -> bool:
    conversation, timeouts, write = connection.conversation, connection.settings.timeouts, connection.stream.write
    write(delivery.mail_command(connection))
    delivery.mail_answered(await connection.answer(timeouts.command, Verb.MAIL), connection)
    if delivery.done:
        return False
    for recipient in delivery.mail.envelope.recipients:
        write(conversation.rcpt(recipient))
        delivery.rcpt_answered(recipient, await connection.answer(timeouts.command, Verb.RCPT))
    if not delivery.accepted:
        delivery.all_refused(connection)
        return False
    write(conversation.data())
    delivery.data_answered(await connection.answer(timeouts.data, Verb.DATA), connection)
    return conversation.state is State.CONTENT


async def _content(connection: SmtpConnection, delivery: Delivery, follow: Follow, following: list[Delivery]) -> None:
    """Everything after the 354."""
    conversation, timeouts = connection.conversation, connection.settings.timeouts
    if delivery.done:  # 354 although all were refused: an empty content, which the server refuses (RFC 2920 §3.1)
        connection.stream.write(conversation.content(b""))
        await connection.answer(timeouts.dot, Verb.DOT)
        return
    last_block = await _all_but_last_block(connection, conversation.content(delivery.mail.content))
    if last_block is None:
        delivery.fail(await _early_refusal(connection), connection)
        connection.abort()
        return
    if delivery.before_commit is not None and not await delivery.before_commit(delivery.accepted):
        raise Abandoned("taken back before the final dot", phase=Phase.DATA)
    if delivery.pending.done():  # withdrawn meanwhile
        connection.abort()
        return
    if connection.has_input:  # the server spoke or hung up before the dot: what it said is no answer to a dot
        delivery.fail(await _early_refusal(connection), connection)
        connection.abort()
        return
    if conversation.extensions.pipelining and (next_one := follow(connection)) is not None:
        connection.stream.write(last_block + next_one.opening(connection))
        following.append(next_one)
    else:
        connection.stream.write(last_block)
    delivery.committed = True
    await connection.drain_block()
    delivery.dot_answered(await connection.answer(timeouts.dot, Verb.DOT), connection)


async def _all_but_last_block(connection: SmtpConnection, wire: bytes) -> bytes | None:
    """Write a large content up to its last block, so that "not sent yet" stays certain for as long as possible.

    ``None``: the server spoke before it had everything.
    """
    start, stream = 0, connection.stream
    while len(wire) - start > BLOCK:
        try:
            stream.write(wire[start : start + BLOCK])
            await connection.drain_block()
            await stream.listen()
        except Disconnected:
            if not stream.has_input:
                raise
        if stream.has_input:
            return None
        start += BLOCK
    return wire[start:] if start else wire


async def _early_refusal(connection: SmtpConnection) -> SendError:
    """Why a server would not read on: too large, disk full. The content has no end now, so the connection must."""
    reply = await connection.answer(connection.settings.timeouts.command, Verb.DOT)
    if reply.code.positive:
        return ProtocolError(f"the message was accepted before it was complete: {reply}", reply=reply, phase=Phase.DATA)
    return DataError(f"the message was refused while it was sent: {reply}", reply=reply, phase=Phase.DATA)
