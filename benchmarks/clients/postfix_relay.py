"""Postfix as a relay: from the first message offered to it to the last that the sink has and the queue let go.

As the package ships it, but for this: no DNS (the sink is an address), the access map of the test peer, and a log
file of its own. Twenty deliveries to one destination at once is Postfix's default. Every message is synced to disk
before it is accepted. It is fed by smtp-source over twenty connections that stay open, the quickest way in.
"""

from time import perf_counter

from benchmarks.clients import smtp_source_client
from benchmarks.clients.smtp_source_client import Session
from tests.peers.endpoint import Endpoint
from tests.peers.postfix import Postfix, PostfixSettings
from tests.peers.sink import SmtpSink
from tests.peers.waiting import wait_until

PATIENCE = 300.0  # seconds until the queue must be empty


def relay_settings(sink: Endpoint, milter: Endpoint | None = None) -> PostfixSettings:
    parameters = {"default_transport": f"smtp:[{sink.host}]:{sink.port}"}
    if milter is not None:  # nothing may pass by it unsigned
        parameters |= {"smtpd_milters": f"inet:{milter.host}:{milter.port}", "milter_default_action": "tempfail"}
    return PostfixSettings(parameters=parameters)


def relay(postfix: Postfix, sink: SmtpSink, count: int, connections: int) -> float:
    wanted = sink.received() + count
    started = perf_counter()
    smtp_source_client.send(postfix.smtp, count, connections, Session.MANY_MESSAGES)
    wait_until(lambda: sink.received() >= wanted or None, "Postfix to relay", PATIENCE)
    wait_until(lambda: postfix.queued() == 0 or None, "Postfix's queue to be empty", PATIENCE)
    return perf_counter() - started
