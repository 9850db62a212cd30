"""What ``pause`` and ``resume`` are about: a domain, a site or a stream."""

from typing import TYPE_CHECKING, Any

import click

from postroad.cli.deliveries import moment
from postroad.terminal_text import one_line

if TYPE_CHECKING:
    from postroad.outbox.suspend import Suspension


def rest_options(command: Any) -> Any:
    """``--domain``, ``--site`` and ``--stream``."""
    domain = click.option("--domain", metavar="NAME", help="Mail to the addresses of a domain.")
    site = click.option("--site", metavar="NAME", help="Mail to whoever receives for a domain, and for others maybe.")
    stream = click.option("--stream", metavar="NAME", help="Mail of a stream.")
    return domain(site(stream(command)))


def named(domain: str | None, site: str | None, stream: str | None) -> dict[str, Any]:
    """The one that was named.

    Raises:
        click.UsageError: none was, or several were.
    """
    given = {"domain": domain, "site": site, "stream": stream}
    found = {name: value for name, value in given.items() if value is not None}
    if len(found) != 1:
        raise click.UsageError("give one of --domain, --site and --stream")
    return found


def told(rest: "Suspension") -> str:
    """A pause in a sentence."""
    end = f"until {moment(rest.until)}" if rest.until else "until somebody resumes it"
    why = f": {one_line(rest.why)}" if rest.why else ""
    return f"the {rest.scope} {one_line(rest.key)} rests {end}{why}"
