"""``postroad outbox``: look into the outbox, and change what is in it."""

from typing import Final

import click

from postroad.cli.lazy_group import LazyGroup

_HERE: Final = "postroad.cli.commands.outbox"

COMMANDS: Final = {
    "ls": (f"{_HERE}.ls:ls", "List deliveries, newest first, one for each recipient."),
    "show": (f"{_HERE}.show:show", "Show a message: for each recipient every attempt, and why."),
    "export": (
        f"{_HERE}.export:export",
        "Print all deliveries as CSV or JSON lines, newest first, one for each recipient.",
    ),
    "explain": (
        f"{_HERE}.explain:explain",
        "Say why mail to an address or a domain waits, until when, and what became of the last.",
    ),
    "stats": (f"{_HERE}.stats:stats", "Count the recipients in each state."),
    "retry": (f"{_HERE}.retry:retry", "Try messages again, now."),
    "cancel": (f"{_HERE}.cancel:cancel", "Take messages back that were not sent yet."),
    "hold": (f"{_HERE}.hold:hold", "Set messages aside until they are released."),
    "release": (f"{_HERE}.release:release", "Let messages go on that were held."),
    "pause": (
        f"{_HERE}.pause:pause",
        "Try nothing for a domain, a site, a stream, an account or a source address for a while.",
    ),
    "resume": (f"{_HERE}.resume:resume", "Let go on what was paused."),
    "limits": (
        f"{_HERE}.limits:limits",
        "See how fast mail may go, check rules of your own, and cancel what was learnt from replies.",
    ),
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def outbox() -> None:
    """See what waits, what was sent, and why; retry, cancel, hold and pause."""
