"""One message on its way over the hosts of one plan: for whom it still has to go, and what is known so far.

The next host is tried for a recipient whose mail certainly did not go out and may be welcome elsewhere: the host was
not reached, would not have us, or refused for now. It is not tried where a host has refused for good, where the caller
has taken the message back, and never where nobody knows whether the mail went out.
"""

from dataclasses import replace

from postroad.address import Address
from postroad.errors import Abandoned, ConfigurationError, MessageError, PostroadError, Unsupported
from postroad.message.envelope import MailObject
from postroad.outcome import Outcome, Result, SendReport
from postroad.reply import Phase, TranscriptLine
from postroad.routing.plan import Hop
from postroad.transport.contract import BeforeCommit
from postroad.transport.direct.ends import as_met


class Journey:
    """``left`` are the recipients for whom another host may be tried."""

    def __init__(self, mail: MailObject, recipients: tuple[Address, ...], before_commit: BeforeCommit | None) -> None:
        self.left = recipients
        self.tried: list[tuple[str, PostroadError | None]] = []  # hosts, and why it went on from there
        self.transcript: tuple[TranscriptLine, ...] = ()
        self._mail = mail
        self._before_commit = before_commit
        self._departed: set[Address] = set()
        self._known: dict[Address, Outcome] = {}

    @property
    def mail(self) -> MailObject:
        """The message for those that are left."""
        envelope = self._mail.envelope
        if len(self.left) == len(envelope.recipients):
            return self._mail
        return replace(self._mail, envelope=replace(envelope, recipients=self.left))

    @property
    def commit(self) -> BeforeCommit | None:
        """What a host's transaction asks before it goes, if anybody wants to be asked."""
        return None if self._before_commit is None else self._commit

    async def _commit(self, recipients: tuple[Address, ...]) -> bool:
        """Ask the caller, but only once for each recipient: what one host refused for now may go to the next."""
        asked = tuple([one for one in recipients if one not in self._departed])
        if asked and self._before_commit is not None and not await self._before_commit(asked):
            return False
        self._departed.update(asked)
        return True

    def passed_by(self, host: str, error: PostroadError) -> None:
        """A host could not be tried at all."""
        self.tried.append((host, error))
        phase = error.phase or Phase.CONNECT
        self._take([Outcome(one, Result.REFUSED, phase, error.reply, error) for one in self.left])

    def arrived(self, hop: Hop, report: SendReport) -> None:
        """Take in what one host made of it."""
        outcomes = [_met(outcome, hop) for outcome in report.outcomes]
        error = None if report.error is None else as_met(report.error, hop)
        self.tried.append((hop.host, error))
        self.transcript = report.transcript or self.transcript
        self._take(outcomes)
        self.left = tuple([one.recipient for one in outcomes if may_go_on(one)])

    def ended(self, outcomes: tuple[Outcome, ...]) -> None:
        """There is nobody to try for these, for good."""
        self._known |= {outcome.recipient: outcome for outcome in outcomes}
        self.left = ()

    def _take(self, outcomes: list[Outcome]) -> None:
        """A host's word says more than that another one could not be reached."""
        for outcome in outcomes:
            old = self._known.get(outcome.recipient)
            if old is None or outcome.reply is not None or outcome.result is not Result.REFUSED or old.reply is None:
                self._known[outcome.recipient] = outcome

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What became of each recipient so far."""
        return tuple(self._known.values())


def may_go_on(outcome: Outcome) -> bool:
    """Whether the next host may be tried for this recipient."""
    if outcome.result is not Result.REFUSED or isinstance(outcome.error, Abandoned | MessageError | ConfigurationError):
        return False
    # A host that refuses whoever connects has not judged the mail; another one may lack what this one cannot do.
    return outcome.temporary or outcome.phase in _BEFORE_MAIL or isinstance(outcome.error, Unsupported)


_BEFORE_MAIL = frozenset({Phase.DNS, Phase.CONNECT, Phase.TLS, Phase.GREETING, Phase.EHLO, Phase.STARTTLS})


def _met(outcome: Outcome, hop: Hop) -> Outcome:
    if outcome.error is None:
        return outcome
    error = as_met(outcome.error, hop)
    return outcome if error is outcome.error else replace(outcome, error=error, reply=error.reply)
