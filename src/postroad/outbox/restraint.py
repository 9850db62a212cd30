"""Has a worker's transport keep to the limits of its accounts, and writes down what was learnt about destinations."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from postroad.clock import Clock
from postroad.database.database import Database
from postroad.errors import PostroadError
from postroad.outbox.override import Override, set_overrides
from postroad.outbox.shaping.hearing import Measure
from postroad.outbox.shaping.limits import Limits, Scope
from postroad.outbox.shaping.shaper import Road, Shaper
from postroad.outbox.suspend import Suspending, suspend
from postroad.transport.contract import Ability, Transport
from postroad.transport.restraint import Hold, Restrainable
from postroad.transport.sited import sited

_log = logging.getLogger("postroad.outbox")

Takes = Callable[[tuple[Measure, ...]], None]


def road_of(transport: Transport) -> Road:
    """How a worker sends by this transport."""
    if (direct := sited(transport)) is not None:
        return Road(transport.name, direct=True, source=direct.source)
    whole = Ability.SEPARATE_ENVELOPE not in transport.abilities
    if not isinstance(transport, Restrainable) or not transport.accounts:
        return Road(transport.name, whole=whole)
    accounts = transport.accounts
    limits = {one.name: Limits(rate=one.rate) for one in accounts}
    if len(accounts) == 1:
        return Road(accounts[0].name, source=accounts[0].source, accounts=limits, whole=whole)
    return Road(transport.name, accounts=limits, whole=whole)


def connections_of(transport: Transport) -> Callable[[str], int]:
    """How many connections an account has at most, or all that there are together; 0: nobody knows."""
    accounts = transport.accounts if isinstance(transport, Restrainable) else ()
    each = {one.name: one.connections for one in accounts}
    return lambda account: each.get(account, sum(each.values()))


class Restraint:
    """Belongs to one worker."""

    def __init__(self, database: Database, transport: Transport, shaper: Shaper, clock: Clock) -> None:
        self._database = database
        self._transport = transport if isinstance(transport, Restrainable) else None
        self._direct = sited(transport)
        self._shaper = shaper
        self._clock = clock
        self._applied: dict[str, Hold] = {}
        self._sources = {one.name: one.source for one in (self._transport.accounts if self._transport else ())}

    def begin(self, takes: Takes) -> None:
        """Keep to the limits from now on; ``takes`` is told what connections that failed beside others come to."""
        if self._transport is not None:
            self._transport.on_trouble(lambda account, fault: takes(self._heard(fault)))
        if self._direct is not None:
            self._direct.hold_to(self._hold_of)
        self.apply()

    def _hold_of(self, domain: str) -> Hold:
        """What a site's limits say of connections; how many messages may go at a time, and how fast, its gate says."""
        limits = self._shaper.limits((Scope.SITE, self._shaper.site(domain)))
        return Hold(messages=limits.messages_per_connection, new_connections=limits.new_connections)

    def _heard(self, fault: PostroadError) -> tuple[Measure, ...]:
        now = self._clock.now()
        return self._shaper.hear_trouble(fault, now) if fault.reply is not None else ()

    def apply(self) -> None:
        """Have the transport keep to what holds for its accounts now."""
        if self._transport is None:
            return
        for name, source in self._sources.items():
            thing = (Scope.ACCOUNT, name)
            limits = self._shaper.limits(thing)
            if source:  # its connections are this account's
                limits = limits.and_also(replace(self._shaper.limits((Scope.SOURCE, source)), rate=None))
            hold = _hold(limits, shut=self._shaper.gate(thing).shut)
            if self._applied.get(name) != hold:
                self._applied[name] = hold
                self._transport.restrain(name, hold)

    def keeps_to(self, name: str) -> bool:
        """Whether an account has no more connections than it may have."""
        hold = self._applied.get(name)
        if self._transport is None or hold is None or hold.connections is None:
            return True
        return self._transport.open_connections(name) <= hold.connections

    def take(self, measure: Measure) -> "asyncio.Future[None]":
        """Have a measure hold, and be seen by everybody; what comes is done when that is written down, or cannot be."""
        scope, key, since, until, limits, who, why = measure
        seconds = until - since
        if limits is None:
            _log.warning("%s %s rests for %d s: %s", scope, key, seconds, why)
            return _noted(self._database.submit(suspend, Suspending(scope, key, since, until, who, why)))
        _log.warning("%s %s is limited to %s for %d s: %s", scope, key, limits, seconds, why)
        override = Override(scope, key, since, until, limits, who, why)
        others = [one for one in self._shaper.overrides if (one.scope, one.key) != (scope, key)]
        self._shaper.learn([*others, override], self._clock.now())
        self.apply()
        return _noted(self._database.submit(set_overrides, override))


def _hold(limits: Limits, *, shut: bool) -> Hold:
    connections = 0 if shut else limits.connections
    return Hold(connections, limits.rate, limits.messages_per_connection, limits.new_connections)


def _noted(written: "asyncio.Future[None]") -> "asyncio.Future[None]":
    """A row for people and other workers; if it cannot be written, the log has said the same."""
    written.add_done_callback(lambda done: done.cancelled() or done.exception())
    return written
