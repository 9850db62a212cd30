"""``postroad dmarc``: what the owner of a domain wishes for mail in its name."""

from typing import Final

import click

from postroad.cli.lazy_group import LazyGroup

COMMANDS: Final = {
    "check": (
        "postroad.cli.commands.dmarc.check:check",
        "Show the policy that holds for mail from DOMAIN, and every query that led to it.",
    ),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def dmarc() -> None:
    """Find and apply DMARC policies (RFC 9989)."""
