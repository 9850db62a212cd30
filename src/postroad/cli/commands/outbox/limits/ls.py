"""``postroad outbox limits ls``."""

from typing import Final

import click

from postroad.cli.counted import counted
from postroad.cli.database_option import database_option, existing_outbox_of
from postroad.cli.deliveries import moment
from postroad.cli.output import Form, form_options, say_json_list
from postroad.cli.table import Cell, Column, say_table
from postroad.cli.terminal import note
from postroad.terminal_text import one_line

_COLUMNS: Final = (
    Column("scope", whole=True),
    Column("key", whole=True),
    Column("limits"),
    Column("until", below="since", whole=True),
    Column("by", below="why"),
)


@click.command()
@database_option
@form_options
def ls(form: Form, db: str | None) -> None:
    """List the limits that were learnt from replies and hold for a while, beside the rules.

    `postroad outbox limits cancel SCOPE KEY` ends one of them.
    """
    with existing_outbox_of(db) as outbox:
        found = outbox.overrides()
    if form is not Form.TEXT:
        say_json_list("overrides", [one.as_dict() for one in found], form)
        return
    rows = [
        (one.scope, one_line(one.key), one.limits, Cell(moment(one.until), moment(one.since)), Cell(one.who, one.why))
        for one in found
    ]
    if rows:
        say_table(_COLUMNS, rows)
    note(counted(len(rows), "limit holds", "limits hold") + " for a while")
