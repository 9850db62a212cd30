"""Keeps a worker's hands full: learns what is due, claims it in batches, loads the contents, says whose turn it is.

Claims run ahead of the deliveries by a bounded number at each priority, so that what is urgent finds room beside any
backlog, and by no more than a destination's limits let go soon. Contents run ahead by a bounded number of octets.
"""

import asyncio
import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, NamedTuple, TypeVar

from sqlalchemy import Connection, Text, select

from postroad.clock import Clock
from postroad.database.batch import Octets
from postroad.database.database import Database
from postroad.database.given import given_values
from postroad.database.tables import content
from postroad.errors import DatabaseError
from postroad.outbox.claim import Claim, Claimed, NextTry, claim
from postroad.outbox.lanes import Lane, Lanes
from postroad.outbox.lease import Parcel
from postroad.outbox.log_position import Position
from postroad.outbox.recover import Unheard, take_back_unheard
from postroad.outbox.resting import Rest, Resting
from postroad.outbox.shaping.dispatcher import Dispatcher, Entry
from postroad.outbox.shaping.gate import Gate
from postroad.outbox.shaping.limits import Scope
from postroad.outbox.shaping.shaper import Shaper
from postroad.outbox.site_finder import SiteFinder
from postroad.outbox.site_records import SiteRecords
from postroad.outbox.site_table import sites_on_record
from postroad.outbox.sites import News, news, survey

MOST_AHEAD: Final = 256  # deliveries of one priority claimed before they are tried: one group's worth
OCTETS_AHEAD: Final = 16 * 1024 * 1024  # of contents of one priority in memory before they are tried
AHEAD: Final = 5.0  # seconds: of a destination with a rate, no more is claimed than may go within them
A_SIZE: Final = 65_536  # octets of content that count as one more message, where sites take turns

ASIDE: Final = 3  # so many times what is claimed ahead may wait for its limits, and still not take others' room

TAKEN_BY_OTHERS: Final = 0.02  # seconds until a lane is looked at again in which others were taking what is due
FULL: Final = 0.25  # seconds until a lane is looked at again of which enough is at hand
LONGEST: Final = 5.0  # seconds until a lane is looked at again whose gates are shut: they may be opened before that

R = TypeVar("R")

_CONTENTS = Octets(select(content.c.id, content.c.body).where(content.c.id.in_(given_values(Text))))


class Loaded(NamedTuple):
    """A parcel with its content."""

    parcel: Parcel
    octets: bytes


Turn = Entry[Loaded]


class Supply:
    """What is ready to be tried. Belongs to one event loop; its reading happens in a thread of its own."""

    def __init__(
        self,
        database: Database,
        owner: str,
        concurrency: int,
        shaper: Shaper,
        *,
        clock: Clock,
        next_try: NextTry,
        finder: SiteFinder | None = None,
    ) -> None:
        self._database = database
        self._owner = owner
        self._shaper = shaper
        self._clock = clock
        self._next_try = next_try
        self._finder = finder
        self._sites = SiteRecords(database, shaper, clock, finder)
        self._ahead = min(MOST_AHEAD, max(32, 6 * concurrency))
        self._lanes = Lanes()
        self._seen: Position = 0
        self.resting = Resting()
        self.sharers = 0  # of limits, as of the last look
        self._unloaded: dict[int, deque[Parcel]] = {}
        self._octets: Counter[int] = Counter()  # loaded, by priority
        self._held: set[Lane] = set()  # lanes left alone because of limits
        # Of those, by what they have in common and by priority: until so few wait there.
        self._full: dict[Gate, dict[int, tuple[int, list[Lane]]]] = {}
        self._rows = 0  # of rests and overrides of ours, begun to be written or written: how many
        self._unwritten = 0
        self.behind = False  # the last look did not tell what rests and is limited
        self._unheard: list[float] = []  # times of claims that may have been committed without our knowing
        self._dispatcher: Dispatcher[Loaded] = Dispatcher(shaper.site_gate, shaper.common)
        self._takers: deque[asyncio.Future[Turn]] = deque()
        self._again_at = math.inf
        self._claims = 0
        self._seen_resting: tuple[tuple[Rest, ...], int] = ((), 0)  # what rested after so many claims, when last asked
        self._low = False
        self._out = 0  # parcels that are taken, and not done with
        self._dropped: list[Parcel] = []  # by takers that were cancelled when they had just got something
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="postroad-reader")

    # ── for those who deliver ─────────────────────────────────────────────────────────────────────────────────────

    async def take(self) -> Turn:
        """The parcel whose turn it is, with its content, when there is one; to be ``done`` with afterwards."""
        if not self._takers and (turn := self._next()) is not None:
            return turn
        taker: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        self._takers.append(taker)
        try:
            return await taker
        except asyncio.CancelledError:
            if taker.done() and not taker.cancelled():
                self.done(taker.result())
                self._dropped.append(taker.result().item.parcel)
            raise

    def done(self, turn: Turn) -> None:
        """A parcel that was taken has been tried: others may go in its place."""
        self._out -= 1
        self._dispatcher.leave(turn)
        self.hand_out()

    def hand_out(self) -> None:
        """Give everybody who waits a parcel whose turn it is."""
        while self._takers:
            if self._takers[0].done():
                self._takers.popleft()
            elif (turn := self._next()) is None:
                return
            else:
                self._takers.popleft().set_result(turn)

    def _next(self) -> Turn | None:
        entry, self._again_at = self._dispatcher.next(self._clock.now())
        if entry is not None:
            self._again_at = math.inf  # who comes for the next one asks again; until then there is nothing to look for
            self._counted(entry, -1)
            self._out += 1
            self._low |= self._at_hand(entry.priority) in (0, self._ahead // 2)
            if self._full:
                self._make_room(entry)
        return entry

    def _make_room(self, gone: Turn) -> None:
        """Have lanes looked at again for which enough was at hand, now that half of that is gone."""
        site = self._shaper.site_gate(gone.site)
        for gate in (site, *gone.gates):
            full = self._full.get(gate, {})
            for priority, (few, lanes) in tuple(full.items()):
                if self._waiting_at(gate, gone.site if gate is site else None, priority) <= few:
                    del full[priority]
                    self._look_at(lanes)
                    self._low = True

    def _waiting_at(self, gate: Gate, site: str | None, priority: int) -> int:
        """How many wait for a gate, a site's or another: who is less urgent keeps nobody's place."""
        return gate.waiting_before(priority) if site is None else self._dispatcher.waiting_for(site, priority)

    def _look_at(self, lanes: Iterable[Lane]) -> None:
        now = self._clock.now()
        for lane in lanes:
            self._lanes.note(lane, now)

    def running_low(self) -> bool:
        """Half of some priority is gone since the last question, or all: the moments to claim and load more."""
        low, self._low = self._low, False
        return low

    # ── for the one who supplies: learning ────────────────────────────────────────────────────────────────────────

    async def survey(self) -> None:
        """Learn everything that waits."""
        if self._unheard:
            lost = Unheard(self._owner, tuple(self._unheard), self._clock.now())
            await self._database.submit(take_back_unheard, lost)
            self._unheard.clear()
        await self._look(partial(survey, now=self._clock.now()))

    async def learn(self) -> None:
        """Learn what has begun to wait, to rest or to be limited since the last look."""
        earlier = self.resting
        await self._look(partial(news, since=self._seen, now=self._clock.now()))
        if self.resting.ended_since(earlier):  # what waits there is no news
            await self.survey()

    async def _look(self, query: Callable[[Connection], News]) -> None:
        rows = self._rows
        found = await self._read(query)
        self.behind = self._unwritten > 0 or rows != self._rows  # it may have looked before our own rows were there
        if not self.behind:
            self.resting = found.resting
            if self._shaper.learn(found.overrides, self._clock.now()):
                self.limits_changed()
        domains = self._sites.unknown(lane.domain for lane, _ in found.lanes)
        if domains:
            self._sites.learn(domains, await self._read(partial(sites_on_record, domains=domains)))
        self._learnt(found)

    def _learnt(self, found: News) -> None:
        self._seen = found.seen
        self.sharers = found.sharers
        for lane, due_at in found.lanes:
            self._lanes.note(lane, due_at)

    def doubt_site(self, domain: str) -> None:
        """What is on record of a domain may be another worker's word: the next look makes sure of it."""
        self._sites.doubt(domain)

    def site_found(self, domain: str, site: str) -> None:
        """Who receives for a domain has been found out, or is somebody else now: what waited for that may go."""
        try:
            self._sites.write({domain: site})
        except DatabaseError:  # it is closed: those who read it will see what was on record
            return
        waiting = [lane for lane in self._held if lane.domain == domain]
        self._held.difference_update(waiting)
        self._look_at(waiting)

    def rest(self, rest: Rest) -> None:
        """Something rests from now on; the row that says so is on its way to disk."""
        self.resting = self.resting.with_(rest)

    def expect(self, written: "asyncio.Future[None]") -> None:
        """A rest or an override that holds already is being written: a look that is older does not know of it."""
        self._rows += 1
        self._unwritten += 1
        written.add_done_callback(self._row_written)

    def _row_written(self, _written: "asyncio.Future[None]") -> None:
        self._rows += 1
        self._unwritten -= 1

    def limits_changed(self) -> None:
        """Gates may be open that were shut, and there may be others than before."""
        self._bind_anew()
        self._full.clear()
        self._look_at(self._held)
        self._held.clear()
        self._dispatcher.look_again()
        self.hand_out()

    def _bind_anew(self) -> None:
        """Have what is in hand pass the gates that it would have if it came now."""
        changed = self._dispatcher.withdraw(lambda entry: entry.gates != self._gates_of(entry.item.parcel))
        for entry in changed:
            self._counted(entry, -1)
            bound = entry._replace(gates=self._gates_of(entry.item.parcel))
            self._counted(bound, 1)
            self._dispatcher.add(bound)

    def _gates_of(self, parcel: Parcel) -> tuple[Gate, ...]:
        """The gates on a parcel's way beside its site's."""
        gates = self._shaper.lane_gates(parcel.lane.domain, parcel.lane.stream)
        sender = self._shaper.sender_gate(parcel.mail_from)
        return gates if sender is None else (*gates, sender)

    def all_rest(self) -> Rest | None:
        """What keeps everything of this worker from being tried now."""
        if not self.resting:
            return None
        road = self._shaper.road
        rest = self._still(self.resting.of((Scope.ACCOUNT, road.account), (Scope.SOURCE, road.source)))
        if rest is not None or not road.bound:
            return rest
        each = [self._still(self.resting.of((Scope.ACCOUNT, account))) for account in road.accounts]
        return None if None in each else each[0]  # of several roads all must rest

    def _lane_rests(self, lane: Lane) -> Rest | None:
        if not self.resting:
            return None
        return self._still(self.resting.lane(lane.domain, self._shaper.site(lane.domain), lane.stream))

    def _still(self, rest: Rest | None) -> Rest | None:
        over = rest is not None and rest.until is not None and rest.until <= self._clock.now()
        return None if over else rest

    # ── claiming ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def in_hand(self) -> int:
        """How many parcels are claimed and not yet taken."""
        return len(self._dispatcher) + sum(map(len, self._unloaded.values()))

    @property
    def empty(self) -> bool:
        """Nothing is in hand, and nothing in anybody else's."""
        return not self.in_hand and not self._out

    def next_look(self) -> float:
        """When to look again, if nothing is heard: a parcel's turn comes, or something comes due (or never: infinity).

        What is due already waits for room, or for its limits.
        """
        now = self._clock.now()
        due_at = self._lanes.next_due(now)
        return min(self._again_at, math.inf if due_at is None or due_at <= now else due_at)

    @property
    def hungry(self) -> bool:
        """Less than half of a batch is at hand."""
        return self.in_hand <= self._ahead // 2

    def _has_room(self, priority: int) -> bool:
        """Enough is gone for another batch of this priority."""
        return self._room(priority) >= self._ahead // 2

    def _room(self, priority: int) -> int:
        return self._ahead - self._at_hand(priority) - len(self._unloaded.get(priority, ()))

    def _in_hand_before(self, priority: int) -> int:
        """How many are in hand that are as urgent as this, or more."""
        unloaded = sum(len(waiting) for one, waiting in self._unloaded.items() if one <= priority)
        return self._dispatcher.waiting_before(priority) + unloaded

    def _at_hand(self, priority: int) -> int:
        """How many wait for their turn; those who wait for their limits do not count: they keep nobody's place."""
        aside = min(self._dispatcher.standing_aside(priority), ASIDE * self._ahead)
        return self._dispatcher.waiting(priority) - aside

    async def claim(self) -> bool:
        """Take what is due, as far as there is room and limits let it go; whether anything was."""
        now = self._clock.now()
        if self.all_rest() is not None or not (wanted := self._wanted(now)):
            return False
        road = self._shaper.road
        wish = Claim(self._owner, now, wanted, self._next_try, self._shaper.apart, self._shaper.site, road.whole)
        claiming = self._database.submit(claim, wish)
        try:
            await asyncio.shield(claiming)
        finally:  # cancelled or not: what is leased to us is in our hands, to be tried or to be given back
            claimed = await self._heard(claiming, now)
            self._claims += 1
            self._lanes.settle(claimed.lanes if claimed.parcels else _later(claimed.lanes, now + TAKEN_BY_OTHERS))
            for parcel in claimed.parcels:
                self._unloaded.setdefault(parcel.lane.priority, deque()).append(parcel)
        return True

    def _wanted(self, now: float) -> dict[Lane, int]:
        """The lanes to claim from, and how much of each."""
        wanted: dict[Lane, int] = {}
        # The door is not asked: it is looked after once a round, and whoever comes here knows better.
        gates = [gate for gate in self._shaper.common if gate is not self._shaper.door]
        at_all = min(gate.room(now, AHEAD, 0) for gate in gates)
        for priority, lanes in self._lanes.due(now):
            if not self._has_room(priority):
                continue
            limits = min(gate.room(now, AHEAD, self._in_hand_before(priority)) for gate in gates)
            nobody = not (self._dispatcher.waiting(priority) or self._unloaded.get(priority))
            room = min(float(self._room(priority)), max(limits, min(1.0, at_all)) if nobody else limits)
            each = max(1.0, room // len(lanes))
            for lane in lanes:
                if room < 1:
                    break
                most = self._most(lane, min(each, room), now)
                if most:
                    wanted[lane] = most
                    room -= most
        return wanted

    def _most(self, lane: Lane, most: float, now: float) -> int:
        """How much to claim of a lane; one of which nothing is wanted is left alone for a while."""
        rest = self._lane_rests(lane)
        if rest is not None:
            self._lanes.settle([(lane, rest.until)])
            return 0
        if self._finder is not None and not self._finder.settled(lane.domain):
            self._lanes.settle([(lane, now + FULL)])
            self._held.add(lane)
            return 0
        site = self._shaper.site(lane.domain)
        gate, others = self._shaper.site_gate(site), self._shaper.lane_gates(lane.domain, lane.stream)
        waiting = self._dispatcher.waiting_for(site, lane.priority)
        room = self._room_at(gate, waiting, now, alone=not self._dispatcher.anybody_for(site, lane.priority))
        passed = [(gate, waiting)]
        for other in others:
            passed.append((other, other.waiting_before(lane.priority)))
            room = min(room, self._room_at(*passed[-1], now, alone=not other.waiting[lane.priority]))
        most = min(most, room)
        if most < 1:
            self._leave_alone(lane, passed, now)
            return 0
        self._held.discard(lane)
        return 1 << (int(most).bit_length() - 1)  # a power of two: lanes with the same number are asked for together

    def _room_at(self, gate: Gate, waiting: int, now: float, *, alone: bool) -> float:
        room = gate.room(now, AHEAD, waiting)
        if room < 1 and alone:  # of its priority: each has its turns, however slow it is
            return min(1.0, gate.room(now, AHEAD, 0))
        return room

    def _leave_alone(self, lane: Lane, gates: Sequence[tuple[Gate, int]], now: float) -> None:
        opens = max(gate.opens(now) for gate, _ in gates)
        if any(not waiting and gate.room(now, AHEAD, 0) < 1 for gate, waiting in gates):
            opens -= AHEAD / 2  # nobody is at hand who could go then: somebody has to be, before others take the turn
        self._lanes.settle([(lane, min(max(now + FULL, opens), now + LONGEST))])
        self._held.add(lane)
        for gate, waiting in gates:
            if gate.room(now, AHEAD, waiting) < 1 <= gate.room(now, AHEAD, 0):  # those who wait fill it
                self._full.setdefault(gate, {}).setdefault(lane.priority, (waiting // 2, []))[1].append(lane)

    async def _heard(self, claiming: "asyncio.Future[Claimed]", began: float) -> Claimed:
        try:
            return await claiming
        except DatabaseError:
            self._unheard.append(began)
            raise

    async def nothing_due(self) -> bool:
        """As of a fresh look, nothing is due, or all of it rests."""
        await self.survey()
        now = self._clock.now()
        if self.all_rest() is not None or any(gate.spent(now) for gate in self._shaper.common):
            return True
        due = [lane for _, lanes in self._lanes.due(now) for lane in lanes]
        return all(self._lane_rests(lane) is not None or self._spent(lane, now) for lane in due)

    def _spent(self, lane: Lane, now: float) -> bool:
        """Whether nothing of a lane may go before tomorrow."""
        gates = self._shaper.lane_gates(lane.domain, lane.stream)
        return any(gate.spent(now) for gate in (self._shaper.site_gate(self._shaper.site(lane.domain)), *gates))

    # ── loading ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def load(self) -> list[Parcel]:
        """Bring the contents of claimed parcels into memory, as far as there is room; those whose content is gone.

        That is so of what was cancelled meanwhile, say, and forgotten at once.
        """
        gone: list[Parcel] = []
        for priority in sorted(self._unloaded):
            waiting = self._unloaded[priority]
            while waiting and self._octets[priority] < OCTETS_AHEAD:
                parcels = self._next_to_load(waiting, self._octets[priority])
                try:
                    contents = await self._read(partial(_contents, ids=[parcel.content_id for parcel in parcels]))
                except BaseException:
                    waiting.extendleft(reversed(parcels))  # still in hand: the next look loads them
                    raise
                gone += [parcel for parcel in parcels if not self._add(parcel, contents.get(parcel.content_id))]
                self.hand_out()
        return gone

    def _next_to_load(self, waiting: deque[Parcel], loaded: int) -> list[Parcel]:
        parcels = [waiting.popleft()]
        octets = loaded + parcels[0].size
        while waiting and octets + waiting[0].size <= OCTETS_AHEAD:
            parcels.append(waiting.popleft())
            octets += parcels[-1].size
        return parcels

    def _add(self, parcel: Parcel, octets: bytes | None) -> bool:
        if octets is None:
            return False
        lane = parcel.lane
        gates = self._gates_of(parcel)
        cost = 1.0 + len(octets) / A_SIZE
        entry = Entry(Loaded(parcel, octets), self._shaper.site(lane.domain), lane.priority, lane.stream, cost, gates)
        self._counted(entry, 1)
        self._dispatcher.add(entry)
        return True

    def _counted(self, entry: Turn, number: int) -> None:
        self._octets[entry.priority] += number * len(entry.item.octets)
        for gate in entry.gates:
            gate.waiting[entry.priority] += number

    # ── giving back ───────────────────────────────────────────────────────────────────────────────────────────────

    def empty_out(self) -> list[Parcel]:
        """Everything in hand, which is no longer."""
        parcels = [*self._dropped, *(parcel for waiting in self._unloaded.values() for parcel in waiting)]
        self._dropped.clear()
        for waiting in self._unloaded.values():
            waiting.clear()  # in place: somebody may be loading from it
        return [*parcels, *self._withdrawn(lambda entry: True)]

    def resting_parcels(self) -> list[Parcel]:
        """What is in hand and must rest now, which is no longer in hand."""
        seen, self._seen_resting = self._seen_resting, (self.resting.rests, self._claims)
        if not self.resting or seen == self._seen_resting:
            return []
        if self.all_rest() is not None:
            return self.empty_out()
        asleep: list[Parcel] = []
        for waiting in self._unloaded.values():
            for parcel in [parcel for parcel in waiting if self._lane_rests(parcel.lane) is not None]:
                waiting.remove(parcel)
                asleep.append(parcel)
        return [*asleep, *self._withdrawn(lambda entry: self._lane_rests(entry.item.parcel.lane) is not None)]

    def over_allowance(self) -> list[Parcel]:
        """What is in hand and may not go before tomorrow, because a day's allowance is used up; it is not in hand now.

        It would be in the way of others: that a sender's is, is seen only when its messages are here.
        """
        now = self._clock.now()
        if not self._shaper.spent(now):
            return []
        if any(gate.spent(now) for gate in self._shaper.common):
            return self.empty_out()
        return list(self._withdrawn(lambda entry: self._is_spent(entry, now)))

    def _is_spent(self, entry: Turn, now: float) -> bool:
        return any(gate.spent(now) for gate in (self._shaper.site_gate(entry.site), *entry.gates))

    def _withdrawn(self, unwanted: Callable[[Turn], bool]) -> Iterator[Parcel]:
        for entry in self._dispatcher.withdraw(unwanted):
            self._counted(entry, -1)
            yield entry.item.parcel

    async def _read(self, query: Callable[[Connection], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._database.read, query)

    def close(self) -> None:
        """End the reading thread, and what is being found out."""
        if self._finder is not None:
            self._finder.close()
        self._reader.shutdown()


def _later(lanes: Iterable[tuple[Lane, float | None]], at: float) -> list[tuple[Lane, float | None]]:
    return [(lane, None if due_at is None else max(due_at, at)) for lane, due_at in lanes]


def _contents(connection: Connection, ids: Sequence[str]) -> dict[str, bytes]:
    return _CONTENTS.by_key(connection, ids)
