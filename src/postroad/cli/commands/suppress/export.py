"""``postroad suppress export``."""

import click

from postroad.cli.database_option import database_option, existing_outbox_of
from postroad.cli.output import Form, form_options, say_json_list
from postroad.cli.terminal import say
from postroad.suppression.exchange import Format, written


@click.command()
@database_option
@form_options
def export(form: Form, db: str | None) -> None:
    """Print the whole list as CSV or JSON lines.

    `postroad suppress import` reads either. With --json it is one object, which takes as much memory as the list.
    """
    with existing_outbox_of(db) as outbox:
        entries = outbox.suppressions.export()
        if form is Form.JSON:
            say_json_list("suppressions", [entry.as_dict() for entry in entries], form)
            return
        for line in written(entries, Format.CSV if form is Form.TEXT else Format.JSON_LINES):
            say(line)
