"""``postroad outbox cancel``."""

import click

from postroad.cli.amendments import say_amendments
from postroad.cli.database_option import database_option, existing_outbox_of
from postroad.cli.output import Form, form_options


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@database_option
@form_options
def cancel(form: Form, db: str | None, ids: tuple[str, ...]) -> None:
    """Take messages back that were not sent yet.

    For each recipient it is done, or it is too late: the mail is on the wire, or with the next server. If one of the
    messages is not found, none is changed; where it is too late for somebody, the exit code is 3.
    """
    with existing_outbox_of(db) as outbox:
        say_amendments(outbox.cancel(*ids), form)
