"""``postroad outbox export``."""

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import click

from postroad.cli.database_option import database_option, existing_outbox_of
from postroad.cli.output import Form, form_options, say_json_list
from postroad.cli.search_options import search_options
from postroad.cli.terminal import say
from postroad.suppression.exchange import csv_line
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.outbox.status import QueueEntry

COLUMNS: Final = (
    "id", "recipient", "state", "attempts", "due_at", "code", "text", "uncertain_ever", "stream", "mail_from",
    "subject", "created_at",
)  # fmt: skip


@click.command()
@database_option
@search_options
@form_options
def export(form: Form, db: str | None, **search: Any) -> None:
    """Print all deliveries as CSV or JSON lines, newest first, one for each recipient.

    The columns are the members of `outbox ls --json`. With --json it is one object, which takes as much memory as the
    list.
    """
    with existing_outbox_of(db) as outbox:
        entries = outbox.export(**search)
        if form is Form.TEXT:
            for line in _lines(entries):
                say(line)
        else:
            say_json_list("deliveries", (entry.as_dict() for entry in entries), form)


def _lines(entries: "Iterator[QueueEntry]") -> Iterator[str]:
    first = next(entries, None)  # what is wrong with the search is told before anything is printed
    yield csv_line(COLUMNS)
    for entry in chain([] if first is None else [first], entries):
        facts = entry.as_dict()
        yield one_line(csv_line([facts[name] for name in COLUMNS]))
