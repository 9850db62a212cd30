"""``postroad outbox retry``."""

import click

from postroad.cli.amendments import say_amendments
from postroad.cli.database_option import database_option, existing_outbox_of
from postroad.cli.output import Form, form_options


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@database_option
@form_options
def retry(form: Form, db: str | None, ids: tuple[str, ...]) -> None:
    """Try messages again, now.

    What was deferred, is held or uncertain becomes due; what is scheduled for later keeps its time. What was refused or
    has expired is tried anew, with the same content and Message-ID. What was sent stays sent, and makes the exit code
    3. If one of the messages is not found, none is changed.
    """
    with existing_outbox_of(db) as outbox:
        say_amendments(outbox.retry(*ids), form)
