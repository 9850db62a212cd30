"""``postroad outbox limits cancel``."""

import click

from postroad.cli.database_option import database_option, existing_outbox_of
from postroad.cli.output import Form, form_options, say_json
from postroad.cli.terminal import say
from postroad.errors import NotFound
from postroad.terminal_text import one_line


@click.command()
@click.argument("scope")
@click.argument("key")
@database_option
@form_options
def cancel(form: Form, db: str | None, scope: str, key: str) -> None:
    """End a limit that was learnt from replies, before its time. If there is none, the exit code is 4.

    SCOPE and KEY are those that `postroad outbox limits ls` shows. Every worker goes by it at once; the next reply that
    meets a rule may bring it back.
    """
    with existing_outbox_of(db) as outbox:
        cancelled = outbox.cancel_override(scope, key)
    if not cancelled:
        advice = "`postroad outbox limits ls` shows what there is."
        raise NotFound(f"no limit that holds for a while is known for the {scope} {key}", advice=advice)
    if form is Form.TEXT:
        say(f"the {one_line(scope)} {one_line(key)} is limited by the rules alone again")
    else:
        say_json({"scope": scope, "key": key, "cancelled": True}, form)
