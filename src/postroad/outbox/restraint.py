"""Has a worker's transport keep to the limits of its accounts, and writes down what was learnt about destinations."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

from postroad.clock import Clock
from postroad.database.database import Database
from postroad.errors import PostroadError
from postroad.log import logger
from postroad.outbox.override import Override, set_overrides
from postroad.outbox.resting import Resting
from postroad.outbox.shaping.hearing import Measure
from postroad.outbox.shaping.limits import Limits, Scope
from postroad.outbox.shaping.shaper import Road, Shaper
from postroad.outbox.suspend import Suspending, suspend
from postroad.transport.contract import Ability, Transport
from postroad.transport.members import members
from postroad.transport.restraint import Hold, Restrainable
from postroad.transport.sited import sited

_log = logger("outbox")

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
    roads = _accounts_of_roads(transport)
    if set(roads.values()) == {accounts[0].name}:
        return Road(accounts[0].name, source=accounts[0].source, accounts=limits, whole=whole)
    return Road(transport.name, accounts=limits, whole=whole, members=MappingProxyType(roads))


def _accounts_of_roads(transport: Transport) -> dict[str, str]:
    """By the routes of a composed one as reports name them: the account behind each; empty where it is not just one."""
    found: dict[str, str] = {}
    for one in members(transport):
        accounts = one.accounts if isinstance(one, Restrainable) else ()
        name = accounts[0].name if len(accounts) == 1 else ""
        found[one.name] = name if found.get(one.name, name) == name else ""
    return found


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
        self._rests: Callable[[], Resting] = Resting
        self._sources = {one.name: one.source for one in (self._transport.accounts if self._transport else ())}

    def begin(self, takes: Takes, rests: Callable[[], Resting]) -> None:
        """Keep to the limits from now on; ``takes`` is told what connections that failed beside others come to.

        ``rests`` tells what rests: of the accounts behind a composed route each by itself.
        """
        self._rests = rests
        self._tell_what_cannot_hold()
        if self._transport is not None:
            self._transport.on_trouble(lambda account, fault: takes(self._heard(account, fault)))
        if self._direct is not None:
            self._direct.hold_to(self._hold_of)
        self.apply()

    def _hold_of(self, domain: str) -> Hold:
        """What the limits of the site, and of our source, say of connections to a host.

        How many messages may go at a time, and how fast, the gates say.
        """
        limits = self._shaper.limits((Scope.SITE, self._shaper.site(domain)))
        if source := self._shaper.road.source:
            limits = limits.and_also(self._shaper.limits((Scope.SOURCE, source)))
        return Hold(messages=limits.messages_per_connection, new_connections=limits.new_connections)

    def _tell_what_cannot_hold(self) -> None:
        """Which road carries a message is decided after its turn has come: none of them has turns of its own."""
        if not self._shaper.road.members:
            return
        for name, said in self._shaper.road.accounts.items():
            limits = self._shaper.limits((Scope.ACCOUNT, name))
            if limits.per_day is not None or (limits.rate is not None and said.rate is None):
                _log.warning(
                    "%s: a rate or a number per day is not kept to in a route of several accounts; "
                    "give its URL a rate, such as ?rate=10/min",
                    name,
                )

    def _heard(self, account: str, fault: PostroadError) -> tuple[Measure, ...]:
        now = self._clock.now()
        return self._shaper.hear_trouble(account, fault, now) if fault.reply is not None else ()

    def _rests_now(self, account: str) -> bool:
        rest = self._rests().of((Scope.ACCOUNT, account))
        return rest is not None and (rest.until is None or rest.until > self._clock.now())

    def apply(self) -> None:
        """Have the transport keep to what holds for its accounts now."""
        if self._transport is None:
            return
        for name, source in self._sources.items():
            thing = (Scope.ACCOUNT, name)
            limits = self._shaper.limits(thing)
            if source:  # its connections are this account's
                limits = limits.and_also(replace(self._shaper.limits((Scope.SOURCE, source)), rate=None))
            hold = _hold(limits, shut=self._shaper.gate(thing).shut, rests=self._rests_now(name))
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


def _hold(limits: Limits, *, shut: bool, rests: bool) -> Hold:
    connections = 0 if shut else limits.connections
    return Hold(connections, limits.rate, limits.messages_per_connection, limits.new_connections, rests)


def _noted(written: "asyncio.Future[None]") -> "asyncio.Future[None]":
    """A row for people and other workers; if it cannot be written, the log has said the same."""
    written.add_done_callback(lambda done: done.cancelled() or done.exception())
    return written
