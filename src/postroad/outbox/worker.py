"""The worker: holds the worker lock, delivers what is due, and leaves the queue in order when it stops.

Stopping: nothing more is claimed and no further dot goes out; dots in flight are waited for; everything else goes back
to the queue as if it had not been touched. Being killed at any point loses nothing: see ``recover``.
"""

import asyncio
import contextlib
import math
import os
import socket
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Final, Self

from postroad.address import Address
from postroad.chance import SYSTEM_CHANCE, Chance
from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.database.database import Database
from postroad.database.opened import Watching
from postroad.errors import DatabaseError, PostroadError
from postroad.log import logger
from postroad.outbox.bell import Bell
from postroad.outbox.broom import Broom
from postroad.outbox.deliver import Deliverer
from postroad.outbox.division import Allowances, Divisions
from postroad.outbox.lease import Lease, Parcel
from postroad.outbox.liveness import BEAT_EVERY, GIVEN_UP_AFTER, beat, leave
from postroad.outbox.recover import Arrival, Recovered, arrive
from postroad.outbox.resting import Rest
from postroad.outbox.restraint import Restraint, connections_of, road_of
from postroad.outbox.retention import DEFAULT_RETENTION, Retention
from postroad.outbox.route_rest import RouteRest
from postroad.outbox.settle import next_try
from postroad.outbox.shaping.hearing import Measure
from postroad.outbox.shaping.shaper import NO_SHAPING, Shaper, Shaping
from postroad.outbox.shaping.warm_up import DAY
from postroad.outbox.site_finder import SiteFinder
from postroad.outbox.standing import Told, describe, tell, workers_seen
from postroad.outbox.supply import Supply
from postroad.outbox.uuid7 import uuid7
from postroad.outcome import SendReport
from postroad.retry import Schedule
from postroad.transport.contract import Transport
from postroad.transport.sited import sited

_log = logger("outbox")

POLL: Final = 0.03  # seconds between looks for other processes' commits: a message leaves within 50 ms of its own
SURVEY_EVERY: Final = 60.0  # seconds between looks at the whole queue, should anything ever have escaped the event log
# Where others work too, what one of them has given back untried is found by a survey alone: that is done more often, as
# long as it takes no more than a fiftieth of the time.
SURVEY_SHARED: Final = 5.0  # seconds
SURVEY_SHARE: Final = 50
TOLD_EVERY: Final = 1.0  # seconds between descriptions of how a worker stands, where that changes
LOCK_POLL: Final = 0.25  # seconds between tries for the worker lock
TROUBLE: Final = 1.0  # seconds to wait after trouble with the database
# Seconds until mail is looked at again whose day is used up: it does not wait for midnight where the limit was raised.
PUT_OFF: Final = 3600.0
DEFECT_DELAY: Final = 60.0  # seconds before a parcel is tried again that met a defect of ours


class Worker:
    """Delivers what is in one outbox over one transport, in the event loop that runs it, once.

    ``async with`` runs it in the background and never waits for anything; ``run()`` runs it until ``stop()``;
    ``drain()`` until nothing is due. While it works it is one of ``running``. From a SQLite file one worker delivers,
    and a second one waits until the first is gone; where there is a server, any number share the work.
    """

    def __init__(
        self,
        database: Database,
        transport: Transport,
        *,
        concurrency: int | None = None,
        running: "set[Worker] | None" = None,
        closing: bool = False,
        schedule: Schedule | None = None,
        retention: Retention = DEFAULT_RETENTION,
        shaping: Shaping = NO_SHAPING,
        clock: Clock = SYSTEM_CLOCK,
        chance: Chance = SYSTEM_CHANCE,
    ) -> None:
        self.id = uuid7(clock.now())
        self._database = database
        self._transport = transport
        self._concurrency = concurrency or transport.concurrency
        self._running = set() if running is None else running
        self._closing = closing  # the transport is ours
        self._schedule = schedule
        self._clock = clock
        self._chance = chance
        self._broom = Broom(database, retention, clock)
        self._deliverer = Deliverer(
            database,
            transport,
            on_given_back=self._survey_again,
            on_kept_back=self._kept_back,
            clock=clock,
            chance=chance,
        )
        finder = _site_finder(transport, shaping, clock)
        sites = shaping.sites if finder is None else finder
        self._shaper = Shaper(shaping.rules, sites, road_of(transport), connections_of(transport))
        self._supply = Supply(
            database, self.id, self._concurrency, self._shaper, clock=clock, next_try=self._planned_retry, finder=finder
        )
        if finder is not None:
            finder.on_found = self._site_found
        self._restraint = Restraint(database, transport, self._shaper, clock)
        self._divisions = Divisions(database, self.id, self._shaper, self._restraint, clock)
        self._allowances = Allowances(database, self._shaper, clock)
        self._route = RouteRest(database, transport.name, clock)
        self._bell: Bell | None = None
        self._epoch = 0  # of its lives
        self._survey_at = -math.inf  # by the monotonic clock
        self._learnt_at = -math.inf
        self._told_at = -math.inf
        self._told = ""
        self._stopping = False
        self._draining = False
        self._hurried = False
        self._background: asyncio.Task[None] | None = None

    # ── life ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Deliver until ``stop()``.

        Raises:
            ConfigurationError: the database was closed or is not one that can be used.
        """
        self._bell = Bell()
        self._restraint.begin(self._take_measures, lambda: self._supply.resting)
        self._running.add(self)
        try:
            await self._hold_lock_and_work()
        finally:
            self._running.discard(self)
            self._supply.close()
            if self._closing:
                await self._transport.aclose()

    async def drain(self) -> None:
        """Deliver until nothing is due, and return; what is due later stays queued.

        Raises:
            PostroadError: what is wrong with the route (its deliveries are back in the queue), or the database.
        """
        self._draining = True
        await self.run()
        if self._route.fault is not None:
            raise self._route.fault

    def wake(self) -> None:
        """Something was queued or made due; from any thread."""
        if self._bell is not None:
            self._bell.ring()

    def stop(self) -> None:
        """Begin to stop; from any thread, or a signal handler."""
        self._stopping = self._deliverer.stopping = True
        self.wake()

    async def begin(self, *, draining: bool = False) -> None:
        """Run, or drain, in the background; ``finished`` tells the end, and what went wrong."""
        work = self.drain() if draining else self.run()
        self._background = asyncio.create_task(work, name="postroad-worker")
        self._background.add_done_callback(_say_why_it_ended)

    async def finished(self) -> None:
        """Return when what runs in the background has ended; whoever waits may be cancelled without harm to it.

        Raises:
            PostroadError: what ended it.
        """
        if self._background is not None:
            await asyncio.shield(self._background)

    async def __aenter__(self) -> Self:
        await self.begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        await self.finished()

    # ── the one worker of a file ──────────────────────────────────────────────────────────────────────────────────

    async def _hold_lock_and_work(self) -> None:
        if self._database.location.on_server:
            return await self._work()
        lock = self._database.worker_lock
        waiting = False
        while not self._stopping:
            if lock.try_acquire():
                try:
                    return await self._work()
                finally:
                    lock.release()
            if not waiting:
                _log.warning(
                    "another worker%s delivers from %s; waiting until it ends",
                    await asyncio.to_thread(_who_works, self._database),
                    self._database.location.url,
                )
                waiting = True
            await self._pause(LOCK_POLL)
        return None

    async def _work(self) -> None:
        await self._arrive()
        tasks = [asyncio.create_task(self._deliver_one_by_one()) for _ in range(self._concurrency)]
        tasks += [asyncio.create_task(self._beat()), asyncio.create_task(self._broom.sweep())]
        try:
            with contextlib.closing(self._database.watch(self.wake)) as watch:
                await self._feed(watch)
        except asyncio.CancelledError:
            self._hurried = self._stopping  # asked twice: dots in flight are not waited for
            raise
        finally:
            await self._wind_down(tasks)

    async def _arrive(self) -> None:
        self._epoch += 1
        self._go_by(await self._arrived())
        try:
            await self._divisions.begin()
        except DatabaseError as fault:
            _log.error("the worker's part of shared limits cannot be found out now: %s", fault)
        _log.info("worker %s delivers from %s by %s", self.id, self._database.location.url, self._transport.name)

    def _sign_of_life(self) -> Arrival:
        return Arrival(
            self.id,
            socket.gethostname(),
            os.getpid(),
            self._epoch,
            self._transport.name,
            self._clock.now(),
            self._chance,
            GIVEN_UP_AFTER if self._database.location.on_server else -math.inf,
        )

    def _go_by(self, recovered: Recovered) -> None:
        self._deliverer.streams = recovered.streams.on(self._schedule)
        if recovered.leases:
            counts = recovered.leases, recovered.uncertain
            _log.warning("%d deliveries of a worker that died are back in the queue, %d of them uncertain", *counts)
            self._survey_again()

    async def _arrived(self) -> Recovered:
        """What the arrival found; a database in passing trouble is waited for, as later on."""
        while True:
            try:
                return await self._database.submit(arrive, self._sign_of_life())
            except DatabaseError as fault:
                if self._draining or self._stopping:
                    raise
                _log.error("the worker cannot begin now: %s", fault)
                await self._pause(TROUBLE)

    async def _wind_down(self, tasks: list[asyncio.Task[None]]) -> None:
        self._stopping = self._deliverer.stopping = True  # from here on each end of a delivery rings
        self._give_all_back()
        try:
            while not self._hurried and any(trip.in_flight for trip in self._deliverer.trips):
                await self._pause(None)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._give_all_back()
            await self._deliverer.written()
            with contextlib.suppress(DatabaseError):
                await self._allowances.give_back()
                await self._database.submit(leave, self.id)

    def _give_all_back(self) -> None:
        self._give_back(self._supply.empty_out())

    def _give_back(self, parcels: Iterable[Parcel]) -> None:
        for parcel in parcels:
            self._deliverer.give_back(parcel)

    # ── supplying ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _feed(self, watch: Watching) -> None:
        """Keep the supply full until it is time to stop."""
        while not self._stopping:
            try:
                if await self._supplied(watch):
                    continue
                if self._draining and (self._route.fault is not None or await self._nothing_left()):
                    return
            except DatabaseError as fault:
                if self._draining:
                    raise
                _log.error("the queue cannot be read now: %s", fault)
                self._survey_at = -math.inf  # what was about to be learnt is not known
                await self._pause(TROUBLE)
                continue
            await self._pause(self._patience())

    async def _supplied(self, watch: Watching) -> bool:
        """Learn, claim and load as far as there is room; whether anything was claimed."""
        began = self._clock.monotonic()
        await self._keep_to_limits()
        if self._survey_at <= began:
            self._survey_at = began + SURVEY_EVERY  # first: whoever wants another one meanwhile says so here
            await self._supply.survey()
            if self._database.location.on_server:
                took = self._clock.monotonic() - began
                self._survey_at = min(self._survey_at, began + max(SURVEY_SHARED, SURVEY_SHARE * took))
        elif (self._supply.hungry or self._learnt_at + POLL <= began) and (self._supply.behind or watch.changed()):
            self._learnt_at = began
            await self._supply.learn()
        self._give_back(self._supply.empty_out() if self._route.resting else self._supply.resting_parcels())
        for parcel in await self._supply.load():
            _log.warning("the content of the message %s is gone", parcel.message_id)
            self._deliverer.give_back(parcel, delay=DEFECT_DELAY)  # which is void where somebody ended it meanwhile
        for parcel in self._supply.over_allowance():
            self._deliverer.give_back(parcel, delay=min(DAY - self._clock.now() % DAY, PUT_OFF))
        return not self._route.resting and await self._supply.claim()

    async def _nothing_left(self) -> bool:
        """Nothing is in hand and, as of a fresh look, nothing is due."""
        if not self._supply.empty or self._deliverer.trips:
            return False
        await self._deliverer.written()
        return await self._supply.nothing_due()

    def _survey_again(self) -> None:
        self._survey_at = -math.inf
        self.wake()

    def _site_found(self, domain: str, site: str, _old: str | None) -> None:
        self._supply.site_found(domain, site)
        self.wake()

    def _kept_back(self, parcel: Parcel) -> None:
        for domain in {Address(lease.recipient).domain for lease in parcel.leases}:
            self._supply.doubt_site(domain)

    def _patience(self) -> float:
        if self._route.resting:
            return POLL
        return max(0.0, min(POLL, self._supply.next_look() - self._clock.now()))

    # ── limits ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _keep_to_limits(self) -> None:
        """Let what has held for long enough end, take our part of what is shared, and hand out what may go now."""
        changed = self._shaper.forget_past(self._clock.now())
        changed |= await self._divisions.go_on(self._supply.sharers)
        changed |= await self._allowances.ask()
        if changed:
            self._supply.limits_changed()
        self._restraint.apply()
        self._shaper.door.shut = self._route.resting or self._supply.all_rest() is not None
        self._supply.hand_out()
        self._tell_standing()

    def _hear(self, parcel: Parcel, report: SendReport, began: float) -> None:
        self._take_measures(self._shaper.hear(parcel.lane.domain, report, began, self._clock.now()))

    def _take_measures(self, measures: Sequence[Measure]) -> None:
        """Slow down or suspend for a while what replies or connections have shown to be too much."""
        if not measures:
            return
        for measure in measures:
            self._supply.expect(self._restraint.take(measure))
            if measure.limits is None:
                self._supply.rest(Rest(measure.scope, measure.key, measure.until))
        self._restraint.apply()
        self._shaper.door.shut |= self._supply.all_rest() is not None
        self._give_back(self._supply.resting_parcels())
        self._supply.limits_changed()

    async def _pause(self, seconds: float | None) -> None:
        """Wait for a ring, at most so long."""
        assert self._bell is not None
        await self._bell.wait(self._clock, seconds)
        self._bell.hush()

    def _planned_retry(self, lease: Lease, now: float) -> float:
        due_at = next_try(lease, self._deliverer.streams[lease.stream], now, self._chance)
        return now if due_at is None else due_at

    # ── delivering ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _deliver_one_by_one(self) -> None:
        assert self._bell is not None
        while True:
            turn = await self._supply.take()
            parcel, octets = turn.item
            if self._supply.running_low():
                self._bell.stir()
            began = self._clock.now()
            try:
                report = await self._deliverer.deliver(parcel, octets)
            except Exception:  # noqa: BLE001  # a defect of ours must end neither the worker nor the message
                _log.exception("the message %s could not be tried", parcel.message_id)
                self._deliverer.give_back(parcel, delay=DEFECT_DELAY)
            else:
                self._learn_from(parcel, report, began)
            finally:
                self._supply.done(turn)
            if self._draining or self._stopping:
                self._bell.stir()

    def _learn_from(self, parcel: Parcel, report: SendReport, began: float) -> None:
        try:
            self._hear(parcel, report, began)
            if self._route.hear(report):
                self._shaper.door.shut = True
                self._give_all_back()
        except PostroadError as fault:  # the database is closed, say: whoever delivers goes on
            _log.error("what follows from a reply could not be written down: %s", fault)

    # ── signs of life ─────────────────────────────────────────────────────────────────────────────────────────────

    def _tell_standing(self) -> None:
        """Have it written down how we stand, where that has changed; not more than once in ``TOLD_EVERY``."""
        now = self._clock.monotonic()
        if now < self._told_at + TOLD_EVERY:
            return
        self._told_at = now
        told = describe(self._shaper, self._transport, self._supply.in_hand, self._clock.now())
        if told != self._told:
            self._told = told
            writing = self._database.submit(tell, Told(self.id, told))
            writing.add_done_callback(lambda done: done.cancelled() or done.exception())  # for people: the next may do

    async def _beat(self) -> None:
        while True:
            await self._clock.sleep(BEAT_EVERY)
            try:
                recovered = await self._database.submit(beat, self._sign_of_life())
                if recovered is None:
                    await self._come_back()
                else:
                    self._go_by(recovered)
                    if await self._divisions.go_on(self._supply.sharers, beat=True):
                        self._supply.limits_changed()
            except PostroadError as fault:  # also where a server that came back is set otherwise
                _log.error("the worker's sign of life could not be written: %s", fault)

    async def _come_back(self) -> None:
        """The others have taken this worker's leases: it was stopped, or cut off, for too long."""
        _log.warning("worker %s was silent for more than %d s and had been given up", self.id, GIVEN_UP_AFTER)
        self._give_all_back()  # what is void comes to nothing
        await self._arrive()


def _site_finder(transport: Transport, shaping: Shaping, clock: Clock) -> SiteFinder | None:
    """Who finds out the sites of domains; where a relay delivers, nobody has to."""
    direct = sited(transport)
    return None if direct is None else SiteFinder(shaping.sites, shaping.rules, direct.mail_hosts, clock)


def _who_works(database: Database) -> str:
    """Where the worker is that was heard last, for people; nothing where it cannot be found out."""
    try:
        workers = database.read(workers_seen)
    except PostroadError:
        return ""
    last = max(workers, key=lambda one: one.heartbeat_at, default=None)
    return "" if last is None else f" (process {last.pid} on {last.host})"


def _say_why_it_ended(background: "asyncio.Task[None]") -> None:
    """A worker in the background that dies must not do so in silence."""
    if not background.cancelled() and (fault := background.exception()) is not None:
        _log.error("the worker has ended: %s", fault, exc_info=None if isinstance(fault, PostroadError) else fault)
