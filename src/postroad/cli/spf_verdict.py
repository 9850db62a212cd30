"""The verdict of SPF, for people and for programs."""

from typing import TYPE_CHECKING, Any, Final

from postroad.cli.counted import counted
from postroad.cli.table import Cell, Column, Row, say_table
from postroad.cli.terminal import note, say, styled
from postroad.lookup import Mx
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.lookup import Answer, Record
    from postroad.mailauth.spf.record import Address
    from postroad.mailauth.spf.verdict import SpfVerdict, Step

_MAX_RECORDS: Final = 10  # of an answer that are shown: what matched is told, and who looks further asks for it
_MAX_TEXT: Final = 1000  # characters of a record that are shown; longer ones are nobody's policy
_COLOURS: Final = {"pass": "green", "neutral": "yellow", "none": "yellow", "temperror": "yellow", "softfail": "yellow"}
_COLUMNS: Final = (Column("policy of"), Column("term"), Column("outcome"), Column("what the DNS said"))


def as_json(verdict: "SpfVerdict") -> dict[str, Any]:
    """The verdict as JSON types."""
    return {
        "result": str(verdict.result),
        "explanation": verdict.explanation,
        "mechanism": verdict.mechanism,
        "lookups": verdict.lookups,
        "trace": [_step_as_json(step) for step in verdict.trace],
        "void_lookups": verdict.void_lookups,
        "identity": str(verdict.identity),
        "domain": verdict.domain,
        "reason": verdict.reason or None,
    }


def _step_as_json(step: "Step") -> dict[str, Any]:
    return {
        "domain": step.domain,
        "depth": step.depth,
        "term": step.term[:_MAX_TEXT],
        "outcome": step.outcome.value,
        "answers": [_answer_as_json(answer) for answer in step.answers],
    }


def _answer_as_json(answer: "Answer") -> dict[str, Any]:
    return {
        "name": answer.name,
        "type": str(answer.kind),
        "status": answer.status.value,
        "records": [_shown(record) for record in answer.records[:_MAX_RECORDS]],
        "count": len(answer.records),
    }


def _shown(record: "Record") -> str:
    if isinstance(record, bytes):
        return record[:_MAX_TEXT].decode("utf-8", "backslashreplace")
    if isinstance(record, Mx):
        return f"{record.preference} {record.host or '.'}"
    return str(record)


def say_verdict(ip: "Address", verdict: "SpfVerdict") -> None:
    """Print it: the result first, why, and every term with what it asked."""
    result = styled(str(verdict.result), _COLOURS.get(verdict.result, "red"), bold=True)
    say(f"{result}: {one_line(_sentence(ip, verdict))}")
    if verdict.explanation:
        say(f"  {verdict.domain} explains: {one_line(verdict.explanation)}")
    if verdict.trace:
        say()
        say_table(_COLUMNS, [_row(step) for step in verdict.trace])
    questions = counted(verdict.void_lookups, "question")
    note(f"{counted(verdict.lookups, 'term')} of 10 asked the DNS; {questions} of 2 found nothing")


def _sentence(ip: "Address", verdict: "SpfVerdict") -> str:
    if verdict.reason:
        return verdict.reason
    whose = f"{verdict.domain} ({verdict.identity})"
    if verdict.mechanism is None:
        return f"the policy of {whose} says nothing about {ip}"
    return f"the policy of {whose} has {verdict.mechanism} for {ip}"


def _row(step: "Step") -> Row:
    indent = "  " * step.depth
    colour = "green" if step.outcome.value == "match" else "red" if step.outcome.value == "ended" else None
    said = "; ".join(_summary(answer) for answer in step.answers)
    return Cell(f"{indent}{step.domain}"), step.term[:_MAX_TEXT], Cell(step.outcome.value, colour=colour), said


def _summary(answer: "Answer") -> str:
    if answer.kind == "TXT" and answer.records:
        return ""  # it is the term itself
    more = len(answer.records) - _MAX_RECORDS
    found = ", ".join(map(_shown, answer.records[:_MAX_RECORDS])) + (f" and {more} more" if more > 0 else "")
    return f"{answer.kind} {answer.name}: {found or answer.status.value}"
