"""postroad's server with Exim, which relays to it."""

from typing import ClassVar

import pytest

from tests.pairings.client_suite import ClientSuite, Order, Send, Sent, Serving, Wire
from tests.pairings.exercise import Exercise, Feature, exercises, on
from tests.pairings.letters import LARGE, LETTER
from tests.pairings.relayed import fates, inject
from tests.peers.endpoint import LOOPBACK, Endpoint
from tests.peers.exim import EximSettings
from tests.peers.fixtures import StartExim

pytestmark = pytest.mark.system

CLIENT = {
    "PLAIN": "plain:\ndriver = plaintext\npublic_name = PLAIN\nclient_send = ^bob^{password}\n",
    "LOGIN": "login:\ndriver = plaintext\npublic_name = LOGIN\nclient_send = : bob : {password}\n",
}


def settings(server: Endpoint, order: Order) -> EximSettings:
    options = {"hosts_avoid_tls": "*"} if order.wire is Wire.OPEN else {"hosts_require_tls": "*"}
    if order.wire is Wire.IMPLICIT_TLS:
        options["protocol"] = "smtps"
    if order.ca:
        options |= {"tls_verify_certificates": str(order.ca), "tls_verify_hosts": "*"}
    authenticators = ""
    if order.login is not None:
        options["hosts_require_auth"] = "*"
        authenticators = CLIENT[order.login.mechanism].format(password=order.login.password)
    return EximSettings(
        relay=Endpoint(LOOPBACK, server.port), relay_options=options, client_authenticators=authenticators
    )


@pytest.fixture
def send(start_exim: StartExim) -> Send:
    def send(server: Endpoint, order: Order) -> Sent:
        if order.ca:  # it is read by Exim's own user
            for folder in order.ca.parents[:4]:
                folder.chmod(folder.stat().st_mode | 0o011)
            order.ca.chmod(0o644)
        relay = start_exim(settings(server, order))
        inject(relay.smtp, order)
        lines = fates(
            relay,
            order.recipients,
            lambda line, one: (
                f" {one} " in f"{line} ".replace("<", "").replace(">", "")
                and any(arrow in line for arrow in (" => ", " -> ", " ** ", " == "))
            ),
        )
        return Sent(any(" => " in line or " -> " in line for line in lines), relay.log())

    return send


class TestEximRelay(ClientSuite):
    peer = "Exim"
    cannot: ClassVar = {
        Exercise(Feature.AUTH_SCRAM): "Debian leaves it out",
        Exercise(Feature.HELO): "only where EHLO is refused",
        on(Feature.EIGHT_BIT_MIME): "it declares nothing",
        Exercise(Feature.TWENTY): "its queue decides",
        Exercise(Feature.CONCURRENT): "its queue decides",
    }

    @exercises(on(Feature.CHUNKING), on(Feature.PIPELINING))
    @pytest.mark.parametrize("content", [LETTER, LARGE], ids=["small", "large"])
    def test_chunks(self, send: Send, content: bytes) -> None:
        sent, ((_, message),) = Serving().to(lambda server: send(server, Order(content=content)))
        assert sent.accepted, sent.shown
        assert message.content == content
        assert " K " in next(line for line in sent.shown.splitlines() if " => " in line)  # its mark for CHUNKING
