"""MX roll-up: domains whose mail goes to the same place are one site, so that its limits hold for all of them."""

from collections.abc import Iterable, Mapping
from typing import Final

# Second-level names under which countries register domains, as in acme.co.uk. The list of public suffixes knows them
# all and changes weekly; a site that is too small or too large for a rare one costs a little speed, no mail.
_REGISTRIES: Final = frozenset(
    {"ac", "co", "com", "edu", "go", "gob", "gouv", "gov", "ltd", "mil", "ne", "net", "nom", "or", "org", "plc", "sch"}
)
_COUNTRY_LETTERS: Final = 2


def site_of_hosts(hosts: Iterable[str], providers: Mapping[str, str]) -> str:
    """The name of the site that these mail exchangers are.

    ``providers`` maps names of hosts, or what they end in, to the provider they belong to (``google.com`` to
    ``google``). If all belong to one, that is the site; else what all of them are registered under; else, for hosts of
    several owners, the names of these, joined by ``+``. The order of the hosts makes no difference.
    """
    names = {host.lower().rstrip(".") for host in hosts} - {""}
    owners = sorted({_provider_of(name, providers) or registered_name(name) for name in names})
    return "+".join(owners)


def registered_name(host: str) -> str:
    """What somebody has registered, as far as its form tells: ``acme.example`` of ``mx.acme.example``."""
    labels = host.split(".")
    below_registry = len(labels) > 2 and len(labels[-1]) == _COUNTRY_LETTERS and labels[-2] in _REGISTRIES
    return ".".join(labels[-3:] if below_registry else labels[-2:])


def _provider_of(host: str, providers: Mapping[str, str]) -> str | None:
    labels = host.split(".")
    # The longest name that fits: mail.yahoo.co.jp before yahoo.co.jp.
    suffixes = (".".join(labels[first:]) for first in range(len(labels)))
    return next((providers[suffix] for suffix in suffixes if suffix in providers), None)
