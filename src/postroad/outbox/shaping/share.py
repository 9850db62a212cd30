"""An account's or a stream's limits divided between the workers that use it, so that all together stay under. Pure.

Nobody takes more before somebody else has given it up: a newcomer waits until the others say that they divide by the
new number, and who hears of a newcomer says so only when it keeps to its smaller part.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Self

from postroad.outbox.shaping.limits import Limits
from postroad.transport.gcra import Rate


@dataclass(frozen=True, slots=True)
class Share:
    """One worker's part: it is number ``rank`` (from 0) of ``of``, while the others still divide by ``others``."""

    of: int = 1
    rank: int = 0
    others: tuple[int, ...] = ()  # 0: one that uses nothing yet

    @classmethod
    def among(cls, mine: str, divisors: Iterable[tuple[str, int]]) -> Self:
        """The part of the worker ``mine``, given everybody's divisor, its own included."""
        known = sorted(divisors)
        names = [name for name, _ in known]
        others = tuple([divisor for name, divisor in known if name != mine])
        return cls(len(known), names.index(mine), others)

    @property
    def whole(self) -> bool:
        """Nobody else has a part."""
        return self.of == 1

    @property
    def useful(self) -> bool:
        """Whether the others leave anything of it."""
        return all(divisor == 0 or divisor > 1 for divisor in self.others)

    @property
    def settled(self) -> bool:
        """Whether the others leave all of this worker's part."""
        return all(divisor == 0 or divisor >= self.of for divisor in self.others)

    def number(self, limit: int) -> int:
        """This worker's part of so many; it may be none."""
        fair = limit // self.of + (self.rank < limit % self.of)
        if self.settled:
            return fair
        return max(0, min(fair, limit - sum(-(-limit // divisor) for divisor in self.others if divisor)))

    def rate(self, rate: Rate) -> Rate | None:
        """This worker's part of a rate; ``None``: none of it."""
        # So many messages in the same time, not one in a longer time: two slow streams may fall together.
        messages = self.number(rate.messages)
        return replace(rate, messages=messages, burst=max(1, rate.burst // self.of)) if messages else None

    def part(self, limits: Limits) -> Limits | None:
        """This worker's part of limits; ``None``: it may use nothing now. What is by connection is not divided."""
        if self.whole:
            return limits
        connections = None if limits.connections is None else self.number(limits.connections)
        rate = None if limits.rate is None else self.rate(limits.rate)
        new_connections = None if limits.new_connections is None else self.rate(limits.new_connections)
        none_of_it = (rate is None and limits.rate is not None) or (
            new_connections is None and limits.new_connections is not None
        )
        if connections == 0 or none_of_it:
            return None
        return replace(limits, connections=connections, rate=rate, new_connections=new_connections)


WHOLE: Final = Share()
NOTHING_YET: Final = Share(2, 1, (1,))  # of one that has not heard how the others stand
