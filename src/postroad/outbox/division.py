"""Keeps a worker to its part of what it shares with others: limits of accounts and streams, and days' allowances."""

import asyncio
import math
from typing import Final

from postroad.clock import Clock
from postroad.database.database import Database
from postroad.outbox.budget import Portion, grant
from postroad.outbox.liveness import GIVEN_UP_AFTER
from postroad.outbox.restraint import Restraint
from postroad.outbox.shaping.limits import Scope
from postroad.outbox.shaping.shaper import Shaper, Thing
from postroad.outbox.shaping.share import NOTHING_YET, Share
from postroad.outbox.shares import Division, divide

SETTLING: Final = 0.25  # seconds between questions while parts are changing hands


class Divisions:
    """Belongs to one worker. Where nobody else can work, nothing is divided."""

    def __init__(self, database: Database, owner: str, shaper: Shaper, restraint: Restraint, clock: Clock) -> None:
        self._database = database
        self._owner = owner
        self._shaper = shaper
        self._restraint = restraint
        self._clock = clock
        self._parts: dict[Thing, Share] = {}
        self._kept: dict[Thing, int] = {}  # by what number we keep to each
        self._heard = 0  # how many parts there were when it was last asked because of that
        self._asking = False
        self._ask_at = -math.inf  # by the monotonic clock
        if database.location.on_server:
            accounts = [(Scope.ACCOUNT, name) for name in (shaper.road.accounts or (shaper.road.account,))]
            streams = [(Scope.STREAM, name) for name in shaper.rules.streams]
            self._kept = dict.fromkeys([*accounts, *streams], 0)

    async def begin(self) -> None:
        """Find this worker's first parts; until then it has none.

        Raises:
            DatabaseError: they cannot be found now; ``go_on`` tries again.
        """
        now = self._clock.now()
        self._kept = dict.fromkeys(self._kept, 0)  # one that was given up begins anew
        for thing in self._kept:
            self._shaper.divide(thing, NOTHING_YET, now)
        if self._kept:
            await self._divide()

    async def go_on(self, sharers: int, *, beat: bool = False) -> bool:
        """Ask anew where somebody has come or gone, or parts have not settled yet; whether limits have changed."""
        if not self._kept or self._asking:
            return False
        now = self._clock.monotonic()
        if beat or sharers != self._heard or (not self._settled and now >= self._ask_at):
            self._ask_at = now + SETTLING
            self._heard = sharers  # asked of it once: the answer is newer than what was heard
            return await self._divide()
        return False

    @property
    def _settled(self) -> bool:
        """Everybody keeps to what there is now; until then somebody may be about to leave us more."""
        return bool(self._parts) and all(
            self._kept[thing] == part.of and part.settled for thing, part in self._parts.items()
        )

    async def _divide(self) -> bool:
        self._asking = True
        try:
            return await self._divided()
        finally:
            self._asking = False

    async def _divided(self) -> bool:
        for thing, part in self._parts.items():
            if self._kept[thing] < part.of and self._keeps_to(thing):
                self._kept[thing] = part.of
        division = Division(self._owner, tuple(self._kept.items()), self._clock.now(), GIVEN_UP_AFTER)
        answer = await self._database.submit(divide, division, news=not self._parts)
        before, self._parts = self._parts, {(Scope(scope), key): part for (scope, key), part in answer.parts}
        for thing, part in self._parts.items():
            if part.useful and (self._kept[thing] == 0 or self._kept[thing] > part.of):
                self._kept[thing] = part.of
            self._shaper.divide(thing, part, self._clock.now())
        self._restraint.apply()
        return before != self._parts

    def _keeps_to(self, thing: Thing) -> bool:
        return thing[0] is not Scope.ACCOUNT or self._restraint.keeps_to(thing[1])


class Allowances:
    """Asks for a worker's portions of days' allowances. Belongs to one worker."""

    def __init__(self, database: Database, shaper: Shaper, clock: Clock) -> None:
        self._database = database
        self._shaper = shaper
        self._clock = clock

    async def ask(self) -> bool:
        """Have enough of each; whether there was an answer.

        Raises:
            DatabaseError: nothing can be granted now; what has no answer is asked for again.
        """
        wanted = self._shaper.wants(self._clock.now())
        try:
            portions = [self._portion(*one) for one in wanted]
            answers = await asyncio.gather(*[self._database.submit(grant, portion) for portion in portions])
        except BaseException:
            for thing, *_ in wanted:
                self._shaper.gate(thing).asked = False
            raise
        for (thing, *_), portion, number in zip(wanted, portions, answers, strict=True):
            self._shaper.grant(thing, number, portion.day)
        return bool(wanted)

    def _portion(self, thing: Thing, most: int, ceiling: int) -> Portion:
        return Portion(thing[0], thing[1], self._shaper.gate(thing).day, most, ceiling)

    async def give_back(self) -> None:
        """Return what was not used."""
        for thing, number, day in self._shaper.allowances():
            await self._database.submit(grant, Portion(thing[0], thing[1], day, -number, 0))
