"""``postroad arc``: the chains of seals that forwarders put on messages."""

from typing import Final

import click

from postroad.cli.lazy_group import LazyGroup

COMMANDS: Final = {
    "verify": (
        "postroad.cli.commands.arc.verify:verify",
        "Validate the chain of received messages.",
    ),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def arc() -> None:
    """Validate Authenticated Received Chains (RFC 8617)."""
