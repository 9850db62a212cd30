"""One mail transaction: MAIL, RCPT, content (RFC 5321 §3.3), and what the replies mean for each of its recipients.

It writes nothing and waits for nothing; the session does. A message with many recipients has several of these.
"""

from typing import TYPE_CHECKING, Final

from postroad.address import Address
from postroad.errors import (
    AuthenticationError,
    DataError,
    OutcomeUnknown,
    PostroadError,
    ProtocolError,
    SenderRefused,
    SendError,
    TlsError,
)
from postroad.message.envelope import MailObject, UndottedLines, WireLines
from postroad.outcome import Outcome, Result
from postroad.reply import Phase, Reply
from postroad.smtp.body import check_line_ends, stuffed
from postroad.smtp.client import ClientConversation
from postroad.smtp.extensions import Extensions
from postroad.smtp.states import Verb
from postroad.transport.smtp.opening import mail_command, rcpt_command

if TYPE_CHECKING:
    from postroad.transport.smtp.delivery import Delivery

_DATA: Final = b"DATA\r\n"
_FOR_ONE: Final = (Verb.MAIL, Verb.RCPT, Verb.DATA)
# RFC 3463 §3.6: too many recipients. Without an enhanced code a 452 says the same (RFC 5321 §4.5.3.1.10), and so did
# 552 before it.
_TOO_MANY: Final = (5, 3)
_TOO_LARGE: Final = (3, 4)  # RFC 3463 §3.4
_LOG_IN: Final = "Give user name and password: this server asks for them, on the ports for submission nearly always."
_SECURE: Final = "Use smtp:// or smtps://, which encrypt, instead of smtp+insecure://."


class Transaction:
    """``mail`` is in the form that suits the server; ``accepted`` grows with RCPT's replies."""

    __slots__ = (
        "_extensions",
        "_wire",
        "accepted",
        "answered",
        "chunked",
        "committed",
        "delivery",
        "ended",
        "left",
        "mail",
        "outcomes",
        "recipients",
        "replied",
        "verbs",
        "wires",
    )

    def __init__(
        self, delivery: "Delivery", mail: MailObject, recipients: tuple[Address, ...], extensions: Extensions
    ) -> None:
        self.delivery = delivery
        self.mail = mail
        self.recipients = recipients
        self.chunked = extensions.chunking
        self.accepted: list[Address] = []
        self.outcomes: list[Outcome] = []
        self.answered = 0  # recipients whom the server has answered
        self.committed = False  # the final dot went out
        self.replied = False  # the server has said something about this message
        self.ended = False
        self.left: list[Address] = []  # were too many for it
        self._extensions = extensions
        self.verbs: tuple[Verb, ...] = ()  # of the opening
        self.wires: list[bytes] = []
        self._wire: bytes | None = None

    @property
    def untouched(self) -> bool:
        """No server has answered anything to it, so another connection may take it without this being a second try."""
        return not self.replied and not self.committed

    # ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────

    def prepare(self) -> None:
        """Work out what will go over the wire, while there is time.

        Raises:
            MessageError: a bare CR or LF stands in the content.
        """
        if not self.wires:
            self._write_opening()
        self.wire()

    def _write_opening(self) -> None:
        """MAIL, every RCPT, and DATA unless the content goes in chunks."""
        mail = mail_command(self.mail, with_size=self._extensions.size_offered)
        rcpts = [rcpt_command(recipient, self.mail.envelope.dsn) for recipient in self.recipients]
        if self.chunked:
            self.verbs, self.wires = (Verb.MAIL, *(Verb.RCPT,) * len(rcpts)), [mail, *rcpts]
        elif len(rcpts) == 1:
            self.verbs, self.wires = _FOR_ONE, [mail, rcpts[0], _DATA]
        else:
            self.verbs = (Verb.MAIL, *(Verb.RCPT,) * len(rcpts), Verb.DATA)
            self.wires = [mail, *rcpts, _DATA]

    def opening(self, conversation: ClientConversation) -> list[bytes]:
        """All of it, for one write."""
        if not self.wires:
            self._write_opening()
        conversation.group(self.verbs, self.wires)
        return self.wires

    def command(self, number: int, conversation: ClientConversation) -> bytes:
        """One of its commands after the other, for a server that wants to answer each."""
        if not self.wires:
            self._write_opening()
        return conversation.command(self.verbs[number], self.wires[number])

    def wire(self) -> bytes:
        """The content as it goes over the wire: in chunks as it is, else dot-stuffed, without the final dot.

        Raises:
            MessageError: a bare CR or LF stands in the content.
        """
        content = self.mail.content
        if self._wire is not None:
            return self._wire
        checked = isinstance(content, WireLines)
        if self.chunked and not checked:
            check_line_ends(content)
        if not self.chunked and type(content) is not UndottedLines:
            content = stuffed(content, checked=checked)
        self._wire = content
        return content

    # ── replies ───────────────────────────────────────────────────────────────────────────────────────────────────

    def mail_answered(self, reply: Reply) -> None:
        self.replied = True
        if not reply.code.positive:
            self.fail(_refusal_of_mail(reply))

    def rcpt_answered(self, reply: Reply) -> bool:
        """One more recipient is answered; whether it was the last one."""
        recipient = self.recipients[self.answered]
        self.answered += 1
        if reply.code.positive:
            self.accepted.append(recipient)
        elif self.accepted and _means_too_many(reply):
            self.left.append(recipient)
        else:
            self.outcomes.append(Outcome(recipient, Result.REFUSED, Phase.RCPT, reply))
        return self.answered == len(self.recipients)

    def data_refused(self, reply: Reply) -> None:
        """DATA was answered with something other than 354, or it does not matter how."""
        if self.accepted:
            self.fail(DataError(f"DATA was refused: {reply}", reply=reply, phase=Phase.DATA))
        else:
            self.end()

    def content_refused_early(self, reply: Reply) -> None:
        """The server would not read on: too large, disk full."""
        if reply.code.positive:
            message = f"the message was accepted before it was complete: {reply}"
            self.fail(ProtocolError(message, reply=reply, phase=Phase.DATA))
        else:
            message = f"the message was refused while it was sent: {reply}"
            self.fail(DataError(message, reply=reply, phase=Phase.DATA))

    def content_answered(self, reply: Reply) -> None:
        """One reply for all (RFC 5321 §4.1.1.4)."""
        if not reply.code.positive:
            self.fail(DataError(f"the message was refused: {reply}", reply=reply, phase=Phase.DOT))
            return
        self.outcomes += [Outcome(recipient, Result.ACCEPTED, Phase.DOT, reply) for recipient in self.accepted]
        self.end()

    def content_answered_for_one(self, reply: Reply, number: int) -> None:
        """One reply for each accepted recipient, in their order (RFC 2033 §4.2)."""
        recipient = self.accepted[number]
        if reply.code.positive:
            self.outcomes.append(Outcome(recipient, Result.ACCEPTED, Phase.DOT, reply))
        else:
            error = DataError(f"the message was refused: {reply}", reply=reply, phase=Phase.DOT)
            self.outcomes.append(Outcome(recipient, Result.REFUSED, Phase.DOT, reply, error))

    def interrupted(self, fault: PostroadError) -> None:
        """The connection failed. After the final dot nobody knows what became of the accepted recipients (RFC 1047)."""
        if not self.committed:
            self.fail(fault)
            return
        message = f"the final dot went out and no answer came: {fault.message}"
        unknown = OutcomeUnknown(message, phase=Phase.DOT, transcript=fault.transcript)
        unknown.__cause__ = fault
        # Whatever became of these recipients, nothing was sent to those of later transactions.
        self.fail(unknown, for_rest=fault)

    def fail(self, error: PostroadError, *, for_rest: PostroadError | None = None) -> None:
        """One error for all recipients that have no outcome yet; those of later transactions would hear the same,
        unless there is another error for them.
        """
        if not self.ended:
            self.ended = True
            self.delivery.transaction_failed(self, error, for_rest or error)

    def end(self) -> None:
        """Every recipient has its outcome, or waits for the next transaction."""
        if not self.ended:
            self.ended = True
            self.delivery.transaction_ended(self)

    def unsettled(self) -> list[Address]:
        """The recipients that are in it and have no outcome."""
        waiting = [*self.accepted, *self.recipients[self.answered :]]
        settled = {outcome.recipient for outcome in self.outcomes}
        return [recipient for recipient in waiting if recipient not in settled]


def _means_too_many(reply: Reply) -> bool:
    if reply.code not in (452, 552):
        return False
    return reply.enhanced is None or reply.enhanced[1:] == _TOO_MANY


def _refusal_of_mail(reply: Reply) -> SendError:
    """Not every refusal of MAIL is about the sender."""
    if reply.code == 530 and "STARTTLS" in reply.text.upper():  # RFC 3207 §4
        return TlsError(f"the server takes no mail without TLS: {reply}", reply=reply, phase=Phase.MAIL, advice=_SECURE)
    if reply.code == 530:  # RFC 4954 §6
        return AuthenticationError(
            f"the server takes no mail without a log-in: {reply}", reply=reply, phase=Phase.MAIL, advice=_LOG_IN
        )
    if reply.code == 552 and (reply.enhanced is None or reply.enhanced[1:] == _TOO_LARGE):  # RFC 1870 §6.1
        return DataError(f"the message is too large for the server: {reply}", reply=reply, phase=Phase.MAIL)
    return SenderRefused(f"the sender was refused: {reply}", reply=reply, phase=Phase.MAIL)
