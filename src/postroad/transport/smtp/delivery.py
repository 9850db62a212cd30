"""A message, the caller who waits for its report, and what is known so far about each of its recipients."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from postroad.address import Address
from postroad.errors import PostroadError, RecipientsRefused
from postroad.message.envelope import MailObject
from postroad.outcome import Outcome, Result, SendReport, failed, with_error
from postroad.reply import TranscriptLine
from postroad.smtp.extensions import Extensions
from postroad.transport.contract import BeforeCommit
from postroad.transport.pending import Pending
from postroad.transport.smtp.fitting import fitted
from postroad.transport.smtp.transaction import Transaction

if TYPE_CHECKING:
    from postroad.transport.smtp.connection import SmtpConnection
    from postroad.transport.smtp.session import Session

MAX_RECIPIENTS: Final = 100  # in a transaction: what every server must take (RFC 5321 §4.5.3.1.8)


class PendingReport(Pending):
    """The report to come. Cancelling it ends the attempt at once and closes its connection."""

    delivery: "Delivery | None" = None  # until it is told, so that the two do not keep each other for the collector

    def cancel(self, msg: object | None = None) -> bool:
        delivery, cancelled = self.delivery, super().cancel(msg)
        if cancelled and delivery is not None:
            delivery.withdraw()
        return cancelled

    def _told(self) -> None:
        super()._told()
        self.delivery = None


class Delivery:
    """One message on its way; where it has more recipients than a transaction takes, over several transactions."""

    __slots__ = (
        "_errors",
        "_fitted",
        "_fitted_for",
        "_on_withdrawn",
        "_outcomes",
        "_prepared",
        "_rest",
        "_running",
        "before_commit",
        "mail",
        "pending",
        "session",
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
        self.session: Session | None = None  # while it is this one's turn there
        self._rest = list(mail.envelope.recipients)  # in no transaction yet
        self._running: list[Transaction] = []
        self._outcomes: list[Outcome] = []
        self._errors: list[PostroadError] = []
        self._on_withdrawn = on_withdrawn  # told when the caller goes before it is this one's turn
        self._fitted = mail
        self._fitted_for: Extensions | None = None
        self._prepared: Transaction | None = None

    @property
    def done(self) -> bool:
        """The caller has a report, or no longer wants one."""
        return self.pending.done()

    @property
    def has_more(self) -> bool:
        """Recipients wait for another transaction."""
        return bool(self._rest) and not self.done

    def withdraw(self) -> None:
        """The caller is gone: stop at once."""
        if self.session is not None:
            self.session.withdrawn()
        else:
            self._on_withdrawn(self)

    # ── transactions ──────────────────────────────────────────────────────────────────────────────────────────────

    def prepare(self, connection: "SmtpConnection") -> None:
        """Work out what a connection like this one will be told, while there is time; faults show in ``begin``."""
        if self._prepared is None:
            try:
                transaction = self._next_transaction(connection)
                transaction.prepare()
            except PostroadError:
                return
            self._prepared = transaction

    def begin(self, connection: "SmtpConnection") -> Transaction:
        """The next transaction, with as many of the open recipients as it may have.

        Raises:
            PostroadError: this server cannot take the message, whatever it would answer.
        """
        transaction, self._prepared = self._prepared, None
        if transaction is None or not self._is_fitted_for(connection.conversation.extensions):
            transaction = self._next_transaction(connection)
        del self._rest[: len(transaction.recipients)]
        self._running.append(transaction)
        return transaction

    def _next_transaction(self, connection: "SmtpConnection") -> Transaction:
        extensions = connection.conversation.extensions
        if not self._is_fitted_for(extensions):
            verified = self.mail.envelope.require_tls and connection.verified_tls  # nobody else asks for it
            self._fitted = fitted(self.mail, extensions, verified_tls=verified)
            self._fitted_for = extensions
        return Transaction(self, self._fitted, _share(self._rest, extensions), extensions)

    def _is_fitted_for(self, extensions: Extensions) -> bool:
        # Two connections that offer the same need not both have verified TLS.
        return self._fitted_for is extensions and not self.mail.envelope.require_tls

    def give_back(self, transaction: Transaction) -> None:
        """No server has said anything to this transaction: its recipients wait again."""
        self._running.remove(transaction)
        self._rest[:0] = transaction.recipients

    def transaction_ended(self, transaction: Transaction) -> None:
        """Its recipients have their outcomes, but those that were too many for it."""
        self._running.remove(transaction)
        self._outcomes += transaction.outcomes
        self.keep(transaction.left)
        self._finish()

    def transaction_failed(self, transaction: Transaction, error: PostroadError, for_rest: PostroadError) -> None:
        """An error for those of its recipients that have no outcome, and one for those in no transaction."""
        self._running.remove(transaction)
        self._outcomes += transaction.outcomes
        self._failed(transaction.unsettled(), error)
        self.keep(transaction.left)
        self.fail(for_rest)

    def keep(self, left: list[Address]) -> None:
        """Recipients that were too many for a transaction wait for the next one."""
        self._rest[:0] = left
        left.clear()

    def fail(self, error: PostroadError) -> None:
        """An error for all recipients that are in no transaction."""
        rest, self._rest = self._rest, []
        self._failed(rest, error)
        self._finish()

    def _failed(self, recipients: list[Address], error: PostroadError) -> None:
        if recipients:
            if not error.transcript and self.session is not None:
                error.transcript = self.session.connection.transcript()
            self._outcomes += failed(recipients, error).outcomes
            self._errors.append(error)

    # ── the report ────────────────────────────────────────────────────────────────────────────────────────────────

    def _finish(self) -> None:
        if self._rest or self._running or self.done:
            return
        outcomes = self._in_order()
        accepted = len([outcome for outcome in outcomes if outcome.result is Result.ACCEPTED])
        # An error speaks for the whole message only where nothing was accepted. That nobody knows outweighs all else.
        error = None
        if not accepted:
            error = next((one for one in self._errors if one.ambiguous), self._errors[0] if self._errors else None)
            error = error or _all_refused(outcomes)
        transcript: tuple[TranscriptLine, ...] = ()
        if accepted < len(outcomes) and self.session is not None:
            transcript = self.session.connection.transcript()
        pending = self.pending
        report = SendReport(outcomes, self.mail.message_id, pending.index, error=error, transcript=transcript)
        if error is not None:
            error.transcript = error.transcript or transcript
            report = with_error(report, error)
        pending.tell(report)

    def _in_order(self) -> tuple[Outcome, ...]:
        if len(self._outcomes) == 1:
            return tuple(self._outcomes)
        by_recipient = {outcome.recipient: outcome for outcome in self._outcomes}
        return tuple(by_recipient[recipient] for recipient in self.mail.envelope.recipients)


def _share(recipients: list[Address], extensions: Extensions) -> tuple[Address, ...]:
    """As many of the recipients, from the first one on, as the server takes in one transaction (RFC 9422 §4)."""
    most = min(MAX_RECIPIENTS, extensions.rcpt_max or MAX_RECIPIENTS)
    domains = extensions.rcpt_domain_max
    if domains is not None:
        seen: set[str] = set()
        for number, recipient in enumerate(recipients[:most]):
            seen.add(recipient.domain)
            if len(seen) > domains:
                return tuple(recipients[:number])
    return tuple(recipients[:most])


def _all_refused(outcomes: tuple[Outcome, ...]) -> RecipientsRefused:
    # One that may be tried again speaks for all: then the message as a whole may be.
    spokesman = next((outcome for outcome in outcomes if outcome.temporary), outcomes[0])
    count = f"all {len(outcomes)} recipients" if len(outcomes) > 1 else "the recipient"
    return RecipientsRefused(f"{count} refused: {spokesman}", reply=spokesman.reply, phase=spokesman.phase)
