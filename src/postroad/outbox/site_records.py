"""Has it written down who receives for the domains that a worker has mail for, before anything is claimed of them.

Flight records go by what is on record, and so do people.
"""

import asyncio
from collections.abc import Iterable, Mapping
from functools import partial

from postroad.clock import Clock
from postroad.database.database import Database
from postroad.outbox.shaping.shaper import Shaper
from postroad.outbox.site_finder import SiteFinder
from postroad.outbox.site_table import Learnt, learn_sites


class SiteRecords:
    """What is on record of which domains, as far as one worker has read or written it."""

    def __init__(self, database: Database, shaper: Shaper, clock: Clock, finder: SiteFinder | None) -> None:
        self._database = database
        self._shaper = shaper
        self._clock = clock
        self._finder = finder
        self._known: set[str] = set()  # domains of which we know what is on record
        self._sites: dict[str, str] = {}  # of domains, as they are written down, where they are

    def unknown(self, domains: Iterable[str]) -> set[str]:
        """Those domains whose record has to be read."""
        return set(domains) - self._known

    def learn(self, domains: set[str], on_record: Mapping[str, str]) -> None:
        """The record of these domains has been read: what an earlier worker has left there may not be so any more."""
        self._known |= domains
        for domain in domains:
            self._sites.pop(domain, None)
        self._sites |= on_record
        finder = self._finder
        self.write({one: self._shaper.site(one) for one in domains if finder is None or finder.knows(one)})

    def doubt(self, domain: str) -> None:
        """The record of a domain has to be read again."""
        self._known.discard(domain)

    def write(self, sites: Mapping[str, str]) -> None:
        """Have it written down who receives for these domains, where that is not on record.

        Raises:
            DatabaseError: it is closed.
        """
        other = {domain: site for domain, site in sites.items() if site != self._sites.get(domain, domain)}
        if not other:
            return
        writing = self._database.submit(learn_sites, Learnt(other, self._clock.now()))
        self._sites |= other
        writing.add_done_callback(partial(self._written, other))

    def _written(self, sites: Mapping[str, str], written: "asyncio.Future[None]") -> None:
        if written.cancelled() or written.exception() is not None:  # the claim meets it, too
            self._known.difference_update(sites)
