"""``postroad check``: what stands between mail and its readers."""

from typing import Final

import click

from postroad.cli.lazy_group import LazyGroup

COMMANDS: Final = {
    "address": (
        "postroad.cli.commands.check.address:address",
        "Say whether addresses are well-formed, and whether their domains take mail.",
    ),
    "domain": (
        "postroad.cli.commands.check.domain:domain",
        "Look at the DNS of a domain that sends mail, and say what to publish.",
    ),
    "message": (
        "postroad.cli.commands.check.message:message",
        "Say what receivers will mind in messages, before they are sent.",
    ),
    "smtp": (
        "postroad.cli.commands.check.smtp:smtp",
        "Look at one SMTP server, and say what is wrong with it and which setting suits.",
    ),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def check() -> None:
    """Find what receivers will mind, and say what to do about it."""
