"""``--dns``: whom to ask, the same for every command that needs the DNS."""

from pathlib import Path
from typing import Any, Final

import click

from postroad.cli.terminal import note
from postroad.errors import ConfigurationError
from postroad.lookup import Resolver
from postroad.net.dns.resolver import DnsResolver
from postroad.net.dns.zone import Zone
from postroad.net.dns.zone_file import MAX_OCTETS, read_zone
from postroad.terminal_text import one_line

_NAMED: Final = 10  # names that are told of; a file full of them is a file of another kind


def dns_option(command: Any) -> Any:
    """The option, as the argument ``dns`` for ``resolver_of``."""
    return click.option(
        "--dns", metavar="ZONE.yaml", help="Take DNS records from this file instead of asking, to try them out."
    )(command)


def resolver_of(dns: str | None) -> Resolver:
    """Who answers questions to the DNS: the records in the file that the option names, else the machine's resolvers.

    Raises:
        ConfigurationError: the file cannot be read, or is no zone; the sentence names the line.
    """
    return DnsResolver() if dns is None else zone_of(dns)


def zone_of(path: str) -> Zone:
    """The zone in a file.

    Raises:
        ConfigurationError: it cannot be read, or is no zone.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_OCTETS + 1)
        zone = read_zone(content)
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise ConfigurationError(f"--dns: cannot read {path!a:.200}: {reason}", setting="--dns") from fault
    except ConfigurationError as fault:
        sentence = f"--dns: {path!a:.200}, {fault.message}"
        raise ConfigurationError(sentence, setting="--dns", advice=fault.advice) from fault
    for name in zone.unaskable[:_NAMED]:
        note(f"--dns: nobody can ask for {one_line(name)[:200]}: a label has 1 to 63 octets, a name at most 253")
    return zone
