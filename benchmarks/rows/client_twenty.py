"""The SMTP client on twenty connections, to a sink that answers at once."""

from contextlib import ExitStack
from functools import partial

from benchmarks.clients import postroad_client, smtp_source_client, smtplib_client
from benchmarks.clients.smtp_source_client import Session
from benchmarks.contest import Contest, Effort, Figure, Row, peer
from benchmarks.isolation import isolated
from benchmarks.sending import aiosmtplib_peer, counted, nodemailer_peer, start_sink

CONNECTIONS = 20
THREADS = 10


def prepare(stack: ExitStack, effort: Effort) -> Contest:
    sink = start_sink(stack)
    count = effort.pick(full=6000, quick=600)
    by_threads = isolated(smtplib_client.send, sink.smtp, count, THREADS)
    by_source = partial(smtp_source_client.send, sink.smtp, count, CONNECTIONS)
    return Contest(
        work=count,
        turns=effort.pick(full=5, quick=3),
        ours=counted(sink, count, isolated(postroad_client.send_many, sink.smtp, count, CONNECTIONS)),
        peers=[
            aiosmtplib_peer(sink, count, CONNECTIONS, goal=3),
            peer("smtp-source × 20", 1, counted(sink, count, partial(by_source, Session.ONE_MESSAGE))),
            peer("smtp-source -d × 20", None, counted(sink, count, partial(by_source, Session.MANY_MESSAGES))),
            peer("smtplib, 10 threads", None, counted(sink, count, by_threads)),
            nodemailer_peer(sink, count, CONNECTIONS),
        ],
    )


ROW = Row("client-20", "SMTP client, 20 connections", Figure.RATE, prepare)
