"""What a simulation came to, as values, and as a table for who plans capacity."""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from postroad.outbox.shaping.hearing import Measure
from postroad.outbox.states import DeliveryState
from postroad.reply import Code


class SimulatedTry(NamedTuple):
    """One try of a delivery. Times are seconds of the simulation; ``code`` is the reply's, where there was one."""

    began: float
    ended: float
    code: Code | None


@dataclass(frozen=True, slots=True)
class SimulatedDelivery:
    """What became of one delivery. ``ended_at`` is ``None`` where it still waits when the simulation ends."""

    domain: str
    site: str
    stream: str
    arrived: float
    tries: tuple[SimulatedTry, ...]
    state: DeliveryState
    ended_at: float | None

    @property
    def waited(self) -> float:
        """Seconds until its first try began; infinity where it was never tried."""
        return self.tries[0].began - self.arrived if self.tries else math.inf

    @property
    def took(self) -> float:
        """Seconds from its arrival to its end; infinity where there was none."""
        return math.inf if self.ended_at is None else self.ended_at - self.arrived


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over the deliveries of one stream to one site. Times are seconds.

    ``left`` still wait at the end; ``tries`` are those of all. ``median``, ``p99`` and ``longest`` tell how long those
    that were sent took, from arrival to the provider's answer.
    """

    site: str
    stream: str
    messages: int
    sent: int
    refused: int
    expired: int
    left: int
    tries: int
    median: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True)
class Simulated:
    """Everything that happened. ``measures`` are what replies and trouble brought about, in order: suspensions and
    limits for a while, each with its reason. ``ended_at`` is when the last delivery came to its end.
    """

    deliveries: tuple[SimulatedDelivery, ...]
    measures: tuple[Measure, ...]
    ended_at: float

    def of(self, *, site: str | None = None, stream: str | None = None) -> tuple[SimulatedDelivery, ...]:
        """The deliveries of a site, a stream, or a stream to a site."""
        return tuple(one for one in self.deliveries if site in (None, one.site) and stream in (None, one.stream))

    def starts(self, *, site: str | None = None, stream: str | None = None) -> tuple[float, ...]:
        """When tries began, in order."""
        return tuple(sorted(each.began for one in self.of(site=site, stream=stream) for each in one.tries))

    def most_at_once(self, *, site: str | None = None, stream: str | None = None) -> int:
        """The greatest number of tries that were under way at a time."""
        tries = [each for one in self.of(site=site, stream=stream) for each in one.tries]
        return _most_at_once(tries)

    def most_within(self, seconds: float, *, site: str | None = None, stream: str | None = None) -> int:
        """The greatest number of tries that began within any such time; its end does not belong to it."""
        starts = self.starts(site=site, stream=stream)
        # A hair less: times since the epoch are known to a millionth of a second.
        ends = (bisect_left(starts, start + seconds * (1 - 1e-6)) for start in starts)
        return max((end - first for first, end in enumerate(ends)), default=0)

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """The sums by site and stream."""
        keys = sorted({(one.site, one.stream) for one in self.deliveries})
        return tuple(_tally(site, stream, self.of(site=site, stream=stream)) for site, stream in keys)

    def __str__(self) -> str:
        """Two tables: the tallies, and what was slowed down or suspended."""
        rows = [_row(one) for one in self.tallies]
        held = [_held(one) for one in self.measures]
        tables = [_table(_HEADINGS, rows)]
        if held:
            tables.append(_table(("since", "until", "what", "then", "why"), held))
        return "\n\n".join(tables)


_HEADINGS: Final = (
    "site", "stream", "messages", "sent", "refused", "expired", "left", "tries", "median", "99 %", "longest"
)  # fmt: skip


def _tally(site: str, stream: str, deliveries: Sequence[SimulatedDelivery]) -> Tally:
    times = sorted(one.took for one in deliveries if one.state is DeliveryState.SENT)
    states = Counter(one.state for one in deliveries)
    return Tally(
        site,
        stream,
        messages=len(deliveries),
        sent=states[DeliveryState.SENT],
        refused=states[DeliveryState.REFUSED],
        expired=states[DeliveryState.EXPIRED],
        left=sum(one.ended_at is None for one in deliveries),
        tries=sum(len(one.tries) for one in deliveries),
        median=_rank(times, 0.5),
        p99=_rank(times, 0.99),
        longest=_rank(times, 1.0),
    )


def _rank(times: Sequence[float], share: float) -> float:
    """The value below or at which this share of the sorted times lies; 0 where there are none."""
    return times[max(0, math.ceil(share * len(times)) - 1)] if times else 0.0


def _most_at_once(tries: Iterable[SimulatedTry]) -> int:
    changes = sorted([(one.began, 1) for one in tries] + [(one.ended, -1) for one in tries])
    inside = most = 0
    for _, change in changes:  # at the same moment who leaves goes first: -1 sorts before 1
        inside += change
        most = max(most, inside)
    return most


def _row(one: Tally) -> tuple[str, ...]:
    numbers = (one.messages, one.sent, one.refused, one.expired, one.left, one.tries)
    times = (one.median, one.p99, one.longest)
    return (one.site, one.stream, *map(str, numbers), *map(_span, times))


def _held(one: Measure) -> tuple[str, ...]:
    then = "suspended" if one.limits is None else f"{one.limits}"
    return (_time(one.since), _time(one.until), f"{one.scope} {one.key}", then, f"{one.who}: {one.why}")


def _span(seconds: float) -> str:
    """Seconds as people read them: ``0.5 s``, ``12 min``, ``3.2 h``."""
    for unit, name in ((3600.0, "h"), (60.0, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds:.1f} s"


def _time(seconds: float) -> str:
    """A time of the simulation: ``2:54:31``, on later days ``1d 2:54:31``."""
    days, rest = divmod(round(seconds), 86_400)
    clock = f"{rest // 3600}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days}d {clock}" if days else clock


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(_line(line, widths) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    fitted = (
        cell.rjust(width) if cell[:1].isdigit() else cell.ljust(width)
        for cell, width in zip(cells, widths, strict=True)
    )
    return "  ".join(fitted).rstrip()
