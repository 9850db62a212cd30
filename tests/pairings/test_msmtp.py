"""postroad's server with msmtp."""

from typing import ClassVar

import pytest

from postroad.net.smtp_handler import SmtpClient
from postroad.reply import Reply
from postroad.secret import Secret
from postroad.smtp.scram_server import StoredKey
from postroad.smtp.server_settings import AuthOffer, ServerLimits, ServerSettings
from tests.pairings.client_suite import ClientSuite, Login, Order, Send, Sent, Serving, Wire
from tests.pairings.exercise import Exercise, Feature, exercises, on
from tests.peers.certificates import Certificates
from tests.peers.endpoint import Endpoint
from tests.peers.fixtures import RequiresProgram
from tests.peers.msmtp import run_msmtp

pytestmark = pytest.mark.system

WIRE = {
    Wire.OPEN: ("--tls=off",),
    Wire.STARTTLS: ("--tls=on", "--tls-starttls=on"),
    Wire.IMPLICIT_TLS: ("--tls=on", "--tls-starttls=off"),
}


@pytest.fixture
def send(requires_program: RequiresProgram) -> Send:
    requires_program("msmtp")
    return sent


def sent(server: Endpoint, order: Order) -> Sent:
    arguments = [f"--from={order.sender}", "--domain=client.example", *WIRE[order.wire]]
    if order.ca:
        arguments.append(f"--tls-trust-file={order.ca}")
    if order.login is not None:
        arguments += [f"--auth={order.login.mechanism.lower()}", "--user=bob"]
    if order.reported:
        arguments += ["--dsn-notify=success", "--dsn-return=headers"]
    password = order.login.password if order.login else ""
    run = run_msmtp(server, *arguments, "--", *order.recipients, content=order.content, password=password)
    return Sent(run.exit_code == 0, run.transcript)


class TestMsmtp(ClientSuite):
    peer = "msmtp"
    cannot: ClassVar = {
        Exercise(Feature.HELO): "only where EHLO is refused",
        on(Feature.SIZE): "it declares nothing",
        on(Feature.CHUNKING): "it has none",
        on(Feature.EIGHT_BIT_MIME): "it declares nothing",
        on(Feature.SMTPUTF8): "it has none",
        Exercise(Feature.TWENTY): "one message a run",
        Exercise(Feature.CONCURRENT): "one session a run",
    }
    otherwise = (Exercise(Feature.SEVERAL_RECIPIENTS), Exercise(Feature.TOO_MANY_RECIPIENTS))


@exercises(Feature.SEVERAL_RECIPIENTS)
def test_one_recipient_refused_stops_all(send: Send) -> None:
    """It sends to all or to nobody."""
    order = Order(recipients=("bob@b.example", "reject@b.example", "eve@e.example"))
    done, received = Serving().to(lambda server: send(server, order))
    assert not done.accepted
    assert "No such mailbox" in done.shown
    assert received == []


@exercises(Feature.TOO_MANY_RECIPIENTS)
def test_too_many_recipients_stop_all(send: Send) -> None:
    settings = ServerSettings(limits=ServerLimits(recipients=2))
    order = Order(recipients=tuple(f"r{number}@b.example" for number in range(3)))
    done, received = Serving(settings=settings).to(lambda server: send(server, order))
    assert not done.accepted
    assert "452" in done.shown
    assert received == []


@exercises(on(Feature.PIPELINING))
def test_pipelined(send: Send) -> None:
    done, ((_, message),) = Serving().to(
        lambda server: send(server, Order(recipients=("bob@b.example", "eve@e.example")))
    )
    assert done.accepted, done.shown
    assert len(message.recipients) == 2
    assert "--> DATA\n<-- 250 2.1.0" in done.shown.replace("\r", "")  # MAIL is answered after DATA has been sent


class Keys:
    """Knows of bob's password only what SCRAM leaves of it."""

    async def stored_key(self, client: SmtpClient, username: str) -> StoredKey | Reply | None:
        return StoredKey.of(Secret("secret"), iterations=4096) if username == "bob" else None


@exercises(Feature.AUTH_SCRAM)
@pytest.mark.parametrize("password", ["secret", "wrong"])
def test_scram(send: Send, certificates: Certificates, password: str) -> None:
    settings = ServerSettings(auth=AuthOffer.OVER_TLS)
    order = Order(wire=Wire.STARTTLS, ca=certificates.ca, login=Login("SCRAM-SHA-256", password))
    serving = Serving(settings=settings, certificates=certificates, keys=Keys())
    done, received = serving.to(lambda server: send(server, order))
    assert done.accepted is (password == "secret"), done.shown
    assert [who.user for who, _ in received] == (["bob"] if password == "secret" else [])
