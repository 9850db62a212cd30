"""The SMTP server, twenty sessions at once, what they bring kept in memory: a message a session, and many."""

from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec

from benchmarks.clients import smtp_source_client
from benchmarks.clients.smtp_source_client import Session
from benchmarks.contest import Contest, Effort, Figure, Peer, Row, absent, peer
from benchmarks.sending import counted
from benchmarks.servers import postroad_server
from benchmarks.servers.served import Served, served

SESSIONS = 20
GOAL = 3


def prepare(session: Session, stack: ExitStack, effort: Effort) -> Contest:
    count = effort.pick(full=6000, quick=600)
    ours = stack.enter_context(served(postroad_server.start))
    return Contest(
        work=count,
        turns=effort.pick(full=5, quick=3),
        ours=partial(_seconds, ours, count, session),
        peers=[_aiosmtpd(stack, count, session)],
    )


def _aiosmtpd(stack: ExitStack, count: int, session: Session) -> Peer:
    if find_spec("aiosmtpd") is None:
        return absent("aiosmtpd", GOAL, "aiosmtpd is not installed")
    from benchmarks.servers import aiosmtpd_server  # a peer that may not be installed

    theirs = stack.enter_context(served(aiosmtpd_server.start))
    return peer("aiosmtpd", GOAL, partial(_seconds, theirs, count, session))


def _seconds(server: Served, count: int, session: Session) -> float:
    return counted(server, count, partial(smtp_source_client.send, server.smtp, count, SESSIONS, session))()


ONE_MESSAGE = Row(
    "accept",
    f"SMTP accept in memory, {SESSIONS} sessions",
    Figure.RATE,
    partial(prepare, Session.ONE_MESSAGE),
)
MANY_MESSAGES = Row(
    "accept-reused",
    f"SMTP accept in memory, {SESSIONS} sessions, reused",
    Figure.RATE,
    partial(prepare, Session.MANY_MESSAGES),
)
