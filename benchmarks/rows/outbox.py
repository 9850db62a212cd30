"""Durable, end to end: accepted, synced to disk, delivered to a sink, recorded.

Both are handed messages that are ready to go. What it costs to render each of them stands beside it.
"""

import os
from contextlib import ExitStack
from functools import partial

from benchmarks.clients import postfix_relay, postroad_outbox
from benchmarks.contest import Contest, Effort, Figure, Peer, Row, absent, peer
from benchmarks.isolation import isolated
from benchmarks.sending import counted, start_sink
from tests.peers.postfix import Postfix
from tests.peers.program import find_program
from tests.peers.sink import SmtpSink

CONNECTIONS = 20
GOAL = 2


def prepare(stack: ExitStack, effort: Effort) -> Contest:
    sink = start_sink(stack)
    count = effort.pick(full=3000, quick=400)
    ours = isolated(postroad_outbox.relay, sink.smtp, count, CONNECTIONS)
    composing = isolated(postroad_outbox.relay, sink.smtp, count, CONNECTIONS, postroad_outbox.composed)
    return Contest(
        work=count,
        turns=effort.pick(full=5, quick=3),
        ours=counted(sink, count, ours),
        peers=[_postfix(stack, sink, count), peer("ours, rendering each", None, counted(sink, count, composing))],
    )


def _postfix(stack: ExitStack, sink: SmtpSink, count: int) -> Peer:
    name = "Postfix"
    if why := _missing():
        return absent(name, GOAL, why)
    postfix = stack.enter_context(Postfix(postfix_relay.relay_settings(sink.smtp)))
    seconds = partial(postfix_relay.relay, postfix, sink, count, CONNECTIONS)
    return peer(name, GOAL, counted(sink, count, seconds))


def _missing() -> str:
    if find_program("postfix") is None:
        return "Postfix is not installed"
    return "" if os.geteuid() == 0 else "Postfix runs as root only"


ROW = Row("outbox", "outbox end to end on SQLite, 20 connections, unsigned", Figure.RATE, prepare)
