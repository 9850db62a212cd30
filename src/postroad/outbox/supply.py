"""Keeps a worker's hands full: learns what is due, claims it in batches, loads the contents.

Claims run ahead of the deliveries by a bounded number, contents by a bounded number of octets.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import Connection, Text, select

from postroad.clock import Clock
from postroad.database.batch import Octets
from postroad.database.database import Database
from postroad.database.given import given_values
from postroad.database.tables import content
from postroad.errors import DatabaseError
from postroad.outbox.claim import Claim, Claimed, NextTry, claim
from postroad.outbox.lease import Parcel
from postroad.outbox.log_position import Position
from postroad.outbox.recover import Unheard, take_back_unheard
from postroad.outbox.resting import Resting
from postroad.outbox.sites import Lane, News, Sites, news, survey

MOST_AHEAD: Final = 256  # deliveries claimed before they are tried: one group's worth
OCTETS_AHEAD: Final = 16 * 1024 * 1024  # of contents in memory before they are tried

TAKEN_BY_OTHERS: Final = 0.02  # seconds until a lane is looked at again in which others were taking what is due

Loaded = tuple[Parcel, bytes]
R = TypeVar("R")

_CONTENTS = Octets(select(content.c.id, content.c.body).where(content.c.id.in_(given_values(Text))))


class Supply:
    """What is ready to be tried. Belongs to one event loop; its reading happens in a thread of its own."""

    def __init__(self, database: Database, owner: str, concurrency: int, *, clock: Clock, next_try: NextTry) -> None:
        self._database = database
        self._owner = owner
        self._clock = clock
        self._next_try = next_try
        self._ahead = min(MOST_AHEAD, max(32, 6 * concurrency))
        self._sites = Sites()
        self._seen: Position = 0
        self._resting = Resting()
        self._unloaded: deque[Parcel] = deque()
        self._loaded_octets = 0
        self._unheard: list[float] = []  # times of claims that may have been committed without our knowing
        self._ready: asyncio.Queue[Loaded] = asyncio.Queue()
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="postroad-reader")

    # ── for those who deliver ─────────────────────────────────────────────────────────────────────────────────────

    async def take(self) -> Loaded:
        """The next parcel with its content, when there is one."""
        parcel, octets = await self._ready.get()
        self._loaded_octets -= len(octets)
        return parcel, octets

    @property
    def running_low(self) -> bool:
        """Half of it is gone, or all: the moments at which to claim and load more."""
        return self._ready.qsize() in (0, self._ahead // 2)

    # ── for the one who supplies ──────────────────────────────────────────────────────────────────────────────────

    async def survey(self) -> None:
        """Learn everything that waits."""
        if self._unheard:
            lost = Unheard(self._owner, tuple(self._unheard), self._clock.now())
            await self._database.submit(take_back_unheard, lost)
            self._unheard.clear()
        self._learnt(await self._read(partial(survey, now=self._clock.now())))

    async def learn(self) -> bool:
        """Learn what has begun to wait since the last look; whether something has begun to rest."""
        earlier = self._resting
        self._learnt(await self._read(partial(news, since=self._seen, now=self._clock.now())))
        if self._resting.ended_since(earlier):  # what waits there is no news
            await self.survey()
        return self._resting.begun_since(earlier)

    def _learnt(self, found: News) -> None:
        self._seen = found.seen
        self._resting = found.resting
        for lane, due_at in found.lanes:
            self._sites.note(lane, due_at)

    @property
    def empty(self) -> bool:
        """Nothing is in hand."""
        return not self._unloaded and self._ready.empty()

    @property
    def next_due(self) -> float | None:
        """When something will be due that is not in hand; seconds since the epoch."""
        return self._sites.next_due()

    @property
    def _room(self) -> int:
        return self._ahead - self._ready.qsize() - len(self._unloaded)

    @property
    def has_room(self) -> bool:
        """Enough is gone for another batch."""
        return self._room >= self._ahead // 2

    async def claim(self) -> bool:
        """Take what is due, if there is room; whether anything was due."""
        room, now = self._room, self._clock.now()
        if not self.has_room or not (lanes := self._sites.due(now)[:room]):
            return False
        wish = Claim(self._owner, now, lanes, max(1, room // len(lanes)), self._next_try)
        claiming = self._database.submit(claim, wish)
        try:
            await asyncio.shield(claiming)
        finally:  # cancelled or not: what is leased to us is in our hands, to be tried or to be given back
            claimed = await self._heard(claiming, now)
            self._sites.settle(claimed.lanes if claimed.parcels else _later(claimed.lanes, now + TAKEN_BY_OTHERS))
            self._unloaded.extend(claimed.parcels)
        return True

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
        if self._resting and not self._due_after(now):
            await self.claim()  # which alone can tell what rests
            return self.empty and self._due_after(now + TAKEN_BY_OTHERS)
        return self._due_after(now)

    def _due_after(self, moment: float) -> bool:
        return self.next_due is None or self.next_due > moment

    async def load(self) -> list[Parcel]:
        """Bring the contents of claimed parcels into memory, as far as there is room; those whose content is gone.

        That is so of what was cancelled meanwhile, say, and forgotten at once.
        """
        gone = []
        while self._unloaded and self._loaded_octets < OCTETS_AHEAD:
            parcels = self._next_to_load()
            try:
                contents = await self._read(partial(_contents, ids=[parcel.content_id for parcel in parcels]))
            except BaseException:
                self._unloaded.extendleft(reversed(parcels))  # still in hand: the next look loads them
                raise
            for parcel in parcels:
                octets = contents.get(parcel.content_id)
                if octets is None:
                    gone.append(parcel)
                    continue
                self._loaded_octets += len(octets)
                self._ready.put_nowait((parcel, octets))
        return gone

    def _next_to_load(self) -> list[Parcel]:
        parcels = [self._unloaded.popleft()]
        octets = self._loaded_octets + parcels[0].size
        while self._unloaded and octets + self._unloaded[0].size <= OCTETS_AHEAD:
            parcels.append(self._unloaded.popleft())
            octets += parcels[-1].size
        return parcels

    def empty_out(self) -> list[Parcel]:
        """Everything in hand, which is no longer."""
        parcels = list(self._unloaded)
        self._unloaded.clear()
        while not self._ready.empty():
            parcels.append(self._ready.get_nowait()[0])
        self._loaded_octets = 0
        return parcels

    async def _read(self, query: Callable[[Connection], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._database.read, query)

    def close(self) -> None:
        """End the reading thread."""
        self._reader.shutdown()


def _later(lanes: Iterable[tuple[Lane, float | None]], at: float) -> list[tuple[Lane, float | None]]:
    return [(lane, None if due_at is None else max(due_at, at)) for lane, due_at in lanes]


def _contents(connection: Connection, ids: Sequence[str]) -> dict[str, bytes]:
    return _CONTENTS.by_key(connection, ids)
