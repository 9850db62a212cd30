"""postroad's server with nodemailer."""

from typing import Any, ClassVar

import pytest

from tests.pairings.client_suite import ClientSuite, Order, Send, Sent, Serving, Wire
from tests.pairings.exercise import Exercise, Feature, exercises, on
from tests.pairings.letters import LETTER
from tests.peers import nodemailer
from tests.peers.endpoint import Endpoint

pytestmark = pytest.mark.system


@pytest.fixture
def send() -> Send:
    if why := nodemailer.missing():
        pytest.skip(why)
    return sent


def sent(server: Endpoint, order: Order) -> Sent:
    tls: dict[str, Any] = {"tls": {"ca": order.ca.read_text()}} if order.ca else {}
    wire = {
        Wire.OPEN: {"ignoreTLS": True},
        Wire.STARTTLS: {"requireTLS": True},
        Wire.IMPLICIT_TLS: {"secure": True},
    }
    login: dict[str, Any] = {}
    if order.login is not None:
        login = {"auth": {"user": "bob", "pass": order.login.password}, "authMethod": order.login.mechanism}
    envelope: dict[str, Any] = {"from": order.sender, "to": order.recipients}
    if order.eight_bit:
        envelope["use8BitMime"] = True
    if order.reported:
        envelope["dsn"] = {"notify": "success", "return": "headers", "id": "order=1", "recipient": "bob@b.example"}
    run = nodemailer.send_one(server, order.content, envelope, wire[order.wire] | tls | login)
    return Sent(bool(run.accepted), run.response)


class TestNodemailer(ClientSuite):
    peer = "nodemailer"
    cannot: ClassVar = {
        Exercise(Feature.AUTH_SCRAM): "it has none",
        on(Feature.PIPELINING): "it has none",
        on(Feature.SIZE): "it declares nothing",
        on(Feature.CHUNKING): "it has none",
        Exercise(Feature.HELO): "only where EHLO is refused",
    }

    @pytest.mark.parametrize(
        "connections",
        [
            pytest.param(1, marks=exercises(Feature.TWENTY)),
            pytest.param(20, marks=exercises(Feature.CONCURRENT)),
        ],
    )
    def test_many(self, send: Send, connections: int) -> None:
        def send_many(server: Endpoint) -> Sent:
            nodemailer.send_many(server, LETTER, 20, connections, "ann@a.example", "bob@b.example")
            return Sent(True, "")

        _, received = Serving().to(send_many)
        assert [message.content for _, message in received] == [LETTER] * 20
        assert len({who.peer for who, _ in received}) == connections
