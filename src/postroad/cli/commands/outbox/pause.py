"""``postroad outbox pause``."""

import getpass
from typing import Any

import click

from postroad.cli.database_option import database_option, existing_outbox_of
from postroad.cli.moments import moment
from postroad.cli.output import Form, form_options, say_json
from postroad.cli.rest_options import named, rest_options, told
from postroad.cli.terminal import note, say
from postroad.terminal_text import one_line


@click.command()
@rest_options
@click.option("--until", metavar="TIME", callback=moment, help="2026-12-01T09:00Z, or +2h; else until it is resumed.")
@click.option("--why", metavar="TEXT", default="", help="For whoever asks why nothing goes.")
@database_option
@form_options
def pause(form: Form, db: str | None, until: Any, why: str, **options: str | None) -> None:
    """Try nothing for a domain, a site, a stream, an account or a source address for a while.

    Every worker goes by it at once. What has its final dot under way goes on; what waits is not lost, and no attempts
    are spent.
    """
    target = named(options)
    with existing_outbox_of(db) as outbox:
        rest = outbox.pause(**target, until=until, who=_user(), why=why)
    if form is Form.TEXT:
        say(told(rest))
        if rest.note:
            note(f"note: {one_line(rest.note)}")
    else:
        say_json(rest.as_dict(), form)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "somebody"
