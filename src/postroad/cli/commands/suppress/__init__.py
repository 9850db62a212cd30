"""``postroad suppress``: the list of those who get no mail."""

from typing import Final

import click

from postroad.cli.lazy_group import LazyGroup

_HERE: Final = "postroad.cli.commands.suppress"

COMMANDS: Final = {
    "ls": (f"{_HERE}.ls:ls", "Show who is on the list and why, or what stands there of one ADDRESS."),
    "add": (f"{_HERE}.add:add", "Put addresses on the list."),
    "rm": (f"{_HERE}.rm:rm", "Take addresses off the list, and print what stood there."),
    "import": (f"{_HERE}.import_:import_", "Put the entries of a FILE on the list; - is standard input."),
    "export": (f"{_HERE}.export:export", "Print the whole list as CSV or JSON lines."),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def suppress() -> None:
    """Say who gets no mail, and why."""
