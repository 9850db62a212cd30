"""``postroad db``: the tables of an outbox."""

from typing import Final

import click

from postroad.cli.lazy_group import LazyGroup

COMMANDS: Final = {
    "migrate": (
        "postroad.cli.commands.db.migrate:migrate",
        "Make the tables, or bring them up to date.",
    ),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def db() -> None:
    """Make or upgrade the tables of an outbox."""
