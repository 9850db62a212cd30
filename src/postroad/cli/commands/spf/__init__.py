"""``postroad spf``: who may send mail for a domain."""

from typing import Final

import click

from postroad.cli.lazy_group import LazyGroup

COMMANDS: Final = {
    "check": (
        "postroad.cli.commands.spf.check:check",
        "Say whether a host may send mail for a domain.",
    ),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def spf() -> None:
    """Say who may send mail for a domain."""
