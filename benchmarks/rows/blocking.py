"""One blocking call a message, on one connection."""

from contextlib import ExitStack

from benchmarks.clients import postroad_client, smtplib_client
from benchmarks.contest import Contest, Effort, Figure, Row, peer
from benchmarks.isolation import isolated
from benchmarks.sending import counted, start_sink


def prepare(stack: ExitStack, effort: Effort) -> Contest:
    sink = start_sink(stack)
    count = effort.pick(full=2000, quick=300)
    return Contest(
        work=count,
        turns=effort.pick(full=7, quick=3),
        ours=counted(sink, count, isolated(postroad_client.send_one_by_one, sink.smtp, count)),
        peers=[peer("smtplib, reused", 1, counted(sink, count, isolated(smtplib_client.send, sink.smtp, count)))],
    )


ROW = Row("blocking", "Mailer.send in a loop, 1 connection", Figure.RATE, prepare)
