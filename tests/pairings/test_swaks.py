"""postroad's server with swaks."""

from typing import ClassVar

import pytest

from tests.pairings.client_suite import ClientSuite, Order, Send, Sent, Serving, Wire
from tests.pairings.exercise import Exercise, Feature, exercises, on
from tests.pairings.letters import LETTER
from tests.peers.endpoint import Endpoint
from tests.peers.fixtures import RunSwaks

pytestmark = pytest.mark.system

WIRE = {Wire.OPEN: (), Wire.STARTTLS: ("--tls",), Wire.IMPLICIT_TLS: ("--tls-on-connect",)}


@pytest.fixture
def send(swaks: RunSwaks) -> Send:
    return lambda server, order: sent(swaks, server, order)


def sent(swaks: RunSwaks, server: Endpoint, order: Order, *more: str) -> Sent:
    arguments = ["--from", order.sender or "<>", "--to", ",".join(order.recipients), "--helo", "client.example"]
    if order.login is not None:
        login = order.login
        arguments += ["--auth", login.mechanism, "--auth-user", "bob", "--auth-password", login.password]
    run = swaks(server, *arguments, *WIRE[order.wire], *more, data=order.content)
    return Sent(run.exit_code == 0, run.transcript)


class TestSwaks(ClientSuite):
    peer = "swaks"
    cannot: ClassVar = {
        Exercise(Feature.AUTH_SCRAM): "it has none",
        on(Feature.DSN): "it has none",
        on(Feature.CHUNKING): "it has none",
        on(Feature.EIGHT_BIT_MIME): "it declares nothing",
        on(Feature.SMTPUTF8): "it declares nothing",
        on(Feature.SIZE): "it declares nothing",
        Exercise(Feature.TWENTY): "one message a run",
        Exercise(Feature.CONCURRENT): "one session a run",
    }

    @exercises(Feature.HELO)
    def test_without_ehlo(self, swaks: RunSwaks) -> None:
        done, ((who, message),) = Serving().to(lambda server: sent(swaks, server, Order(), "--protocol", "SMTP"))
        assert done.accepted, done.shown
        assert (who.hello, message.content) == ("client.example", LETTER)

    @exercises(on(Feature.PIPELINING))
    def test_pipelined(self, swaks: RunSwaks) -> None:
        order = Order(recipients=("bob@b.example", "reject@b.example", "eve@e.example"))
        done, ((_, message),) = Serving().to(lambda server: sent(swaks, server, order, "--pipeline"))
        assert done.accepted, done.shown
        assert [str(one) for one in message.recipients] == ["bob@b.example", "eve@e.example"]
