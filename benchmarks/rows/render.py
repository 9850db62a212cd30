"""A message from its parts to the bytes on the wire."""

from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter

from benchmarks.contest import Contest, Effort, Figure, Row, peer
from benchmarks.isolation import isolated
from benchmarks.letter import HTML, RECIPIENT, SENDER, SUBJECT, TEXT, standard_library_message
from postroad import Email


def prepare(stack: ExitStack, effort: Effort) -> Contest:
    count = effort.pick(full=600, quick=100)
    return Contest(
        work=count,
        turns=effort.pick(full=7, quick=3),
        ours=isolated(render_ours, count),
        peers=[peer("EmailMessage", 10, isolated(render_theirs, count))],
    )


def render_ours(count: int) -> float:
    return _timed(lambda: Email(from_=SENDER, to=RECIPIENT, subject=SUBJECT, text=TEXT, html=HTML).to_bytes(), count)


def render_theirs(count: int) -> float:
    return _timed(lambda: standard_library_message().as_bytes(), count)


def _timed(render: Callable[[], bytes], count: int) -> float:
    render()  # imports and compiles what only the first message needs
    started = perf_counter()
    for _ in range(count):
        render()
    return perf_counter() - started


ROW = Row("render", "Email(...) to bytes, 9 KB", Figure.RATE, prepare)
