"""The SMTP client on one connection to a server that is 50 ms away."""

from contextlib import ExitStack

from benchmarks.clients import postroad_client, smtplib_client
from benchmarks.contest import Contest, Effort, Figure, Row, peer
from benchmarks.delaying_proxy import delaying_proxy
from benchmarks.isolation import isolated
from benchmarks.sending import counted, start_sink

ROUND_TRIP = 0.050  # seconds


def prepare(stack: ExitStack, effort: Effort) -> Contest:
    sink = start_sink(stack)
    far = stack.enter_context(delaying_proxy(sink.smtp, ROUND_TRIP))
    count = effort.pick(full=60, quick=40)
    return Contest(
        work=count,
        turns=effort.pick(full=3, quick=1),
        ours=counted(sink, count, isolated(postroad_client.send_many, far, count, 1)),
        peers=[peer("smtplib, reused", 3.5, counted(sink, count, isolated(smtplib_client.send, far, count)))],
    )


ROW = Row("latency", "1 connection, 50 ms round trip", Figure.RATE, prepare)
