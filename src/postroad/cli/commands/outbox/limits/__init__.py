"""``postroad outbox limits``: what a worker keeps to."""

from typing import Final

import click

from postroad.cli.lazy_group import LazyGroup

_HERE: Final = "postroad.cli.commands.outbox.limits"

COMMANDS: Final = {
    "check": (f"{_HERE}.check:check", "Find rules in a FILE that can never match or have no effect."),
    "ls": (f"{_HERE}.ls:ls", "List the limits that were learnt from replies and hold for a while, beside the rules."),
    "cancel": (f"{_HERE}.cancel:cancel", "End a limit that was learnt from replies, before its time."),
    "show": (f"{_HERE}.show:show", "Show the limits and reply rules in force, shipped ones included."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def limits() -> None:
    """See how fast mail may go, check rules of your own, and cancel what was learnt from replies."""
