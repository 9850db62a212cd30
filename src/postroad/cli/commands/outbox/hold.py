"""``postroad outbox hold``."""

import click

from postroad.cli.amendments import say_amendments
from postroad.cli.database_option import database_option, existing_outbox_of
from postroad.cli.output import Form, form_options


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@database_option
@form_options
def hold(form: Form, db: str | None, ids: tuple[str, ...]) -> None:
    """Set messages aside until they are released.

    Nothing is tried for them meanwhile; they expire when their time is used up. For each recipient it is done, or it is
    too late: the mail is on the wire, or with the next server. If one of the messages is not found, none is changed;
    where it is too late for somebody, the exit code is 3.
    """
    with existing_outbox_of(db) as outbox:
        say_amendments(outbox.hold(*ids), form)
