"""``postroad outbox ls``."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click

from postroad.cli.counted import counted
from postroad.cli.database_option import database_option, existing_outbox_of
from postroad.cli.deliveries import colour_of, due, reply_text
from postroad.cli.output import Form, form_options, say_json_list
from postroad.cli.search_options import search_options
from postroad.cli.table import Cell, Column, Row, say_table
from postroad.cli.terminal import note
from postroad.clock import SYSTEM_CLOCK, as_datetime

if TYPE_CHECKING:
    from postroad.outbox.status import QueueEntry

LIMIT: Final = 50  # deliveries; a screen or two
_COLUMNS: Final = (
    Column("state", below="next", whole=True),
    Column("tries"),
    Column("recipient", below="id", whole=True),
    Column("subject", below="last reply"),
)


@click.command()
@database_option
@search_options
@click.option("--limit", metavar="N", type=click.IntRange(1), default=LIMIT, show_default=True, help="At most so many.")
@form_options
def ls(form: Form, db: str | None, **search: Any) -> None:
    """List deliveries, newest first, one for each recipient."""
    with existing_outbox_of(db) as outbox:
        entries = outbox.find(**search)
    if form is not Form.TEXT:
        say_json_list("deliveries", [entry.as_dict() for entry in entries], form)
        return
    now = as_datetime(SYSTEM_CLOCK.now())
    if entries:
        say_table(_COLUMNS, [_row(entry, now) for entry in entries])
    more = ", there may be more: see --limit" if len(entries) == search["limit"] else ""
    note(counted(len(entries), "delivery", "deliveries") + more)


def _row(entry: "QueueEntry", now: datetime) -> Row:
    state = f"{entry.state} (may be double)" if entry.uncertain_ever else str(entry.state)
    return (
        Cell(state, due(entry.due_at, now), colour_of(entry.state)),
        entry.attempts,
        Cell(entry.recipient, entry.id),
        Cell(entry.subject, reply_text(entry.code, None, entry.text)),
    )
