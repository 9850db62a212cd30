"""``postroad report``: what comes back."""

from typing import Final

import click

from postroad.cli.lazy_group import LazyGroup

_HERE: Final = "postroad.cli.commands.report"

COMMANDS: Final = {
    "parse": (f"{_HERE}.parse:parse", "Read bounces, complaints, answers by machines, DMARC and TLS reports."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def report() -> None:
    """Read what comes back: bounces, complaints, DMARC and TLS reports."""
