"""``postroad outbox resume``."""

import click

from postroad.cli.database_option import database_option, existing_outbox_of
from postroad.cli.output import Form, form_options, say_json
from postroad.cli.rest_options import named, rest_options
from postroad.cli.terminal import say
from postroad.errors import NotFound
from postroad.terminal_text import one_line


@click.command()
@rest_options
@database_option
@form_options
def resume(form: Form, db: str | None, **options: str | None) -> None:
    """Let go on what was paused. If it was not, the exit code is 4."""
    target = named(options)
    with existing_outbox_of(db) as outbox:
        rested = outbox.resume(**target)
    if rested is None:
        scope, name = next(iter(target.items()))
        raise NotFound(f"the {scope} {name} does not rest", advice="`postroad outbox stats` shows what does.")
    if form is Form.TEXT:
        say(f"the {rested.scope} {one_line(rested.key)} goes on")
    else:
        say_json(rested.as_dict(), form)
