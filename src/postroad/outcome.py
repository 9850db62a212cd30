"""What became of a message, recipient by recipient.

A refused recipient beside accepted ones is a value here, not an exception (RFC 5321 §3.3 allows partial acceptance).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import NamedTuple, NoReturn, SupportsIndex, overload

from postroad.address import Address
from postroad.errors import OutcomeUnknown, PostroadError, RecipientsRefused
from postroad.reply import Code, EnhancedCode, Phase, Reply, TranscriptLine


class Result(Enum):
    """The three ways an attempt can end for a recipient."""

    ACCEPTED = "accepted"  # the next hop has taken responsibility
    REFUSED = "refused"  # not sent, for now or for ever; certainly no double
    UNKNOWN = "unknown"  # the final dot went out, no answer came

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to for one recipient.

    ``reply`` is the server's word where it gave one; ``error`` says why, where something other than a reply to this
    recipient decided. ``remote_id`` is the name that an email API gave the message for this recipient: its webhooks
    speak of it by that.
    """

    recipient: Address
    result: Result
    phase: Phase
    reply: Reply | None = None
    error: PostroadError | None = field(default=None, compare=False)
    remote_id: str | None = None

    @property
    def code(self) -> Code | None:
        """The reply code (RFC 5321 §4.2), where the server gave one."""
        return self.reply.code if self.reply else None

    @property
    def enhanced(self) -> EnhancedCode | None:
        """The enhanced status code (RFC 3463), where the server gave one."""
        return self.reply.enhanced if self.reply else None

    @property
    def text(self) -> str:
        """The server's words, or ours where it said nothing."""
        if self.reply is not None:
            return self.reply.text
        return self.error.message if self.error is not None else ""

    @property
    def accepted(self) -> bool:
        return self.result is Result.ACCEPTED

    @property
    def refused(self) -> bool:
        return self.result is Result.REFUSED

    @property
    def unknown(self) -> bool:
        return self.result is Result.UNKNOWN

    @property
    def temporary(self) -> bool:
        """Refused, and trying again later may help (RFC 5321 §4.2.1: 4yz; or the network's fault)."""
        if self.result is not Result.REFUSED:
            return False
        if self.error is not None:
            return self.error.temporary
        return self.reply is not None and self.reply.code.temporary

    @property
    def permanent(self) -> bool:
        """Refused, and trying again unchanged will not help."""
        return self.refused and not self.temporary

    def __str__(self) -> str:
        said = f"{self.reply}" if self.reply else self.text
        return f"{self.recipient.addr_spec}: {self.result} at {self.phase}{': ' + said if said else ''}"


class Outcomes(tuple[Outcome, ...]):
    """Outcomes in envelope order, also found by address: ``report.refused["ann@example.com"]``."""

    __slots__ = ()

    @overload
    def __getitem__(self, index: SupportsIndex | str | Address, /) -> Outcome: ...
    @overload
    def __getitem__(self, index: slice, /) -> tuple[Outcome, ...]: ...
    def __getitem__(self, index: SupportsIndex | slice | str | Address, /) -> Outcome | tuple[Outcome, ...]:
        if isinstance(index, str | Address):
            return self._find(index)
        return super().__getitem__(index)

    def _find(self, address: str | Address) -> Outcome:
        key = Address.parse(address).key
        for outcome in self:
            if outcome.recipient.key == key:
                return outcome
        raise KeyError(str(address))

    def __contains__(self, item: object) -> bool:
        if isinstance(item, str | Address):
            try:
                self._find(item)
            except (KeyError, PostroadError):
                return False
            return True
        return super().__contains__(item)


class RouteTried(NamedTuple):
    """One road of a composed route that a message took; ``error`` says why it had to take another one."""

    route: str  # as its URL, without secrets
    error: PostroadError | None = None

    def __str__(self) -> str:
        return self.route if self.error is None else f"{self.route}: {self.error}"


@dataclass(frozen=True, slots=True)
class SendReport:
    """What became of one message: an outcome for every recipient of the envelope, in its order.

    ``index`` is the message's place in ``send_many``; ``message_id`` the Message-ID it carries, with its brackets;
    ``attempts`` how many times it was tried in this call; ``error`` why nothing was accepted, where nothing was.
    ``routes`` are the roads it took, in order, where the route is composed of several. ``remote_id`` is the name that
    an email API gave the message, or several with spaces between them, where it went in several requests; each
    recipient's own stands in its outcome.
    """

    outcomes: tuple[Outcome, ...]
    message_id: str | None = None
    index: int = 0
    attempts: int = 1
    error: PostroadError | None = field(default=None, compare=False)
    transcript: tuple[TranscriptLine, ...] = field(default=(), repr=False, compare=False)
    routes: tuple[RouteTried, ...] = field(default=(), compare=False)
    remote_id: str | None = None

    @property
    def all_accepted(self) -> bool:
        """The next hop has taken responsibility for every recipient, of whom there is at least one."""
        for outcome in self.outcomes:
            if outcome.result is not Result.ACCEPTED:
                return False
        return bool(self.outcomes)

    @property
    def accepted(self) -> Outcomes:
        """The recipients the next hop has taken responsibility for."""
        return Outcomes(outcome for outcome in self.outcomes if outcome.result is Result.ACCEPTED)

    @property
    def refused(self) -> Outcomes:
        """The recipients the mail was certainly not sent to."""
        return Outcomes(outcome for outcome in self.outcomes if outcome.result is Result.REFUSED)

    @property
    def unknown(self) -> Outcomes:
        """The recipients for whom the final dot went out and no answer came."""
        return Outcomes(outcome for outcome in self.outcomes if outcome.result is Result.UNKNOWN)

    def __str__(self) -> str:
        head = f"{self.message_id or 'message'}: " + ", ".join(
            f"{count} {result}" for result in Result if (count := sum(one.result is result for one in self.outcomes))
        )
        why = (f"{self.error}",) if self.error is not None and not self.outcomes else ()
        roads = (f"by {tried}" for tried in self.routes)
        return "\n  ".join((head, *map(str, self.outcomes), *why, *roads))

    def __bool__(self) -> NoReturn:
        # A report that is neither wholly good nor wholly bad has no truth value; guessing one loses mail.
        raise TypeError(
            "a SendReport is neither true nor false: ask .accepted, .refused, .unknown or raise_for_refused()"
        )

    def raise_for_refused(self) -> None:
        """Raise if any recipient was not accepted.

        Raises:
            RecipientsRefused: some recipients were refused (all of them, or only some).
            OutcomeUnknown: for some nobody knows, and none was refused.
            PostroadError: the error that stopped the whole message.
        """
        if self.error is not None:
            raise self.error
        if self.refused:
            first = self.refused[0]
            sentence = f"{len(self.refused)} of {len(self.outcomes)} recipients refused: {first}"
            raise RecipientsRefused(
                sentence, reply=first.reply, phase=first.phase, report=self, transcript=self.transcript
            )
        if self.unknown:
            raise OutcomeUnknown(f"no answer for {len(self.unknown)} recipients", phase=Phase.DOT, report=self)


def failed(recipients: Iterable[Address], error: PostroadError) -> SendReport:
    """The report of a message that one error stopped for all its recipients."""
    result = Result.UNKNOWN if error.ambiguous else Result.REFUSED
    phase = error.phase or Phase.CONNECT
    outcomes = tuple(Outcome(recipient, result, phase, error.reply, error) for recipient in recipients)
    report = SendReport(outcomes, error=error, transcript=error.transcript)
    error.report = report
    return report


def with_error(report: SendReport, error: PostroadError | None) -> SendReport:
    """The report with the error that explains it, each knowing the other."""
    finished = replace(report, error=error)
    if error is not None:
        error.report = finished
    return finished
