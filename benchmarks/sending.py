"""What the sending rows share: a sink in a process of its own that counts, so that nobody is believed on his word."""

from collections.abc import Callable
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Protocol

from benchmarks.clients import nodemailer_client
from benchmarks.contest import Peer, absent, peer
from benchmarks.isolation import isolated
from tests.peers.endpoint import Endpoint
from tests.peers.sink import SmtpSink


def start_sink(stack: ExitStack) -> SmtpSink:
    return stack.enter_context(SmtpSink("-a"))  # without AUTH: nobody logs in


class Counts(Protocol):
    """A server that knows how many messages it has taken."""

    def received(self) -> int: ...


def counted(sink: Counts, count: int, seconds: Callable[[], float]) -> Callable[[], float]:
    """``seconds``, which must have brought exactly ``count`` messages to the sink.

    Raises:
        RuntimeError: it brought another number.
    """

    def call() -> float:
        before = sink.received()
        taken = seconds()
        if (brought := sink.received() - before) != count:
            raise RuntimeError(f"{brought} messages came, {count} were sent")
        return taken

    return call


def aiosmtplib_peer(sink: SmtpSink, count: int, connections: int, goal: float | None = None) -> Peer:
    name = f"aiosmtplib × {connections}"
    if find_spec("aiosmtplib") is None:
        return absent(name, goal, "aiosmtplib is not installed")
    return peer(name, goal, counted(sink, count, isolated(_send_by_aiosmtplib, sink.smtp, count, connections)))


def _send_by_aiosmtplib(endpoint: Endpoint, count: int, connections: int) -> float:
    from benchmarks.clients import aiosmtplib_client  # a peer that may not be installed

    return aiosmtplib_client.send(endpoint, count, connections)


def nodemailer_peer(sink: SmtpSink, count: int, connections: int) -> Peer:
    name = f"nodemailer × {connections}"
    if why := nodemailer_client.missing():
        return absent(name, None, why)

    def seconds() -> float:
        return nodemailer_client.send(sink.smtp, count, connections)

    return peer(name, None, counted(sink, count, seconds))
