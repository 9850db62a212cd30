"""Who receives for a domain: the site. All of Google is one, so that its limits hold for all of its domains together.

A site is known by its domains, or by a map that is handed in; a domain that neither knows is a site of its own. Pure.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from postroad.address import Address
from postroad.errors import AddressError
from postroad.outbox.shaping.rules import NO_RULES, Rules

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
MOST_KNOWN: Final = 50_000  # spellings that are remembered: some megabytes


class Destinations:
    """The sites of domains; one look-up for each question.

    ``injected`` says for domains who receives for them, and has the last word: what look-ups have found, or a test.
    """

    def __init__(self, rules: Rules = NO_RULES, injected: Mapping[str, str] = NOTHING) -> None:
        by_rules = {domain: site.name for site in rules.sites.values() for domain in site.domains}
        self._sites = by_rules | {_folded(domain): site for domain, site in injected.items()}
        self._spellings: dict[str, str] = {}

    def site(self, domain: str) -> str:
        """The site that receives for a domain, in any spelling (capitals, IDNA); else the domain itself."""
        found = self._sites.get(domain) or self._spellings.get(domain)
        return self._learn(domain) if found is None else found

    def _learn(self, domain: str) -> str:
        folded = _folded(domain)
        if len(self._spellings) >= MOST_KNOWN:
            self._spellings.clear()
        self._spellings[domain] = site = self._sites.get(folded, folded)
        return site


def site_of(domain: str, rules: Rules) -> str:
    """As ``Destinations.site``, for who asks once."""
    return Destinations(rules).site(domain)


def _folded(domain: str) -> str:
    try:
        return Address(f"postmaster@{domain.rstrip('.')}").domain
    except AddressError:
        return domain.lower()  # not a name that mail could go to; still a destination of its own
