"""The SMTP client on one connection, to a sink that answers at once."""

from contextlib import ExitStack

from benchmarks.clients import postroad_client, smtplib_client
from benchmarks.contest import Contest, Effort, Figure, Row, peer
from benchmarks.isolation import isolated
from benchmarks.sending import aiosmtplib_peer, counted, nodemailer_peer, start_sink


def prepare(stack: ExitStack, effort: Effort) -> Contest:
    sink = start_sink(stack)
    count = effort.pick(full=3000, quick=300)
    return Contest(
        work=count,
        turns=effort.pick(full=5, quick=3),
        ours=counted(sink, count, isolated(postroad_client.send_many, sink.smtp, count, 1)),
        peers=[
            peer("smtplib, reused", 3, counted(sink, count, isolated(smtplib_client.send, sink.smtp, count))),
            aiosmtplib_peer(sink, count, 1),
            nodemailer_peer(sink, count, 1),
        ],
    )


ROW = Row("client-1", "SMTP client, 1 connection", Figure.RATE, prepare)
