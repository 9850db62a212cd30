"""The connections to mail exchangers: a pool for each host and what is asked of it, gone when nobody uses it."""

import asyncio
from collections import Counter
from typing import Final

from postroad.clock import Clock
from postroad.errors import ConfigurationError
from postroad.message.envelope import MailObject
from postroad.net.host_name import checked_host
from postroad.outcome import SendReport
from postroad.routing.dane import Usage
from postroad.routing.plan import Hop
from postroad.routing.tls_requirement import TlsRequirement
from postroad.transport.contract import BeforeCommit
from postroad.transport.direct.opening import Opening
from postroad.transport.direct.settings import Direct
from postroad.transport.direct.tls_counts import TlsResults
from postroad.transport.restraint import FREE, Hold
from postroad.transport.smtp.connection import SmtpConnection
from postroad.transport.smtp.pool import Pool
from postroad.transport.smtp.settings import Smtp

_MANY: Final = 64  # pools, beyond which those that are not used are looked for before another one is made


class HostPool:
    """The connections to one host."""

    def __init__(self, opening: Opening, settings: Direct) -> None:
        self.opening = opening
        self.pool = Pool(self._open, settings.limits)
        self._hold = FREE
        self._waiting: Counter[str] = Counter()  # messages under way, by their recipients' domains

    def hold_to(self, hold: Hold) -> None:
        """Keep to this until told otherwise."""
        if hold != self._hold:
            self._hold = hold
            self.pool.hold_to(hold)

    async def _open(self) -> SmtpConnection:
        return await self.opening.connection(frozenset(self._waiting))

    async def deliver(
        self, mail: MailObject, domains: frozenset[str], before_commit: BeforeCommit | None
    ) -> SendReport:
        """Hand a message over, as ``Transport.deliver``."""
        self._waiting.update(domains)
        try:
            return await self.pool.submit(mail, before_commit)
        finally:
            self._waiting.subtract(domains)
            self._waiting += Counter()  # without those that are none

    @property
    def used(self) -> bool:
        """There are connections, or messages that wait for one."""
        return bool(self._waiting) or self.pool.connections > 0


class HostPools:
    """Belongs to one event loop."""

    def __init__(self, settings: Direct, results: TlsResults, clock: Clock) -> None:
        self._settings = settings
        self._results = results
        self._clock = clock
        self.closed = False
        self._pools: dict[tuple[str, TlsRequirement, frozenset[str]], HostPool] = {}

    def pool_for(self, hop: Hop, domains: frozenset[str]) -> HostPool:
        """The connections to a host for mail to these domains; those under another requirement are not good for it.

        Raises:
            ConfigurationError: its name is none that can be connected to.
        """
        # Where an authority is what matches, the certificate may be for the domain alone, and is good for no other.
        under_authority = any(one.usage == Usage.DANE_TA for one in hop.requirement.associations)
        key = (hop.host, hop.requirement, domains if under_authority else frozenset())
        found = self._pools.get(key)
        if found is not None:
            found.opening.hop = hop  # its addresses may be others by now
            return found
        if len(self._pools) >= _MANY:
            self._pools = {known: pool for known, pool in self._pools.items() if pool.used}
        made = HostPool(self._opening(hop), self._settings)
        self._pools[key] = made
        return made

    def _opening(self, hop: Hop) -> Opening:
        settings = self._settings
        account = Smtp(
            hop.host,
            settings.port,
            ehlo=settings.ehlo,
            max_size=settings.max_size,
            limits=settings.limits,
            timeouts=settings.timeouts,
        )
        return Opening(settings, account, hop, self._results, self._clock)

    @property
    def connections(self) -> int:
        """How many there are now."""
        return sum(pool.pool.connections for pool in self._pools.values())

    async def aclose(self) -> None:
        """As ``Pool.aclose``, all of them at once."""
        self.closed = True
        pools, self._pools = self._pools, {}
        await asyncio.gather(*(pool.pool.aclose() for pool in pools.values()))

    def forget_after_fork(self) -> None:
        """As ``Pool.forget_after_fork``."""
        for pool in self._pools.values():
            pool.pool.forget_after_fork()


def is_name_of_host(name: str) -> bool:
    """Whether a name that stands in the DNS is one that can be connected to; an address literal is none."""
    try:
        checked_host(name)
    except ConfigurationError:
        return False
    return not name.startswith("[")
