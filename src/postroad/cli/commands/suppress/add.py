"""``postroad suppress add``."""

from typing import Any

import click

from postroad.cli.database_option import database_option, outbox_of
from postroad.cli.moments import moment
from postroad.cli.output import Form, form_options, say_json_list
from postroad.cli.suppressed import REASONS, say_entries


@click.command()
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@click.option("--reason", metavar="REASON", default="manual", show_default=True, help=f"One of {REASONS}.")
@click.option("--stream", metavar="NAME", help="For this stream only; else for all.")
@click.option("--source", metavar="TEXT", help="What told so, such as a report or a person.")
@click.option("--note", metavar="TEXT", help="What somebody should know who reads the list.")
@click.option("--expires-at", metavar="TIME", callback=moment, help="2026-12-01T09:00Z, or +30d; else never.")
@database_option
@form_options
def add(form: Form, db: str | None, addresses: tuple[str, ...], **entry: Any) -> None:
    """Put addresses on the list.

    They get nothing from now on, and what waits for them in the outbox ends. What is printed are the entries as they
    stand: one that was there and lasts as long or longer is left as it is.
    """
    with outbox_of(db) as outbox:
        entries = [outbox.suppressions.add(address, **entry) for address in addresses]
    if form is Form.TEXT:
        say_entries(entries)
    else:
        say_json_list("suppressions", [one.as_dict() for one in entries], form)
