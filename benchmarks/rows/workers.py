"""One, two and four workers on one PostgreSQL, before a server that takes 100 ms for each of their connections."""

from contextlib import ExitStack

from benchmarks.clients import outbox_workers
from benchmarks.contest import Contest, Effort, Figure, Row, peer
from benchmarks.delaying_proxy import delaying_proxy
from benchmarks.isolation import isolated
from benchmarks.sending import counted, start_sink
from benchmarks.servers.postgresql_server import start_outbox_server

ROUND_TRIP = 0.100  # seconds
CONNECTIONS = 8  # of each worker
NEARLY = 0.85  # of linear


def prepare(stack: ExitStack, effort: Effort) -> Contest:
    sink = start_sink(stack)
    far = stack.enter_context(delaying_proxy(sink.smtp, ROUND_TRIP))
    server = start_outbox_server(stack)
    count = effort.pick(full=800, quick=240)

    def by(workers: int) -> float:
        def seconds(url: str) -> float:
            return isolated(outbox_workers.deliver, url, far, count, workers=workers, connections=CONNECTIONS)()

        return counted(sink, count, server.on_fresh(seconds))()

    return Contest(
        work=count,
        turns=effort.pick(full=3, quick=1),
        ours=lambda: by(4),
        peers=[
            peer("2 workers", 2 * NEARLY, lambda: by(2)),
            peer("1 worker", 4 * NEARLY, lambda: by(1)),
        ],
    )


ROW = Row("workers-pg", "4 workers with 8 connections each on PostgreSQL, 100 ms away", Figure.RATE, prepare)
