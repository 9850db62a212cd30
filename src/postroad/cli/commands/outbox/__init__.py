"""``postroad outbox``: look into the outbox, and change what is in it."""

from typing import Final

import click

from postroad.cli.lazy_group import LazyGroup

_HERE: Final = "postroad.cli.commands.outbox"

COMMANDS: Final = {
    "ls": (f"{_HERE}.ls:ls", "List deliveries, newest first, one for each recipient."),
    "show": (f"{_HERE}.show:show", "Show a message: for each recipient every attempt, and why."),
    "stats": (f"{_HERE}.stats:stats", "Count the recipients in each state."),
    "retry": (f"{_HERE}.retry:retry", "Try messages again, now."),
    "cancel": (f"{_HERE}.cancel:cancel", "Take messages back that were not sent yet."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def outbox() -> None:
    """See what waits, what was sent, and why; retry and cancel."""
