"""``postroad suppress ls``."""

from typing import Any, Final

import click

from postroad.cli.counted import counted
from postroad.cli.database_option import database_option, existing_outbox_of
from postroad.cli.output import Form, form_options, say_json_list
from postroad.cli.suppressed import REASONS, say_entries
from postroad.cli.terminal import note

LIMIT: Final = 50  # entries; a screen or two


@click.command()
@click.argument("address", required=False)
@click.option("--stream", metavar="NAME", help="Only those that hold for this stream in particular.")
@click.option("--reason", metavar="REASON", help=f"Only those for this reason: {REASONS}.")
@click.option("--domain", metavar="NAME", help="Only addresses of this domain.")
@click.option("--limit", metavar="N", type=click.IntRange(1), default=LIMIT, show_default=True, help="At most so many.")
@database_option
@form_options
def ls(form: Form, db: str | None, address: str | None, **search: Any) -> None:
    """Show who is on the list and why, or what stands there of one ADDRESS."""
    with existing_outbox_of(db) as outbox:
        listed = outbox.suppressions
        entries = listed.list(**search) if address is None else listed.find(address)
    if form is not Form.TEXT:
        say_json_list("suppressions", [entry.as_dict() for entry in entries], form)
        return
    if entries:
        say_entries(entries)
    more = ", there may be more: see --limit" if address is None and len(entries) == search["limit"] else ""
    note(counted(len(entries), "entry", "entries") + more)
