"""``postroad events``: the log of what happened in the outbox."""

from typing import Final

import click

from postroad.cli.lazy_group import LazyGroup

COMMANDS: Final = {
    "tail": (
        "postroad.cli.commands.events.tail:tail",
        "Print the last events, and with --follow those that come.",
    ),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def events() -> None:
    """Read the log of what happened in the outbox."""
