"""Who goes next: fair between sites, urgent before bulk, nobody past a limit, nobody left behind. Pure.

Two questions, one after the other. Which priority: the lower number, but every tenth turn belongs to the others, so
that newsletters move on under any load of password mails. Which site: deficit round robin (Shreedhar and Varghese,
1995) among those whose gates are open, so that a site with a million messages waits its turn like one with a single
message. Inside a site its streams take turns. A site whose gate is shut stands aside, and costs nothing until it opens.
"""

import heapq
import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Final, Generic, NamedTuple, TypeVar

from postroad.outbox.shaping.gate import Gate

T = TypeVar("T")

EVERY: Final = 10  # of so many turns one belongs to the less urgent: at least a tenth of the share
QUANTUM: Final = 1.0  # what a site may spend in a round
MOST_COST: Final = 16.0  # however large one message is, it does not keep its site waiting for longer


class Entry(NamedTuple, Generic[T]):
    """Something that waits. ``cost`` is 1 for what is small; ``gates`` are those beside its site's."""

    item: T
    site: str
    priority: int
    stream: str
    cost: float = 1.0
    gates: tuple[Gate, ...] = ()


class Turn(NamedTuple, Generic[T]):
    """Who may go now; without anybody, when to ask again (infinity: when something has changed)."""

    entry: Entry[T] | None
    again_at: float


class _Line(Generic[T]):
    """What waits for one site at one priority: a queue for each stream and the gates beside it; they take turns."""

    __slots__ = ("aside", "deficit", "priority", "queues", "site")

    def __init__(self, site: "_Site[T]", priority: int) -> None:
        self.site = site
        self.priority = priority
        self.queues: deque[deque[Entry[T]]] = deque()
        self.deficit = 0.0
        self.aside = 0  # the number under which it stands aside; 0: it is in its ring

    def add(self, entry: Entry[T]) -> None:
        for queue in self.queues:
            if _same_way(queue[0], entry):
                queue.append(entry)
                return
        self.queues.append(deque([entry]))

    def first(self, now: float) -> Turn[T]:
        """The first entry whose own gates are open, brought to the front."""
        soonest = math.inf
        for _ in range(len(self.queues)):
            entry = self.queues[0][0]
            opens = _open_at(entry.gates, now)
            if opens <= now:
                return Turn(entry, now)
            soonest = min(soonest, opens)
            self.queues.rotate(-1)
        return Turn(None, soonest)

    def pop(self) -> None:
        """Take the front entry away; its stream goes to the end."""
        queue = self.queues.popleft()
        queue.popleft()
        if queue:
            self.queues.append(queue)

    def __len__(self) -> int:
        return sum(map(len, self.queues))

    def __iter__(self) -> Iterator[Entry[T]]:
        for queue in self.queues:
            yield from queue


class _Site(Generic[T]):
    """A site: its gate, and its lines by priority."""

    __slots__ = ("gate", "lines", "name")

    def __init__(self, name: str, gate: Gate) -> None:
        self.name = name
        self.gate = gate
        self.lines: dict[int, _Line[T]] = {}

    def whose_turn(self, priority: int, turns: int) -> int:
        """The priority that goes when the turn is this one's: here, too, one of ten belongs to the less urgent.

        ``turns`` are those of its most urgent line since another one had one.
        """
        if turns + 1 < EVERY or len(self.lines) == 1:
            return priority
        urgent = min(self.lines)
        return min(one for one in self.lines if one != urgent)


class Dispatcher(Generic[T]):
    """Belongs to one thread. ``gate_of`` gives a site's gate; ``common`` are the gates that everybody passes."""

    def __init__(self, gate_of: Callable[[str], Gate], common: Iterable[Gate] = ()) -> None:
        self._gate_of = gate_of
        self._common = tuple(common)
        self._sites: dict[str, _Site[T]] = {}
        # Turns of sites at which several priorities wait; kept while nothing is at hand for a slow one.
        self._site_turns: dict[str, int] = {}
        self._rings: dict[int, deque[_Line[T]]] = {}  # the lines that may have somebody to go, by priority
        self._aside: list[tuple[float, int, _Line[T]]] = []  # a heap: lines that may go later, and when
        self._numbers = count(1)
        self._asked_at = -math.inf
        self._turns = 0  # of the most urgent priority, since another one had one
        self._waiting: Counter[int] = Counter()
        self._still: Counter[int] = Counter()  # of them, those in lines that stand aside

    # ── what waits ────────────────────────────────────────────────────────────────────────────────────────────────

    def add(self, entry: Entry[T]) -> None:
        """Let something wait for its turn."""
        site = self._sites.get(entry.site)
        if site is None:
            site = self._sites[entry.site] = _Site(entry.site, self._gate_of(entry.site))
        line = site.lines.get(entry.priority)
        if line is None:
            line = site.lines[entry.priority] = _Line(site, entry.priority)
            self._into_ring(line)
        elif line.aside and not any(_same_way(queue[0], entry) for queue in line.queues):
            self._into_ring(line)  # it may go where those that stand aside may not
        if line.aside:
            self._still[entry.priority] += 1
        line.add(entry)
        self._waiting[entry.priority] += 1

    def __len__(self) -> int:
        return self._waiting.total()

    def waiting(self, priority: int) -> int:
        """How many wait at a priority."""
        return self._waiting[priority]

    def waiting_before(self, priority: int) -> int:
        """How many wait that are as urgent as this, or more."""
        return sum(number for one, number in self._waiting.items() if one <= priority)

    def standing_aside(self, priority: int) -> int:
        """How many of those may not go now."""
        return self._still[priority]

    def waiting_for(self, site: str, priority: int) -> int:
        """How many wait for a site that are as urgent as this, or more."""
        known = self._sites.get(site)
        return 0 if known is None else sum(len(line) for one, line in known.lines.items() if one <= priority)

    def anybody_for(self, site: str, priority: int) -> bool:
        """Whether somebody waits for a site at a priority."""
        known = self._sites.get(site)
        return known is not None and priority in known.lines

    def withdraw(self, unwanted: Callable[[Entry[T]], bool]) -> list[Entry[T]]:
        """Take away what is not wanted any more."""
        entries = [entry for site in self._sites.values() for line in site.lines.values() for entry in line]
        if not any(map(unwanted, entries)):
            return []
        self._sites.clear()
        self._rings.clear()
        self._aside.clear()
        self._waiting.clear()
        self._still.clear()
        gone = []
        for entry in entries:
            if unwanted(entry):
                gone.append(entry)
            else:
                self.add(entry)
        return gone

    # ── whose turn it is ──────────────────────────────────────────────────────────────────────────────────────────

    def next(self, now: float) -> Turn[T]:
        """Who may go now; it has entered its gates, and has to ``leave`` them."""
        if now < self._asked_at:  # the clock was set back: what stands aside has a time by the old one
            self.look_again()
        self._asked_at = now
        while self._aside and self._aside[0][0] <= now:
            self._bring_back(*heapq.heappop(self._aside)[1:])
        opens = _open_at(self._common, now)
        if opens > now:
            return Turn(None, opens)
        priorities = [priority for priority, ring in self._rings.items() if ring]
        if len(priorities) > 1:
            priorities.sort()
        urgent = priorities[:1]
        for priority in [*priorities[1:], *urgent] if self._turns + 1 >= EVERY else priorities:
            entry = self._from_ring(self._rings[priority], now)
            if entry is not None:
                self._turns = self._turns + 1 if entry.priority == urgent[0] else 0
                self._take(entry, now)
                return Turn(entry, now)
        return Turn(None, self._aside[0][0] if self._aside else math.inf)

    def leave(self, entry: Entry[T]) -> None:
        """What had gone is through: its place is free."""
        for gate in self._common:
            gate.inside -= 1
        for gate in entry.gates:
            gate.inside -= 1
        site = self._sites.get(entry.site)
        (self._gate_of(entry.site) if site is None else site.gate).inside -= 1
        if any(gate.limits.connections is not None for gate in entry.gates):
            self.look_again()  # others than this site may have waited for the place
        elif site is not None:
            self._bring_all_back(site)

    def look_again(self) -> None:
        """Gates have changed: everybody who stands aside may try again."""
        self._aside.clear()
        for site in self._sites.values():
            self._bring_all_back(site)

    def _bring_all_back(self, site: _Site[T]) -> None:
        for line in site.lines.values():
            self._bring_back(line.aside, line)

    def _bring_back(self, number: int, line: _Line[T]) -> None:
        if number and number == line.aside:  # else it has come back meanwhile, and perhaps stood aside again
            self._into_ring(line)

    def _into_ring(self, line: _Line[T]) -> None:
        if line.aside:
            self._still[line.priority] -= len(line)
        line.aside = 0
        self._rings.setdefault(line.priority, deque()).append(line)

    def _from_ring(self, ring: "deque[_Line[T]]", now: float) -> Entry[T] | None:
        while ring:
            line = ring[0]
            gate = line.site.gate
            opens = now if gate.free else gate.opens(now)
            turn = self._favoured(line).first(now) if opens <= now else Turn(None, opens)
            if turn.entry is None and opens <= now:
                turn = line.first(now)  # the favoured one cannot go
            if turn.entry is None:
                ring.popleft()
                line.aside = next(self._numbers)
                self._still[line.priority] += len(line)
                if turn.again_at < math.inf:  # else whoever changes that brings it back
                    heapq.heappush(self._aside, (turn.again_at, line.aside, line))
                continue
            ring.rotate(-1)
            line.deficit += QUANTUM
            cost = min(turn.entry.cost, MOST_COST)
            if line.deficit >= cost:
                line.deficit -= cost
                return turn.entry
        return None

    def _favoured(self, line: _Line[T]) -> _Line[T]:
        site = line.site
        return site.lines[site.whose_turn(line.priority, self._site_turns.get(site.name, 0))]

    def _take(self, entry: Entry[T], now: float) -> None:
        site = self._sites[entry.site]
        site.gate.enter(now)
        for gate in self._common:
            gate.enter(now)
        for gate in entry.gates:
            gate.enter(now)
        if len(site.lines) > 1:
            urgent = entry.priority == min(site.lines)
            self._site_turns[site.name] = self._site_turns.get(site.name, 0) + 1 if urgent else 0
        line = site.lines[entry.priority]
        line.pop()
        if line.aside:
            self._still[entry.priority] -= 1
        self._waiting[entry.priority] -= 1
        if not line.queues:
            self._drop(site, line)

    def _drop(self, site: _Site[T], line: _Line[T]) -> None:
        del site.lines[line.priority]
        if not line.aside:
            self._rings[line.priority].remove(line)
        line.aside = -1
        if not site.lines:
            del self._sites[site.name]


def _same_way(one: Entry[T], other: Entry[T]) -> bool:
    """Whether neither may go where the other may not, and they have no turns of their own."""
    return one.stream == other.stream and one.gates == other.gates


def _open_at(gates: tuple[Gate, ...], now: float) -> float:
    latest = now
    for gate in gates:
        if not gate.free and (opens := gate.opens(now)) > latest:
            latest = opens
    return latest
