"""The lanes of the queue, and when each has something due; in memory, so that nobody has to search for it."""

import heapq
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Lane(NamedTuple):
    """What a claim takes from: a recipients' domain, a priority within it (the lower goes first), and a stream."""

    domain: str
    priority: int
    stream: str


class Lanes:
    """The next due time of every lane in which something waits. Lanes of one priority take turns."""

    def __init__(self) -> None:
        self._next: dict[Lane, float] = {}
        self._later: list[tuple[float, Lane]] = []  # a heap; an entry counts if its time is that in ``_next``
        self._due: dict[int, dict[Lane, None]] = {}  # by priority, in the order of their turns

    def note(self, lane: Lane, due_at: float) -> None:
        """Something waits there, due then; what was known to be due before stays known."""
        known = self._next.get(lane)
        if known is None or due_at < known:
            self._next[lane] = due_at
            heapq.heappush(self._later, (due_at, lane))

    def settle(self, lanes: Iterable[tuple[Lane, float | None]]) -> None:
        """These have been seen: this is when they have something next. They go to the end of the line."""
        for lane, due_at in lanes:
            self._next.pop(lane, None)
            self._due.get(lane.priority, {}).pop(lane, None)
            if due_at is not None:
                self.note(lane, due_at)

    def due(self, now: float) -> Iterator[tuple[int, tuple[Lane, ...]]]:
        """The lanes with something due, by priority, urgent ones first; in each, those that waited longest first."""
        while self._later and self._later[0][0] <= now:
            due_at, lane = heapq.heappop(self._later)
            if self._next.get(lane) == due_at:
                self._due.setdefault(lane.priority, {}).setdefault(lane)
        for priority in sorted(self._due):
            if self._due[priority]:
                yield priority, tuple(self._due[priority])

    def next_due(self, now: float) -> float | None:
        """When the next of all comes due, ``now`` where something is; ``None``: nothing waits."""
        if any(self._due.values()):
            return now
        while self._later and self._next.get(self._later[0][1]) != self._later[0][0]:
            heapq.heappop(self._later)
        return max(now, self._later[0][0]) if self._later else None
