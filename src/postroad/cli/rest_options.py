"""What ``pause`` and ``resume`` are about: a domain, a site, a stream, an account or a source address."""

from typing import TYPE_CHECKING, Any, Final

import click

from postroad.cli.deliveries import moment
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.outbox.suspend import Suspension

SCOPES: Final = {
    "domain": ("NAME", "Mail to the addresses of a domain."),
    "site": ("NAME", "Mail to whoever receives for a domain, and for others maybe."),
    "stream": ("NAME", "Mail of a stream."),
    "account": ("NAME", "Mail through an account of workers, such as user@smtp.example.com:587."),
    "source": ("ADDRESS", "Mail from a source address of workers."),
}


def rest_options(command: Any) -> Any:
    """``--domain``, ``--site``, ``--stream``, ``--account`` and ``--source``."""
    for name, (metavar, text) in reversed(SCOPES.items()):
        command = click.option(f"--{name}", metavar=metavar, help=text)(command)
    return command


def named(options: dict[str, Any]) -> dict[str, Any]:
    """The one that was named.

    Raises:
        click.UsageError: none was, or several were.
    """
    found = {name: value for name in SCOPES if (value := options[name]) is not None}
    if len(found) != 1:
        raise click.UsageError("give one of --domain, --site, --stream, --account and --source")
    return found


def told(rest: "Suspension") -> str:
    """A pause in a sentence."""
    end = f"until {moment(rest.until)}" if rest.until else "until somebody resumes it"
    why = f": {one_line(rest.why)}" if rest.why else ""
    return f"the {rest.scope} {one_line(rest.key)} rests {end}{why}"
