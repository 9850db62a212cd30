"""The outbox end to end on PostgreSQL, beside the same on SQLite; both on one disk, synced at every commit."""

from contextlib import ExitStack

from benchmarks.clients import postroad_outbox
from benchmarks.contest import Contest, Effort, Figure, Row, peer
from benchmarks.isolation import isolated
from benchmarks.sending import counted, start_sink
from benchmarks.servers.postgresql_server import start_outbox_server

CONNECTIONS = 20
GOAL = 0.6


def prepare(stack: ExitStack, effort: Effort) -> Contest:
    sink = start_sink(stack)
    server = start_outbox_server(stack)
    count = effort.pick(full=3000, quick=400)

    def seconds(url: str) -> float:
        return isolated(postroad_outbox.relay_in, url, sink.smtp, count, CONNECTIONS)()

    beside = isolated(postroad_outbox.relay, sink.smtp, count, CONNECTIONS)
    return Contest(
        work=count,
        turns=effort.pick(full=5, quick=3),
        ours=counted(sink, count, server.on_fresh(seconds)),
        peers=[peer("on SQLite", GOAL, counted(sink, count, beside))],
    )


ROW = Row("outbox-pg", "outbox end to end on PostgreSQL, one worker, unsigned", Figure.RATE, prepare)
