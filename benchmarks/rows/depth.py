"""What the depth of the queue costs: each message, the start, and memory, with five million queued."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from benchmarks.clients import deep_outbox
from benchmarks.clients.deep_outbox import Course
from benchmarks.contest import Contest, Effort, Figure, Row, peer
from benchmarks.isolation import isolated

SHALLOW = 10_000
DEEP = 5_000_000
LESS_DEEP = 100_000  # with --quick: it shows that the row works, and nothing of the depth
DEARER = 1.3  # at most, for each message
START_UP = 5.0  # seconds at most
MEGABYTES = 300.0  # at most


@cache
def _queue(depth: int) -> tuple[tempfile.TemporaryDirectory[str], str]:
    """A folder, which goes with the process, and the URL of the outbox in it."""
    folder = tempfile.TemporaryDirectory(prefix="depth-")
    url = f"sqlite:///{Path(folder.name) / 'outbox.db'}"
    isolated(deep_outbox.fill, url, depth)()
    return folder, url


def _course(depth: int, count: int) -> Course:
    return isolated(deep_outbox.take, _queue(depth)[1], count)()


def _each_message(_stack: ExitStack, effort: Effort) -> Contest:
    count, deep = effort.pick(full=2000, quick=500), effort.pick(full=DEEP, quick=LESS_DEEP)
    for depth in (SHALLOW, deep):
        _queue(depth)
    return Contest(
        work=count,
        turns=3,
        ours=lambda: _course(deep, count).seconds,
        peers=[peer(f"10 thousand; ours: {deep:,}", DEARER, lambda: _course(SHALLOW, count).seconds)],
    )


def _bounded(figure: Callable[[Course], float], most: float, name: str) -> Callable[[ExitStack, Effort], Contest]:
    def prepare(_stack: ExitStack, effort: Effort) -> Contest:
        deep = effort.pick(full=DEEP, quick=LESS_DEEP)
        _queue(deep)
        return Contest(
            work=1,
            turns=3,
            ours=lambda: figure(_course(deep, 500)),
            peers=[peer(f"{name} allowed; {deep:,} queued", 1, lambda: most)],
        )

    return prepare


EACH = Row("depth", "a message claimed and finished, SQLite, a deep queue", Figure.TIME, _each_message)
START = Row(
    "depth-start",
    "a worker's start to its first message, SQLite, a deep queue",
    Figure.TIME,
    _bounded(lambda course: course.start_up, START_UP, "5 s"),
)
MEMORY = Row(
    "depth-memory",
    "a worker's memory, SQLite, a deep queue",
    Figure.MEMORY,
    _bounded(lambda course: course.megabytes, MEGABYTES, "300 MB"),
)
