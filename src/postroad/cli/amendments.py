"""What a wish to change messages in the outbox came to, for each recipient."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from postroad.cli.counted import counted
from postroad.cli.deliveries import colour_of
from postroad.cli.exit_codes import Ended, ExitCode
from postroad.cli.output import Form, say_json_list
from postroad.cli.table import Cell, Column, say_table
from postroad.cli.terminal import note

if TYPE_CHECKING:
    from postroad.outbox.amend import Amended

_TOO_LATE: Final = "too_late"
_COLUMNS: Final = (Column("result"), Column("state"), Column("recipient", below="id", whole=True))


def say_amendments(amended: "Iterable[Amended]", form: Form) -> None:
    """Print them.

    Raises:
        Ended: it was too late for somebody, which a script must not take for success.
    """
    results = tuple(amended)
    if form is Form.TEXT:
        _say_rows(results)
    else:
        say_json_list("results", [one.as_dict() for one in results], form)
    late = sum(one.result == _TOO_LATE for one in results)
    if late:
        note(f"too late for {late} of {counted(len(results), 'recipient')}")
        raise Ended(ExitCode.CHECKS_FAILED)


def _say_rows(amended: "Iterable[Amended]") -> None:
    rows = [
        (one.result.replace("_", " "), Cell(one.state, colour=colour_of(one.state)), Cell(one.recipient, one.id))
        for one in amended
    ]
    say_table(_COLUMNS, rows)
