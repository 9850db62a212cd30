"""``postroad spf``: who may send mail for a domain."""

from typing import Final

import click

from postroad.cli.lazy_group import LazyGroup

COMMANDS: Final = {
    "check": (
        "postroad.cli.commands.spf.check:check",
        "Say whether a host may send mail for a domain, and which term of its policy decides.",
    ),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def spf() -> None:
    """Evaluate the Sender Policy Framework (RFC 7208)."""
