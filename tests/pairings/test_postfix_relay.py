"""postroad's server with Postfix, which relays to it."""

import re
from typing import ClassVar

import pytest

from tests.pairings.client_suite import ClientSuite, Order, Send, Sent, Serving, Wire
from tests.pairings.exercise import Exercise, Feature, exercises, on
from tests.pairings.relayed import fates, inject
from tests.peers.endpoint import LOOPBACK, Endpoint
from tests.peers.fixtures import StartPostfix
from tests.peers.postfix import PostfixSettings

pytestmark = pytest.mark.system

NO_SASL = "Debian keeps what it needs for that in another package"


def parameters(server: Endpoint, order: Order) -> dict[str, str]:
    tls = {
        Wire.OPEN: {"smtp_tls_security_level": "none"},
        Wire.STARTTLS: {"smtp_tls_security_level": "verify", "smtp_tls_verify_cert_match": "localhost"},
        Wire.IMPLICIT_TLS: {
            "smtp_tls_security_level": "verify",
            "smtp_tls_verify_cert_match": "localhost",
            "smtp_tls_wrappermode": "yes",
        },
    }
    return {
        "default_transport": "smtp",
        "relayhost": f"[{LOOPBACK}]:{server.port}",
        # What Postfix reports to a sender does not follow the mail.
        "transport_maps": "inline:{ a.example=virtual: }",
        "smtpd_recipient_restrictions": "permit_mynetworks, reject",
        "header_checks": "regexp:{ {/^Received:/ IGNORE} }",
        "smtp_tls_CAfile": str(order.ca or ""),
        **tls[order.wire],
    }


@pytest.fixture
def send(start_postfix: StartPostfix) -> Send:
    def send(server: Endpoint, order: Order) -> Sent:
        relay = start_postfix(PostfixSettings(parameters=parameters(server, order)))
        inject(relay.smtp, order)
        lines = fates(relay, order.recipients, lambda line, one: f"to=<{one}>" in line and "status=" in line)
        return Sent(any("status=sent" in line for line in lines), "\n".join(lines))

    return send


class TestPostfixRelay(ClientSuite):
    peer = "Postfix"
    cannot: ClassVar = {
        Exercise(Feature.AUTH_SCRAM): NO_SASL,
        Exercise(Feature.AUTH_PLAIN): NO_SASL,
        Exercise(Feature.AUTH_LOGIN): NO_SASL,
        Exercise(Feature.WRONG_PASSWORD): NO_SASL,
        Exercise(Feature.HELO): "only where EHLO is refused",
        Exercise(Feature.TWENTY): "its queue decides",
        Exercise(Feature.CONCURRENT): "its queue decides",
        on(Feature.CHUNKING): "it takes chunks, and sends none",
    }


@exercises(on(Feature.PIPELINING))
def test_pipelined(start_postfix: StartPostfix) -> None:
    order = Order(recipients=("bob@b.example", "reject@b.example", "eve@e.example"))

    def send(server: Endpoint) -> Sent:
        told = {"debug_peer_list": LOOPBACK}
        relay = start_postfix(PostfixSettings(parameters=parameters(server, order) | told))
        inject(relay.smtp, order)
        fates(relay, order.recipients, lambda line, one: f"to=<{one}>" in line and "status=" in line)
        return Sent(True, relay.log())

    sent, ((_, message),) = Serving().to(send)
    said = re.findall(r"postfix/smtp\[\d+\]: ([<>]) \S+: (\S+)", sent.shown)
    assert [str(one) for one in message.recipients] == ["bob@b.example", "eve@e.example"]
    # MAIL is answered after DATA has been sent.
    assert said.index((">", "DATA")) < said.index(("<", "250"), said.index((">", "MAIL")))
