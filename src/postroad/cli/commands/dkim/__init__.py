"""``postroad dkim``: keys, records and signatures."""

from typing import Final

import click

from postroad.cli.lazy_group import LazyGroup

_HERE: Final = "postroad.cli.commands.dkim"

COMMANDS: Final = {
    "keygen": (f"{_HERE}.keygen:keygen", "Make a key, and show the record that publishes it."),
    "dns": (f"{_HERE}.dns:dns", "Show the record that publishes a key, ready to paste into a zone file."),
    "sign": (f"{_HERE}.sign:sign", "Sign messages."),
    "verify": (f"{_HERE}.verify:verify", "Check the signatures of messages."),
    "rotate": (
        f"{_HERE}.rotate:rotate",
        "Take the next step from one key to the next, and show what is to be published.",
    ),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def dkim() -> None:
    """Make DKIM keys, publish them, sign and check messages."""
