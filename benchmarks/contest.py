"""A row of the bench: the same work done by us and by others, in turns, and how we compare."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from statistics import median


class Effort(Enum):
    """How long a row may take: long enough to trust, or just long enough to see that it works."""

    FULL = "full"
    QUICK = "quick"

    def pick(self, *, full: int, quick: int) -> int:
        return full if self is Effort.FULL else quick


class Figure(Enum):
    """What is compared: work done in a second (more is better), or time or memory taken (less is better)."""

    RATE = "/s"
    TIME = "ms"
    MEMORY = "MB"

    def of(self, taken: float, work: int) -> float:
        """``taken`` in seconds, or in megabytes."""
        if self is Figure.RATE:
            return work / taken
        return taken * 1000 / work if self is Figure.TIME else taken / work

    def meets(self, ratio: float, goal: float) -> bool:
        return ratio >= goal if self is Figure.RATE else ratio <= goal

    @property
    def sign(self) -> str:
        return "≥" if self is Figure.RATE else "≤"


@dataclass(frozen=True, slots=True)
class Contender:
    """Someone who can do a row's work. ``seconds`` does all of it once and returns the time it took."""

    name: str
    seconds: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Peer:
    """Someone we compare with; ``goal`` is the ratio (ours to theirs) to be met, None where we only look."""

    name: str
    goal: float | None
    contender: Contender | None
    absent: str = ""  # why there is no contender


def peer(name: str, goal: float | None, seconds: Callable[[], float]) -> Peer:
    return Peer(name, goal, Contender(name, seconds))


def absent(name: str, goal: float | None, why: str) -> Peer:
    return Peer(name, goal, None, why)


@dataclass(frozen=True, slots=True)
class Contest:
    """What a row prepared: how much work a turn is, how many turns there are, and who takes part."""

    work: int
    turns: int
    ours: Callable[[], float]
    peers: Sequence[Peer]


@dataclass(frozen=True, slots=True)
class Row:
    """``prepare`` starts what the contest needs and leaves its end to the stack."""

    name: str
    what: str
    figure: Figure
    prepare: Callable[[ExitStack, Effort], Contest]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One line of the table. ``theirs`` and ``ratio`` are None where the peer is absent."""

    peer: str
    goal: float | None
    theirs: float | None
    ratio: float | None
    met: bool | None  # None without a goal or without a peer
    absent: str


@dataclass(frozen=True, slots=True)
class Result:
    row: Row
    ours: float
    comparisons: Sequence[Comparison]


def run(row: Row, effort: Effort) -> Result:
    """Every contender takes one turn after the other, and another one goes first each time."""
    with ExitStack() as stack:
        contest = row.prepare(stack, effort)
        contenders = [Contender("", contest.ours), *(p.contender for p in contest.peers if p.contender)]
        taken = _take_turns(contenders, contest.turns)
    figures = {name: [row.figure.of(seconds, contest.work) for seconds in turns] for name, turns in taken.items()}
    ours = figures.pop("")
    return Result(row, median(ours), [_compare(row.figure, p, ours, figures) for p in contest.peers])


def _take_turns(contenders: Sequence[Contender], turns: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for turn in range(turns):
        first = turn % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            taken[contender.name].append(contender.seconds())
    return taken


def _compare(figure: Figure, other: Peer, ours: Sequence[float], figures: dict[str, list[float]]) -> Comparison:
    if other.contender is None:
        return Comparison(other.name, other.goal, None, None, None, other.absent)
    theirs = figures[other.name]
    # The median of the turns' ratios, not the ratio of the medians: a slow minute hits both sides of a turn.
    ratio = median(mine / their for mine, their in zip(ours, theirs, strict=True))
    met = None if other.goal is None else figure.meets(ratio, other.goal)
    return Comparison(other.name, other.goal, median(theirs), ratio, met, "")
