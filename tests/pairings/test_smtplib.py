"""postroad's server with smtplib."""

import smtplib
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest

from tests.pairings.client_suite import ClientSuite, Order, Send, Sent, Serving, Wire
from tests.pairings.exercise import Exercise, Feature, exercises
from tests.pairings.letters import LETTER
from tests.peers.endpoint import Endpoint

PATIENCE = 120.0  # seconds


def connected(server: Endpoint, order: Order) -> smtplib.SMTP:
    context = ssl.create_default_context(cafile=order.ca)
    if order.wire is Wire.IMPLICIT_TLS:
        return smtplib.SMTP_SSL(*server, context=context, timeout=PATIENCE)
    client = smtplib.SMTP(*server, timeout=PATIENCE)
    if order.wire is Wire.STARTTLS:
        client.starttls(context=context)
    return client


def log_in(client: smtplib.SMTP, order: Order) -> None:
    if order.login is None:
        return
    client.ehlo()
    client.user, client.password = "bob", order.login.password
    mechanism = order.login.mechanism
    client.auth(mechanism, getattr(client, f"auth_{mechanism.lower()}"))


def hand_over(client: smtplib.SMTP, order: Order) -> Sent:
    options = ["BODY=8BITMIME"] if order.eight_bit else []
    options += ["SMTPUTF8"] if order.smtputf8 else []
    wishes = ["NOTIFY=SUCCESS", "ORCPT=rfc822;bob@b.example"] if order.reported else []
    options += ["RET=HDRS", "ENVID=order+3D1"] if order.reported else []
    return Sent(True, str(client.sendmail(order.sender, order.recipients, order.content, options, wishes)))


@pytest.fixture
def send() -> Send:
    def send(server: Endpoint, order: Order) -> Sent:
        try:
            with connected(server, order) as client:
                log_in(client, order)
                return hand_over(client, order)
        except smtplib.SMTPException as error:
            return Sent(False, str(error))

    return send


class TestSmtplib(ClientSuite):
    peer = "smtplib"
    cannot: ClassVar = {
        Exercise(Feature.AUTH_SCRAM): "it has none",
        Exercise(Feature.PIPELINING, offered=True): "it has none",
        Exercise(Feature.CHUNKING, offered=True): "it has none",
    }

    @exercises(Feature.HELO)
    def test_without_ehlo(self) -> None:
        def send(server: Endpoint) -> Sent:
            with connected(server, Order()) as client:
                client.helo("client.example")
                return hand_over(client, Order())

        _, ((who, message),) = Serving().to(send)
        assert (who.hello, message.content) == ("client.example", LETTER)

    @exercises(Feature.TWENTY)
    def test_twenty_over_one_connection(self) -> None:
        contents = [LETTER + b"%d\r\n" % number for number in range(20)]

        def send(server: Endpoint) -> Sent:
            with connected(server, Order()) as client:
                return [hand_over(client, Order(content=content)) for content in contents][-1]

        _, received = Serving().to(send)
        assert [message.content for _, message in received] == contents
        assert len({who.peer for who, _ in received}) == 1

    @exercises(Feature.CONCURRENT)
    def test_twenty_sessions_at_once(self, send: Send) -> None:
        orders = [Order(content=LETTER + b"%d\r\n" % number) for number in range(20)]

        def send_all(server: Endpoint) -> Sent:
            with ThreadPoolExecutor(20) as threads:
                sent = list(threads.map(lambda order: send(server, order), orders))
            return Sent(all(one.accepted for one in sent), str(sent))

        sent, received = Serving().to(send_all)
        assert sent.accepted, sent.shown
        assert {message.content for _, message in received} == {order.content for order in orders}
