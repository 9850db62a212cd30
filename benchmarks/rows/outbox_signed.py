"""Durable, signed by RSA-2048, end to end: accepted, synced to disk, signed, delivered to a sink, recorded.

Both are handed messages that are ready to go. What it costs to render each of them stands beside it.
"""

import os
from contextlib import ExitStack
from functools import partial

from benchmarks.clients import postfix_relay, postroad_outbox
from benchmarks.contest import Contest, Effort, Figure, Peer, Row, absent, peer
from benchmarks.isolation import isolated
from benchmarks.sending import counted, start_sink
from postroad.mailauth.dkim.keys import generate
from tests.peers.opendkim import OpenDkimMilter
from tests.peers.postfix import Postfix
from tests.peers.program import find_program
from tests.peers.sink import SmtpSink

CONNECTIONS = 20
DOMAIN, SELECTOR = "shop.example", "s2026"


def prepare(stack: ExitStack, effort: Effort) -> Contest:
    sink = start_sink(stack)
    count = effort.pick(full=3000, quick=400)
    pem = generate().pem()
    key = DOMAIN, SELECTOR, pem
    ours = isolated(postroad_outbox.relay, sink.smtp, count, CONNECTIONS, postroad_outbox.ready, key)
    composing = isolated(postroad_outbox.relay, sink.smtp, count, CONNECTIONS, postroad_outbox.composed, key)
    return Contest(
        work=count,
        turns=effort.pick(full=5, quick=3),
        ours=counted(sink, count, ours),
        peers=[
            _postfix_and_opendkim(stack, sink, count, pem),
            peer("ours, rendering each", None, counted(sink, count, composing)),
        ],
    )


def _postfix_and_opendkim(stack: ExitStack, sink: SmtpSink, count: int, pem: bytes) -> Peer:
    name, goal = "Postfix + OpenDKIM", 5
    if why := _missing():
        return absent(name, goal, why)
    milter = stack.enter_context(OpenDkimMilter(DOMAIN, SELECTOR, pem))
    settings = postfix_relay.relay_settings(sink.smtp, milter.endpoint)
    postfix = stack.enter_context(Postfix(settings))
    seconds = partial(postfix_relay.relay, postfix, sink, count, CONNECTIONS)
    return peer(name, goal, counted(sink, count, seconds))


def _missing() -> str:
    absent_programs = [name for name in ("postfix", "opendkim") if find_program(name) is None]
    if absent_programs:
        return f"{absent_programs[0]} is not installed"
    return "" if os.geteuid() == 0 else "Postfix runs as root only"


ROW = Row("outbox-signed", "outbox end to end on SQLite, 20 connections, signed by rsa-2048", Figure.RATE, prepare)
