"""``postroad events tail``."""

import contextlib
import json
from typing import TYPE_CHECKING, Final

import click

from postroad.cli.database_option import database_option, existing_outbox_of
from postroad.cli.deliveries import colour_of, moment
from postroad.cli.output import Form, form_options, say_json_line
from postroad.cli.terminal import say, styled
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.outbox.event_log import LogEntry

LINES: Final = 10  # as tail has it


@click.command()
@click.option("--follow", "-f", is_flag=True, help="Go on with the events that come, until Ctrl-C.")
@click.option("--lines", "-n", metavar="N", type=click.IntRange(0), default=LINES, show_default=True,
              help="At most so many of those that are there.")  # fmt: skip
@database_option
@form_options
def tail(form: Form, db: str | None, follow: bool, lines: int) -> None:
    """Print the last events, and with --follow those that come.

    Each is a line, whoever made it. With --json or --jsonl it is an object: number, kind, at, id (of the message),
    recipient, stream, detail.
    """
    with existing_outbox_of(db) as outbox:
        page = outbox.events(last=lines)
        for entry in page.entries:
            _say(entry, form)
        if follow:
            with contextlib.closing(outbox.follow(since=page.position)) as coming:
                for entry in coming:
                    _say(entry, form)


def _say(entry: "LogEntry", form: Form) -> None:
    if form is not Form.TEXT:
        say_json_line(entry.as_dict())
        return
    whom = one_line(entry.recipient or "-")
    detail = json.dumps(entry.as_dict()["detail"]) if entry.detail else ""
    kind = styled(f"{entry.kind!s:10}", colour_of(entry.kind))
    say(f"{moment(entry.at)}  {kind}  {entry.id or '-':36}  {whom}  {detail}".rstrip())
