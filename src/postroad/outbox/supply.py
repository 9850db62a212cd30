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
from postroad.outbox.shaping.limits import Scope
from postroad.outbox.shaping.shaper import Shaper
from postroad.outbox.site_table import Learnt, learn_sites
from postroad.outbox.sites import News, news, survey

MOST_AHEAD: Final = 256  # deliveries of one priority claimed before they are tried: one group's worth
OCTETS_AHEAD: Final = 16 * 1024 * 1024  # of contents of one priority in memory before they are tried
AHEAD: Final = 5.0  # seconds: of a destination with a rate, no more is claimed than may go within them
A_SIZE: Final = 65_536  # octets of content that count as one more message, where sites take turns

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
        self, database: Database, owner: str, concurrency: int, shaper: Shaper, *, clock: Clock, next_try: NextTry
    ) -> None:
        self._database = database
        self._owner = owner
        self._shaper = shaper
        self._clock = clock
        self._next_try = next_try
        self._ahead = min(MOST_AHEAD, max(32, 6 * concurrency))
        self._lanes = Lanes()
        self._seen: Position = 0
        self.resting = Resting()
        self.sharers = 0  # of limits, as of the last look
        self._unloaded: dict[int, deque[Parcel]] = {}
        self._octets: Counter[int] = Counter()  # loaded, by priority
        self._unheard: list[float] = []  # times of claims that may have been committed without our knowing
        self._dispatcher: Dispatcher[Loaded] = Dispatcher(shaper.site_gate, shaper.common)
        self._takers: deque[asyncio.Future[Turn]] = deque()
        self._again_at = math.inf
        self._low = False
        self._out = 0  # parcels that are taken, and not done with
        self._known: set[str] = set()  # domains whose sites are written down
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
            self._counted(entry, -1)
            self._out += 1
            self._low |= self._dispatcher.waiting(entry.priority) in (0, self._ahead // 2)
        return entry

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
        self._learnt(await self._read(partial(survey, now=self._clock.now())))

    async def learn(self) -> None:
        """Learn what has begun to wait, to rest or to be limited since the last look."""
        earlier = self.resting
        self._learnt(await self._read(partial(news, since=self._seen, now=self._clock.now())))
        if self.resting.ended_since(earlier):  # what waits there is no news
            await self.survey()

    def _learnt(self, found: News) -> None:
        self._seen = found.seen
        self.sharers = found.sharers
        self.resting = found.resting
        if self._shaper.learn(found.overrides, self._clock.now()):
            self.limits_changed()
        for lane, due_at in found.lanes:
            self._lanes.note(lane, due_at)
        self._learn_sites({lane.domain for lane, _ in found.lanes} - self._known)

    def _learn_sites(self, domains: set[str]) -> None:
        """Have it written down who receives for domains, before anything is claimed of them."""
        self._known |= domains
        sites = {domain: site for domain in domains if (site := self._shaper.site(domain)) != domain}
        if sites:
            writing = self._database.submit(learn_sites, Learnt(sites, self._clock.now()))
            writing.add_done_callback(lambda done: done.cancelled() or done.exception())  # the claim meets it, too

    def rest(self, rest: Rest) -> None:
        """Something rests from now on; the row that says so is on its way to disk."""
        self.resting = self.resting.with_(rest)

    def limits_changed(self) -> None:
        """Gates may be open that were shut."""
        self._dispatcher.look_again()
        self.hand_out()

    def all_rest(self) -> Rest | None:
        """What keeps everything of this worker from being tried now."""
        if not self.resting:
            return None
        road = self._shaper.road
        return self._still(self.resting.of((Scope.ACCOUNT, road.account), (Scope.SOURCE, road.source)))

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
        return self._ahead - self._dispatcher.waiting(priority) - len(self._unloaded.get(priority, ()))

    async def claim(self) -> bool:
        """Take what is due, as far as there is room and limits let it go; whether anything was."""
        now = self._clock.now()
        if self.all_rest() is not None or not (wanted := self._wanted(now)):
            return False
        wish = Claim(self._owner, now, wanted, self._next_try, self._shaper.apart, self._shaper.site)
        claiming = self._database.submit(claim, wish)
        try:
            await asyncio.shield(claiming)
        finally:  # cancelled or not: what is leased to us is in our hands, to be tried or to be given back
            claimed = await self._heard(claiming, now)
            self._lanes.settle(claimed.lanes if claimed.parcels else _later(claimed.lanes, now + TAKEN_BY_OTHERS))
            for parcel in claimed.parcels:
                self._unloaded.setdefault(parcel.lane.priority, deque()).append(parcel)
        return True

    def _wanted(self, now: float) -> dict[Lane, int]:
        """The lanes to claim from, and how much of each."""
        wanted: dict[Lane, int] = {}
        room_by_limits = min(gate.room(now, AHEAD, self.in_hand) for gate in self._shaper.common)
        for priority, lanes in self._lanes.due(now):
            if not self._has_room(priority):
                continue
            room = min(float(self._room(priority)), room_by_limits)
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
        site = self._shaper.site(lane.domain)
        gate, others = self._shaper.site_gate(site), self._shaper.lane_gates(lane.domain, lane.stream)
        most = min(most, gate.room(now, AHEAD, self._dispatcher.waiting_for(site)))
        most = min((most, *(other.room(now, AHEAD, other.waiting) for other in others)))
        if most < 1:
            opens = max(one.opens(now) for one in (gate, *others))
            self._lanes.settle([(lane, min(max(now + FULL, opens), now + LONGEST))])
            return 0
        return 1 << (int(most).bit_length() - 1)  # a power of two: lanes with the same number are asked for together

    async def _heard(self, claiming: "asyncio.Future[Claimed]", began: float) -> Claimed:
        try:
            return await claiming
        except DatabaseError:
            self._unheard.append(began)
            raise

    async def nothing_due(self) -> bool:
        """As of a fresh look, nothing is due, or all of it rests."""
        await self.survey()
        if self.all_rest() is not None:
            return True
        due = [lane for _, lanes in self._lanes.due(self._clock.now()) for lane in lanes]
        return all(self._lane_rests(lane) is not None for lane in due)

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
        gates = self._shaper.lane_gates(lane.domain, lane.stream)
        if (sender := self._shaper.sender_gate(parcel.mail_from)) is not None:
            gates = (*gates, sender)
        cost = 1.0 + len(octets) / A_SIZE
        entry = Entry(Loaded(parcel, octets), self._shaper.site(lane.domain), lane.priority, lane.stream, cost, gates)
        self._counted(entry, 1)
        self._dispatcher.add(entry)
        return True

    def _counted(self, entry: Turn, number: int) -> None:
        self._octets[entry.priority] += number * len(entry.item.octets)
        for gate in entry.gates:
            gate.waiting += number

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
        if not self.resting:
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
        """What is in hand of senders whose allowance of the day is used up, which is no longer in hand."""
        return list(self._withdrawn(lambda entry: any(gate.used_up and gate.granted < 1 for gate in entry.gates)))

    def _withdrawn(self, unwanted: Callable[[Turn], bool]) -> Iterator[Parcel]:
        for entry in self._dispatcher.withdraw(unwanted):
            self._counted(entry, -1)
            yield entry.item.parcel

    async def _read(self, query: Callable[[Connection], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._database.read, query)

    def close(self) -> None:
        """End the reading thread."""
        self._reader.shutdown()


def _later(lanes: Iterable[tuple[Lane, float | None]], at: float) -> list[tuple[Lane, float | None]]:
    return [(lane, None if due_at is None else max(due_at, at)) for lane, due_at in lanes]


def _contents(connection: Connection, ids: Sequence[str]) -> dict[str, bytes]:
    return _CONTENTS.by_key(connection, ids)
