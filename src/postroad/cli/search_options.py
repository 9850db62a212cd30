"""Which deliveries a command is about: the same options for a list and for a file of them."""

from typing import Any, Final

import click

# Those of DeliveryState; a test holds them together. Written out, because --help loads nothing of the outbox.
_STATES: Final = (
    "scheduled", "ready", "leased", "held", "uncertain", "sent", "refused", "expired", "suppressed", "cancelled",
)  # fmt: skip
_OPTIONS: Final = (
    click.option(
        "--state",
        type=click.Choice(_STATES),
        metavar="STATE",
        help=f"Only those that are {', '.join(_STATES[:-1])} or {_STATES[-1]}.",
    ),
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
