"""The public fake server, judged by smtplib and by bare sockets."""

import asyncio
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import aiosmtplib
import pytest

from postroad.testing import Gate, ScriptedServer, Step, Then
from tests.peers.certificates import Certificates

LETTER = b"From: ann@a.example\r\nSubject: hello\r\n\r\n.a dot\r\n"


@contextmanager
def connected(server: ScriptedServer) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(*server.address, timeout=120) as client:
        yield client


def send(client: smtplib.SMTP, *recipients: str) -> dict[str, tuple[int, bytes]]:
    return client.sendmail("ann@a.example", recipients or ("bob@b.example",), LETTER, ["BODY=8BITMIME"])


def raw(server: ScriptedServer) -> socket.socket:
    connection = socket.create_connection(server.address, timeout=120)
    connection.settimeout(60)
    return connection


def test_closing_loses_no_connection_that_was_just_accepted() -> None:
    """Else its socket would be reported as never closed, in whatever test comes next."""
    connections = []
    with ScriptedServer() as server:
        for _ in range(40):
            connections.append(socket.create_connection(server.address, timeout=120))  # noqa: PERF401 - all are closed
    for connection in connections:
        with connection, suppress(ConnectionResetError):
            connection.makefile("rb").read()


def test_without_steps_it_is_a_normal_server() -> None:
    with ScriptedServer() as server, connected(server) as client:
        assert send(client, "bob@b.example", "eve@e.example") == {}
        assert send(client) == {}
    first, second = server.messages
    assert first.mail_from == "ann@a.example"
    assert first.recipients == ("bob@b.example", "eve@e.example")
    assert first.content == LETTER
    assert "BODY=8BITMIME" in first.options
    assert first.reply == "250 2.0.0 Taken"
    assert first.accepted
    assert second.recipients == ("bob@b.example",)
    assert server.commands[-1].upper() == "QUIT"


def test_a_step_happens_as_often_as_it_says() -> None:
    steps = (Step("RCPT", "550 5.1.1 Nobody", when="eve@"), Step("DOT", "451 4.3.0 Later", times=2, skip=1))
    with ScriptedServer(*steps) as server, connected(server) as client:
        assert list(send(client, "bob@b.example", "eve@e.example")) == ["eve@e.example"]
        for _ in range(2):
            with pytest.raises(smtplib.SMTPDataError, match="Later"):
                send(client, "eve@e.example")
        assert send(client, "eve@e.example") == {}
    assert [message.accepted for message in server.messages] == [True, False, False, True]
    assert server.messages[0].recipients == ("bob@b.example",)


def test_steps_at_one_point_happen_in_order_and_only_in_their_connection() -> None:
    steps = (
        Step("MAIL", "450 4.1.0 first", times=None, connection=1),
        Step("MAIL", "451 4.1.0 second"),
    )
    with ScriptedServer(*steps) as server:
        codes = []
        for _ in range(2):
            with connected(server) as client:
                client.ehlo()
                codes += [client.mail("a@a.example")[0] for _ in range(2)]
    assert codes == [451, 250, 450, 450]


@pytest.mark.parametrize("then", [Then.CLOSE, Then.RESET])
@pytest.mark.parametrize(("at", "arrived"), [("CONTENT", 0), ("DOT", 1)])
def test_dropped_before_and_after_the_dot(at: str, arrived: int, then: Then) -> None:
    with ScriptedServer(Step(at, None, then=then)) as server:
        with connected(server) as client, pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            send(client)
        assert [message.reply for message in server.messages] == [None] * arrived


def test_reset_is_a_reset() -> None:
    with ScriptedServer(Step("NOOP", None, then=Then.RESET)) as server, raw(server) as connection:
        assert connection.recv(100).startswith(b"220 ")
        connection.sendall(b"NOOP\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(100)


def test_half_a_reply_then_nothing() -> None:
    with ScriptedServer(Step("GREETING", b"220 scri", then=Then.STALL)) as server, raw(server) as connection:
        assert connection.recv(100) == b"220 scri"
        connection.settimeout(0.01)
        with pytest.raises(TimeoutError):
            connection.recv(100)


def test_a_reply_that_never_ends() -> None:
    with ScriptedServer(Step("GREETING", "220-more", then=Then.REPEAT)) as server, raw(server) as connection:
        read = sum(len(connection.recv(65536)) for _ in range(50))
        assert read > 10_000


def test_replies_in_pieces_and_garbage() -> None:
    steps = (Step("EHLO", chunk=1, times=None), Step("NOOP", b"\x00\xff garbage\r\n"))
    with ScriptedServer(*steps) as server, connected(server) as client:
        assert client.ehlo()[0] == 250
        assert client.has_extn("pipelining")
        assert client.noop()[0] == -1  # smtplib's word for what is no reply


def test_a_421_while_idle() -> None:
    with ScriptedServer() as server, raw(server) as connection:
        assert connection.recv(100).startswith(b"220 ")
        server.say("421 4.3.2 Shutting down", then=Then.CLOSE)
        assert connection.makefile("rb").read() == b"421 4.3.2 Shutting down\r\n"


def test_a_gate_holds_a_reply_until_it_is_opened() -> None:
    gate = Gate()

    async def run(server: ScriptedServer) -> None:
        sending = asyncio.create_task(
            aiosmtplib.send(
                LETTER, sender="ann@a.example", recipients=["bob@b.example"], hostname=server.host, port=server.port
            )
        )
        await asyncio.to_thread(gate.wait_until_reached)
        assert not sending.done()
        gate.open()
        await sending

    with ScriptedServer(Step("DOT", gate=gate)) as server:
        asyncio.run(run(server))
        assert server.wait_for_messages()[0].accepted


def test_closing_does_not_wait_for_a_gate() -> None:
    gate = Gate()
    with ScriptedServer(Step("GREETING", gate=gate)) as server, raw(server):
        gate.wait_until_reached()
    gate.open()
    with pytest.raises(TimeoutError):
        Gate().wait_until_reached(0.01)


def test_starttls_and_auth(certificates: Certificates) -> None:
    with (
        ScriptedServer(tls=certificates.good.server_context(), credentials={"bob": "secret"}) as server,
        smtplib.SMTP("localhost", server.port, timeout=120) as client,
    ):
        client.ehlo()
        assert client.has_extn("starttls")
        assert not client.has_extn("auth")
        client.starttls(context=certificates.client_context())
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("bob", "wrong")
        client.login("bob", "secret")
        client.user, client.password = "bob", "secret"
        assert client.auth("LOGIN", client.auth_login)[0] == 235
        send(client)
    message = server.messages[0]
    assert (message.secure, message.user) == (True, "bob")


def test_implicit_tls(certificates: Certificates) -> None:
    with ScriptedServer(tls=certificates.good.server_context(), implicit_tls=True) as server:
        assert server.url == f"smtps://127.0.0.1:{server.port}"
        with smtplib.SMTP_SSL("localhost", server.port, context=certificates.client_context(), timeout=120) as client:
            send(client)
    assert server.messages[0].secure


def test_injection_behind_starttls_goes_out_in_plain_text(certificates: Certificates) -> None:
    step = Step("STARTTLS", b"220 go\r\n250 injected\r\n")
    with ScriptedServer(step, tls=certificates.good.server_context()) as server, raw(server) as connection:
        connection.recv(100)
        connection.sendall(b"STARTTLS\r\n")
        assert connection.recv(100) == b"220 go\r\n250 injected\r\n"
        with certificates.client_context().wrap_socket(connection, server_hostname="localhost") as secured:
            secured.sendall(b"EHLO a.example\r\n")
            assert secured.recv(1000).startswith(b"250-")


def test_hanging_up_instead_of_a_handshake(certificates: Certificates) -> None:
    step = Step("TLS", None, then=Then.CLOSE)
    with (
        ScriptedServer(step, tls=certificates.good.server_context()) as server,
        connected(server) as client,
        pytest.raises((ssl.SSLError, OSError)),
    ):
        client.starttls(context=certificates.client_context())


def test_what_makes_no_sense_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="no such point: 'dot'"):
        Step("dot")
    with pytest.raises(ValueError, match="chunk is 0"):
        Step("DOT", chunk=0)
    with pytest.raises(re.error):
        Step("RCPT", when="*")
    with pytest.raises(ValueError, match="implicit_tls"):
        ScriptedServer(implicit_tls=True)


class BrokenGate(Gate):
    def arrive(self, wake: object) -> None:
        raise LookupError("the gate fell down")


def test_a_failure_of_the_fake_itself_reaches_the_test() -> None:
    server = ScriptedServer(Step("NOOP", gate=BrokenGate())).start()
    with connected(server) as client, pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()
    with pytest.raises(LookupError, match="fell down"):
        server.close()
