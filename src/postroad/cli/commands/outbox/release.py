"""``postroad outbox release``."""

import click

from postroad.cli.amendments import say_amendments
from postroad.cli.database_option import database_option, existing_outbox_of
from postroad.cli.output import Form, form_options


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@database_option
@form_options
def release(form: Form, db: str | None, ids: tuple[str, ...]) -> None:
    """Let messages go on that were held.

    What is due goes now, what is not when it is due. If one of the messages is not found, none is changed.
    """
    with existing_outbox_of(db) as outbox:
        say_amendments(outbox.release(*ids), form)
