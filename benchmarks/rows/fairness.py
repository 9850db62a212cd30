"""How long a fresh mail takes while a million others wait: half of them for a slow site, half for a suspended one."""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from statistics import median

from benchmarks.clients import deep_outbox, fresh_mail
from benchmarks.contest import Contest, Effort, Figure, Row, peer
from benchmarks.isolation import isolated
from tests.peers.sink import SmtpSink

BACKLOG = 1_000_000
LESS_OF_IT = 50_000  # with --quick
SITES = 2
MAILS = 20  # of a turn
ALLOWED = 0.100  # seconds


@cache
def _queue(depth: int) -> tuple[tempfile.TemporaryDirectory[str], str]:
    """A folder, which goes with the process, and the URL of the outbox in it."""
    folder = tempfile.TemporaryDirectory(prefix="fairness-")
    url = f"sqlite:///{Path(folder.name) / 'outbox.db'}"
    isolated(deep_outbox.fill, url, depth, SITES)()
    return folder, url


def _row(name: str, what: str, figure: Callable[[Sequence[float]], float]) -> Row:
    def prepare(stack: ExitStack, effort: Effort) -> Contest:
        depth = effort.pick(full=BACKLOG, quick=LESS_OF_IT)
        sink = stack.enter_context(SmtpSink("-a", keep=True))
        _, url = _queue(depth)
        return Contest(
            work=1,
            turns=effort.pick(full=5, quick=3),
            ours=lambda: figure(isolated(fresh_mail.send, url, sink.smtp, sink.dumps, MAILS)()),
            peers=[peer(f"100 ms allowed; {depth:,} wait", 1, lambda: ALLOWED)],
        )

    return Row(name, f"from send() to the server beside a backlog, SQLite, {what} of {MAILS}", Figure.TIME, prepare)


USUAL = _row("fairness", "the median", median)
WORST = _row("fairness-worst", "the slowest", max)
