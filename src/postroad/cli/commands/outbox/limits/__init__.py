"""``postroad outbox limits``: what a worker keeps to."""

from typing import Final

import click

from postroad.cli.lazy_group import LazyGroup

_HERE: Final = "postroad.cli.commands.outbox.limits"

COMMANDS: Final = {
    "check": (f"{_HERE}.check:check", "Find rules in a FILE that can never match or have no effect."),
    "show": (f"{_HERE}.show:show", "Show the limits and reply rules in force, shipped ones included."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def limits() -> None:
    """See how fast mail may go, and check rules of your own."""
