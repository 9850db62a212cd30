"""A single send at the worst, where sixteen processes send into one SQLite file beside a worker."""

from contextlib import ExitStack

from benchmarks.clients import enqueueing
from benchmarks.contest import Contest, Effort, Figure, Row, peer
from benchmarks.isolation import isolated


def prepare(_stack: ExitStack, effort: Effort) -> Contest:
    each = effort.pick(full=200, quick=25)
    return Contest(
        work=1,  # the time of one send
        turns=effort.pick(full=3, quick=1),
        ours=isolated(enqueueing.slowest_send, each),
        peers=[peer("SQLite's busy handler", None, isolated(enqueueing.slowest_insert, each))],
    )


ROW = Row("enqueueing", "p99 of a send, 16 processes, one SQLite file, a worker", Figure.TIME, prepare)
