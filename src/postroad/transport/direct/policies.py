"""The MTA-STS policies of domains: fetched once for all who ask, kept as long as they say, renewed before they end."""

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from postroad.clock import Clock
from postroad.lookup import Fetcher, Resolver
from postroad.routing.mta_sts import Discovered, Kept, Policy, Trouble, discover
from postroad.routing.tls_requirement import PolicyType
from postroad.routing.tls_results import ResultType
from postroad.transport.direct.tls_counts import TlsResults

RETRY_AFTER: Final = 300.0  # seconds before a policy that could not be fetched is asked for again (RFC 8461 §3.3)
MAX_KEPT: Final = 10_000  # domains, with policies of some hundred octets each
_RESULTS: Final = {
    Trouble.FETCH: ResultType.STS_POLICY_FETCH_ERROR,
    Trouble.INVALID: ResultType.STS_POLICY_INVALID,
    Trouble.WEBPKI: ResultType.STS_WEBPKI_INVALID,
}


@dataclass(slots=True)
class _Known:
    """What is known of a domain. Times are seconds since the epoch."""

    kept: Kept | None = None
    renew_at: float = 0.0  # when the policy is fetched again although its record is the same
    not_before: float = 0.0  # after a failure


class PolicyCache:
    """Belongs to one process; one event loop at a time uses it. It remembers in memory only."""

    def __init__(self, resolver: Resolver, fetcher: Fetcher, results: TlsResults, clock: Clock) -> None:
        self._resolver = resolver
        self._fetcher = fetcher
        self._results = results
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._flights: dict[tuple[asyncio.AbstractEventLoop, str], asyncio.Task[Policy | None]] = {}

    async def policy_of(self, domain: str) -> Policy | None:
        """The policy that holds for a domain. It never raises but ``CancelledError``; that leaves others their answer.

        Its record is looked at each time, as the resolver keeps it: another id there means another policy.
        """
        loop = asyncio.get_running_loop()
        task = self._flights.get((loop, domain))
        if task is None:
            task = loop.create_task(self._find(domain), name=f"mta-sts {domain}")
            self._flights[loop, domain] = task
            task.add_done_callback(lambda _: self._flights.pop((loop, domain), None))
        return await asyncio.shield(task)

    async def _find(self, domain: str) -> Policy | None:
        known, now = self._known.get(domain) or _Known(), self._clock.now()
        if now < known.not_before:
            return _holds(known.kept, now)
        kept = known.kept
        if kept is not None and now >= known.renew_at:
            kept = replace(kept, id="")  # no record has that: whatever stands there is new
        found = await discover(domain, kept, self._resolver, self._fetcher, now)
        self._learn(domain, known, found, now)
        return _holds(known.kept, now)

    def _learn(self, domain: str, known: _Known, found: Discovered, now: float) -> None:
        if found.trouble is not None:
            known.not_before = now + RETRY_AFTER
            self._results.failed(domain, PolicyType.STS, _RESULTS[found.trouble], reason=found.reason)
        elif found.kept is not None and found.kept.id:
            if found.kept != known.kept:  # half of its life is a good time (RFC 8461 §3.3: before it expires)
                known.renew_at = now + found.kept.policy.max_age / 2
            known.kept = found.kept
        elif found.kept is None:
            known.kept = None
        if known.kept is not None or known.not_before > now:
            self._known.pop(domain, None)  # to the end of the line
            self._known[domain] = known
            while len(self._known) > MAX_KEPT:
                self._known.pop(next(iter(self._known)))
        else:
            self._known.pop(domain, None)


def _holds(kept: Kept | None, now: float) -> Policy | None:
    if kept is None or kept.until <= now:
        return None
    return Discovered(kept).policy
