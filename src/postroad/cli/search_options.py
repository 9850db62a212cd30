"""Which deliveries a command is about: the same options for a list and for a file of them."""

from typing import Any, Final

import click

_STATES: Final = "scheduled, ready, leased, held, uncertain, sent, refused, expired, suppressed or cancelled"
_OPTIONS: Final = (
    click.option("--state", metavar="STATE", help=f"Only those that are {_STATES}."),
    click.option("--recipient", metavar="ADDRESS", help="Only those to this address."),
    click.option("--domain", metavar="NAME", help="Only those to this domain."),
    click.option("--stream", metavar="NAME", help="Only those of this stream."),
    click.option(
        "--remote-id", metavar="ID", help="Only those that an email API named so; its webhooks have the name."
    ),
)


def search_options(command: Any) -> Any:
    """The options, as arguments of ``Outbox.find`` and ``Outbox.export``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
