"""``postroad provider``: the email APIs."""

from typing import Final

import click

from postroad.cli.lazy_group import LazyGroup

_HERE: Final = "postroad.cli.commands.provider"

COMMANDS: Final = {
    "ls": (f"{_HERE}.ls:ls", "Show which email APIs there are, and what each of them can do."),
    "test": (f"{_HERE}.test:test", "Try whether an account at an email API works; nothing is sent."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def provider() -> None:
    """Look at email APIs, and try an account there."""
