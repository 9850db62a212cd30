"""Finds out who receives for the domains of the queue, where a worker connects to the recipients' own hosts.

Domains whose mail goes to the same place are one site (MX roll-up), so that its limits hold for all of them. A domain
is looked up when something of it is due, beside all other work; until then nothing of it is claimed. Who cannot be
found out is a site of its own for a while: delivering to it will meet the same trouble, and defer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from postroad.clock import Clock
from postroad.outbox.shaping.rules import Rules
from postroad.outbox.shaping.shaper import Sites
from postroad.routing.mx import MailHosts, Reception
from postroad.routing.site import site_of_hosts

AskHosts = Callable[[str], Awaitable[MailHosts]]
OnFound = Callable[[str, str, str | None], None]
"""Is told a domain, its site when that is new, and what it was before, if anything was known."""

AT_ONCE: Final = 200  # look-ups under way: a resolver answers that many within a moment
MOST_KNOWN: Final = 50_000  # domains that are remembered, of some hundred octets each
SHORTEST: Final = 300.0  # seconds that an answer is kept at least; a site is no matter of minutes
LONGEST: Final = 86_400.0  # and at most: a day
AGAIN_AFTER: Final = 60.0  # seconds until a look-up that failed is made again


class _Found(NamedTuple):
    site: str
    until: float  # by the monotonic clock


class SiteFinder:
    """``Sites`` that come to know more. Look-ups belong to the event loop that wants them; ``site`` to any thread.

    ``known`` has the first word: what the rules say of a domain needs no look-up.
    """

    def __init__(self, known: Sites, rules: Rules, ask: AskHosts, clock: Clock) -> None:
        self.on_found: OnFound = lambda domain, site, old: None
        self._known = known
        self._providers: Mapping[str, str] = {
            name: site.name for site in rules.sites.values() for name in site.exchangers
        }
        self._ask = ask
        self._clock = clock
        self._found: dict[str, _Found] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def site(self, domain: str) -> str:
        """Who receives for the domain, as far as that is known; else the domain itself."""
        found = self._found.get(domain)
        return self._known.site(domain) if found is None else found.site

    def knows(self, domain: str) -> bool:
        """Whether the rules say, or it was found out, who receives for the domain."""
        return domain in self._found or self._known.site(domain) != domain

    def settled(self, domain: str) -> bool:
        """Whether the site of a domain is known, or nobody knows it; if not, it is being found out.

        An answer that has grown old serves until there is a newer one.
        """
        if self._known.site(domain) != domain:
            return True
        found = self._found.get(domain)
        if found is None or found.until <= self._clock.monotonic():
            self._look_up(domain)
        return found is not None

    def _look_up(self, domain: str) -> None:
        if domain in self._under_way or len(self._under_way) >= AT_ONCE:
            return  # whoever is left out comes again
        task = asyncio.get_running_loop().create_task(self._find(domain), name=f"site of {domain}")
        self._under_way[domain] = task

    async def _find(self, domain: str) -> None:
        try:
            hosts = await self._ask(domain)
        finally:
            self._under_way.pop(domain, None)
        failed = hosts.reception is Reception.UNKNOWN
        old = self._found.pop(domain, None)
        seconds = AGAIN_AFTER if failed else min(max(hosts.ttl, SHORTEST), LONGEST)
        site = old.site if failed and old is not None else self._site_of(domain, hosts)
        self._found[domain] = _Found(site, self._clock.monotonic() + seconds)
        if len(self._found) > MOST_KNOWN:
            del self._found[next(iter(self._found))]
        if old is None or old.site != site:
            self.on_found(domain, site, None if old is None else old.site)

    def _site_of(self, domain: str, hosts: MailHosts) -> str:
        if hosts.reception is not Reception.EXCHANGERS:
            return domain
        return site_of_hosts((one.host for one in hosts.hosts), self._providers) or domain

    def close(self) -> None:
        """Ask no more."""
        for task in self._under_way.values():
            task.cancel()
