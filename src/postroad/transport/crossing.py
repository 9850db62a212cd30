"""One message on its way over several roads: for whom it still has to go, and what is known so far."""

import copy
from dataclasses import replace
from typing import Final

from postroad.address import Address
from postroad.errors import PostroadError
from postroad.message.envelope import MailObject
from postroad.outcome import Outcome, RouteTried, SendReport, failed, with_error
from postroad.transport.contract import Ability, BeforeCommit, Transport
from postroad.transport.moving_on import may_go_elsewhere, weight_of

_AMBIGUOUS, _TEMPORARY, _PERMANENT = range(3)  # which error speaks for the message, if nobody was accepted


class Crossing:
    """``mail`` is what is left to carry, ``None`` when nothing is; ``commit`` is what the roads ask before they go."""

    def __init__(self, mail: MailObject, before_commit: BeforeCommit | None) -> None:
        self.mail: MailObject | None = mail
        self.foreign_fault: BaseException | None = None  # what the caller's before_commit raised
        self._whole: Final = mail
        self._before_commit = before_commit
        self._departed: set[Address] = set()
        self._known: dict[Address, tuple[Outcome, SendReport]] = {}
        self._routes: list[RouteTried] = []
        self._last: SendReport | None = None

    async def commit(self, recipients: tuple[Address, ...]) -> bool:
        """Ask the caller, but only once for each recipient: what was refused for certain may go another way."""
        asked = tuple([one for one in recipients if one not in self._departed])
        if asked and self._before_commit is not None:
            try:
                may_go = await self._before_commit(asked)
            except BaseException as fault:
                self.foreign_fault = fault
                raise
            if not may_go:
                return False
        self._departed.update(asked)
        return True

    def suits(self, road: Transport) -> bool:
        """Whether the road can carry what is left: to a part of the recipients only by a separate envelope."""
        return self.mail is self._whole or Ability.SEPARATE_ENVELOPE in road.abilities

    def arrived(self, road: Transport, report: SendReport) -> None:
        """Take in what one road made of it."""
        for outcome in report.outcomes:
            old = self._known.get(outcome.recipient)
            if old is None or weight_of(outcome) > weight_of(old[0]):
                self._known[outcome.recipient] = outcome, report
        left = tuple([outcome.recipient for outcome in report.outcomes if may_go_elsewhere(outcome)])
        error = report.error if left else None
        self._routes += report.routes or (RouteTried(road.name, error),)
        self._last = report
        self.mail = self._for(left)

    def failed(self, error: PostroadError) -> SendReport:
        """The report of a road that raised an error instead."""
        assert self.mail is not None
        return failed(self.mail.envelope.recipients, error)

    def kept_back(self, error: PostroadError) -> None:
        """No road is open, for this reason."""
        assert self.mail is not None
        own = copy.copy(error)  # it will carry this message's report
        own.__cause__ = error
        report = failed(self.mail.envelope.recipients, own)
        self._known |= {outcome.recipient: (outcome, report) for outcome in report.outcomes}
        self._last = report

    def _for(self, left: tuple[Address, ...]) -> MailObject | None:
        if not left:
            return None
        if len(left) == len(self._whole.envelope.recipients):
            return self._whole
        return replace(self._whole, envelope=replace(self._whole.envelope, recipients=left))

    @property
    def begun(self) -> bool:
        """A road was tried."""
        return bool(self._routes)

    def report(self) -> SendReport:
        """What became of each recipient, in the order of the envelope."""
        last = self._last
        assert last is not None
        known = [self._known[recipient] for recipient in self._whole.envelope.recipients]
        outcomes = tuple([outcome for outcome, _ in known])
        report = replace(last, outcomes=outcomes, message_id=self._whole.message_id, routes=tuple(self._routes))
        if any(outcome.accepted for outcome in outcomes):
            return replace(report, error=None)
        errors = [outcome.error or source.error for outcome, source in known]
        return with_error(report, _spokesman([error for error in errors if error is not None]))


def _spokesman(errors: list[PostroadError]) -> PostroadError | None:
    # One that nobody knows about forbids sending again; one that may be tried again speaks for the rest.
    return min(errors, key=_rank, default=None)


def _rank(error: PostroadError) -> int:
    return _AMBIGUOUS if error.ambiguous else _TEMPORARY if error.temporary else _PERMANENT
