"""What became of a message that was sent now: a line for each recipient, or an object."""

from typing import Any

from postroad.cli.failure import of_error
from postroad.cli.terminal import note, say, styled
from postroad.outcome import Outcome, Result, SendReport
from postroad.terminal_text import one_line

_COLOURS = {Result.ACCEPTED: "green", Result.REFUSED: "red", Result.UNKNOWN: "yellow"}


def report_as_json(report: SendReport, transport: str) -> dict[str, Any]:
    """The report as an object; recipients are grouped as in ``SendReport``."""
    return {
        "message_id": report.message_id,
        "transport": transport,
        "attempts": report.attempts,
        "accepted": [_outcome_as_json(outcome) for outcome in report.accepted],
        "refused": [_outcome_as_json(outcome) for outcome in report.refused],
        "unknown": [_outcome_as_json(outcome) for outcome in report.unknown],
        "error": of_error(report.error).as_json() if report.error is not None else None,
    }


def _outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "recipient": outcome.recipient.addr_spec,
        "result": str(outcome.result),
        "phase": str(outcome.phase),
        "code": int(outcome.code) if outcome.code is not None else None,
        "enhanced": str(outcome.enhanced) if outcome.enhanced is not None else None,
        "text": outcome.text,
        "temporary": outcome.temporary,
    }


def say_report(report: SendReport) -> None:
    """A line for each recipient."""
    width = max((len(one_line(outcome.recipient.addr_spec)) for outcome in report.outcomes), default=0)
    for outcome in report.outcomes:
        say(_line(outcome, width))


def _line(outcome: Outcome, width: int) -> str:
    address = one_line(outcome.recipient.addr_spec).ljust(width)
    # Where no server has said anything, nobody has refused anything either.
    unsaid = outcome.result is Result.REFUSED and outcome.reply is None
    verdict = styled(f"{'not sent' if unsaid else outcome.result!s:8}", _COLOURS[outcome.result])
    words = one_line(outcome.reply if outcome.reply is not None else outcome.text)
    where = f" (at {outcome.phase})" if not outcome.accepted else ""
    return f"{address}  {verdict}  {words}{where}".rstrip()


def note_transcript(report: SendReport) -> None:
    """The conversation with the server, as it was recorded: without credentials and content."""
    for line in report.transcript:
        note(styled(one_line(line), dim=True))
