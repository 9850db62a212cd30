"""What to try again within one ``send``, and how two tries make one report. Pure."""

from dataclasses import replace
from typing import Final

from postroad.chance import Chance
from postroad.message.envelope import MailObject
from postroad.outcome import Outcome, SendReport
from postroad.retry import Schedule, may_retry, wait_asked_for
from postroad.transport.contract import Ability

LONGEST_WAIT: Final = 30.0  # seconds; whoever is asked to wait longer needs an outbox, not a call that hangs


def unfinished(mail: MailObject, report: SendReport, abilities: frozenset[Ability]) -> MailObject | None:
    """The message for those recipients for whom another try may help; ``None`` if there are none.

    Where the route has no separate envelope another try would mail everybody, so it must not have reached anybody.
    """
    again = tuple(outcome.recipient for outcome in report.outcomes if may_retry(outcome))
    if not again:
        return None
    if len(again) == len(mail.envelope.recipients):
        return mail
    if Ability.SEPARATE_ENVELOPE not in abilities:
        return None
    return replace(mail, envelope=replace(mail.envelope, recipients=again))


def wait_before(schedule: Schedule, attempts: int, age: float, report: SendReport, chance: Chance) -> float | None:
    """Seconds until the next try, at least what the peer asked for; ``None``: give up."""
    planned = schedule.delay(attempts, age, chance=chance)
    if planned is None:
        return None
    asked = max((wait_asked_for(outcome.error) for outcome in report.outcomes), default=0.0)
    return None if asked > LONGEST_WAIT else max(planned, asked)


def merged(first: SendReport, later: SendReport, attempts: int) -> SendReport:
    """One report of two tries: the later outcome counts for those who were tried again."""
    news: dict[object, Outcome] = {outcome.recipient: outcome for outcome in later.outcomes}
    outcomes = tuple(news.get(outcome.recipient, outcome) for outcome in first.outcomes)
    error = later.error if not any(outcome.accepted for outcome in outcomes) else None
    return replace(
        first,
        outcomes=outcomes,
        attempts=attempts,
        error=error,
        transcript=later.transcript or first.transcript,
        routes=first.routes + later.routes,
    )
