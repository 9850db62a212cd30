"""What a wish to change messages in the outbox came to, for each recipient."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from postroad.cli.deliveries import colour_of
from postroad.cli.output import Form, say_json_list
from postroad.cli.table import Cell, Column, say_table

if TYPE_CHECKING:
    from postroad.outbox.amend import Amended

_COLUMNS: Final = (Column("result"), Column("state"), Column("recipient", below="id", whole=True))


def say_amendments(amended: "Iterable[Amended]", form: Form) -> None:
    """Print them."""
    if form is not Form.TEXT:
        say_json_list("results", [one.as_dict() for one in amended], form)
        return
    rows = [
        (one.result.replace("_", " "), Cell(one.state, colour=colour_of(one.state)), Cell(one.recipient, one.id))
        for one in amended
    ]
    say_table(_COLUMNS, rows)
