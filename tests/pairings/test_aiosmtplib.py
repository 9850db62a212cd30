"""postroad's server with aiosmtplib."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar

import aiosmtplib
import pytest

from tests.pairings.client_suite import ClientSuite, Order, Send, Sent, Serving, Wire
from tests.pairings.exercise import Exercise, Feature, exercises
from tests.pairings.letters import LETTER
from tests.peers.endpoint import Endpoint

PATIENCE = 120.0  # seconds


@asynccontextmanager
async def connected(server: Endpoint, order: Order) -> AsyncIterator[aiosmtplib.SMTP]:
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=order.wire is Wire.IMPLICIT_TLS,
        start_tls=order.wire is Wire.STARTTLS,
        cert_bundle=str(order.ca) if order.ca else None,
        timeout=PATIENCE,
    )
    transport = None
    try:
        async with client:
            transport = client.transport
            yield client
    finally:
        if isinstance(transport, asyncio.Transport):
            # aiosmtplib forgets it unclosed where the server hung up first; and under TLS it waits for the server's
            # close_notify, which may come when the loop has ended.
            transport.abort()


async def hand_over(client: aiosmtplib.SMTP, order: Order) -> Sent:
    if order.login is not None:
        await client.ehlo()
        log_in = {"PLAIN": client.auth_plain, "LOGIN": client.auth_login}[order.login.mechanism]
        await log_in("bob", order.login.password)
    options = ["BODY=8BITMIME"] if order.eight_bit else []
    options += ["SMTPUTF8"] if order.smtputf8 else []
    wishes = ["NOTIFY=SUCCESS", "ORCPT=rfc822;bob@b.example"] if order.reported else []
    options += ["RET=HDRS", "ENVID=order+3D1"] if order.reported else []
    refused, said = await client.sendmail(
        order.sender, order.recipients, order.content, mail_options=options, rcpt_options=wishes
    )
    return Sent(True, f"{refused} {said}")


async def send_one(server: Endpoint, order: Order) -> Sent:
    try:
        async with connected(server, order) as client:
            return await hand_over(client, order)
    except aiosmtplib.SMTPException as error:
        return Sent(False, str(error))


@pytest.fixture
def send() -> Send:
    return lambda server, order: asyncio.run(send_one(server, order))


class TestAiosmtplib(ClientSuite):
    peer = "aiosmtplib"
    cannot: ClassVar = {
        Exercise(Feature.AUTH_SCRAM): "it has none",
        Exercise(Feature.PIPELINING, offered=True): "it has none",
        Exercise(Feature.CHUNKING, offered=True): "it has none",
    }

    @exercises(Feature.HELO)
    def test_without_ehlo(self) -> None:
        async def send(server: Endpoint) -> Sent:
            async with connected(server, Order()) as client:
                await client.helo(hostname="client.example")
                return await hand_over(client, Order())

        _, ((_, message),) = Serving().to(lambda server: asyncio.run(send(server)))
        assert message.content == LETTER

    @exercises(Feature.TWENTY)
    def test_twenty_over_one_connection(self) -> None:
        contents = [LETTER + b"%d\r\n" % number for number in range(20)]

        async def send(server: Endpoint) -> Sent:
            async with connected(server, Order()) as client:
                return [await hand_over(client, Order(content=content)) for content in contents][-1]

        _, received = Serving().to(lambda server: asyncio.run(send(server)))
        assert [message.content for _, message in received] == contents

    @exercises(Feature.CONCURRENT)
    def test_twenty_sessions_at_once(self) -> None:
        orders = [Order(content=LETTER + b"%d\r\n" % number) for number in range(20)]

        async def send_all(server: Endpoint) -> Sequence[Sent]:
            return await asyncio.gather(*(send_one(server, order) for order in orders))

        def send(server: Endpoint) -> Sent:
            sent = asyncio.run(send_all(server))
            return Sent(all(one.accepted for one in sent), str(sent))

        sent, received = Serving().to(send)
        assert sent.accepted, sent.shown
        assert {message.content for _, message in received} == {order.content for order in orders}
