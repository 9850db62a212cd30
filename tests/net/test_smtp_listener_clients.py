"""The listener, judged by clients that share no code with it: smtplib, aiosmtplib and swaks."""

import asyncio
import smtplib
import socket
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import TypeVar

import aiosmtplib
import pytest

from postroad.net.smtp_handler import SmtpClient
from postroad.net.smtp_listener import SmtpListener
from postroad.smtp.server_events import ContentComplete
from postroad.smtp.server_settings import AuthOffer, ServerLimits, ServerSettings
from tests.net.recording_handler import RecordingHandler
from tests.peers.certificates import Certificates
from tests.peers.endpoint import Endpoint
from tests.peers.fixtures import RunSwaks
from tests.peers.swaks import SwaksRun

Result = TypeVar("Result")
Received = tuple[SmtpClient, ContentComplete]

LETTER = b"From: ann@a.example\r\nSubject: hello\r\n\r\n.a dot\r\n..two\r\nend\r\n"
SETTINGS = ServerSettings(auth=AuthOffer.OVER_TLS_OR_LOOPBACK, limits=ServerLimits(message_octets=200_000))


def serving(
    client: Callable[[Endpoint], Result],
    certificates: Certificates | None = None,
    *,
    settings: ServerSettings = SETTINGS,
    implicit_tls: bool = False,
) -> tuple[Result, list[Received]]:
    """What a blocking client came to against a listener, and what that received."""

    async def serve() -> tuple[Result, list[Received]]:
        handler = RecordingHandler()
        context = certificates.good.server_context() if certificates else None
        async with SmtpListener(handler, settings=settings, tls=context, implicit_tls=implicit_tls) as listener:
            result = await asyncio.to_thread(client, Endpoint(*listener.address))
        return result, handler.messages

    return asyncio.run(serve())


# ── smtplib ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_smtplib_sends_and_reads_the_refusals() -> None:
    def client(server: Endpoint) -> dict[str, tuple[int, bytes]]:
        with smtplib.SMTP(*server, timeout=120) as connection:
            refused = connection.sendmail("ann@a.example", ["bob@b.example", "reject@b.example"], LETTER)
            connection.sendmail("", "eve@e.example", LETTER, ["BODY=8BITMIME"])
            return refused

    refused, received = serving(client)
    assert refused == {"reject@b.example": (550, b"5.1.1 No such mailbox")}
    assert [message.content for _, message in received] == [LETTER, LETTER]
    assert list(map(str, received[0][1].recipients)) == ["bob@b.example"]
    assert received[1][1].mail.sender is None
    assert received[1][1].mail.eight_bit
    assert received[0][1].mail.size == len(LETTER)


def test_smtplib_hears_every_kind_of_no() -> None:
    def client(server: Endpoint) -> None:
        with smtplib.SMTP(*server, timeout=120) as connection:
            with pytest.raises(smtplib.SMTPSenderRefused, match="Not from you"):
                connection.sendmail("reject@a.example", "bob@b.example", LETTER)
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                connection.sendmail("ann@a.example", "reject@b.example", LETTER)
            with pytest.raises(smtplib.SMTPSenderRefused) as too_large:
                connection.sendmail("ann@a.example", "bob@b.example", b"x" * 200_001)
            assert too_large.value.smtp_code == 552
            with pytest.raises(smtplib.SMTPDataError, match="bare LF"):
                connection.sendmail("ann@a.example", "bob@b.example", b"smtplib leaves\nbytes alone\r\n")
            with pytest.raises(smtplib.SMTPDataError, match="too long"):
                connection.sendmail("ann@a.example", "bob@b.example", b"x" * 999 + b"\r\n")
            assert connection.sendmail("ann@a.example", "bob@b.example", b"x" * 998 + b"\r\n") == {}

    _, received = serving(client)
    assert len(received) == 1


def test_smtplib_takes_every_other_path() -> None:
    def client(server: Endpoint) -> list[int]:
        with smtplib.SMTP(*server, timeout=120) as connection:
            codes = [
                connection.helo()[0],
                connection.ehlo("[127.0.0.1]")[0],
                connection.noop()[0],
                connection.rset()[0],
                connection.verify("ann@a.example")[0],
                connection.expn("list")[0],
                connection.docmd("HELP")[0],
                connection.docmd("ETRN", "x")[0],
                connection.docmd("DATA")[0],
                connection.mail("ann@a.example", ["SIZE=1"])[0],
                connection.docmd("DATA")[0],
                connection.rcpt("bob@b.example", ["SIZE=1"])[0],
            ]
            assert connection.esmtp_features["size"] == "200000"
        return codes

    codes, _ = serving(client)
    assert codes == [250, 250, 250, 250, 252, 502, 214, 500, 503, 250, 554, 555]


def test_smtplib_with_starttls_and_every_login(certificates: Certificates) -> None:
    def client(server: Endpoint) -> None:
        with smtplib.SMTP("localhost", server.port, timeout=120) as connection:
            connection.starttls(context=certificates.client_context())
            connection.ehlo()
            with pytest.raises(smtplib.SMTPNotSupportedError):
                connection.starttls()
            connection.user, connection.password = "bob", "wrong"
            with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
                connection.auth("LOGIN", connection.auth_login)
            assert refused.value.smtp_code == 535
            connection.user = "later"
            with pytest.raises(smtplib.SMTPAuthenticationError) as later:
                connection.auth("PLAIN", connection.auth_plain)
            assert later.value.smtp_code == 454
            connection.user, connection.password = "bob", "secret"
            # Without an initial response smtplib waits to be asked.
            assert connection.auth("PLAIN", connection.auth_plain, initial_response_ok=False)[0] == 235
            connection.sendmail("ann@a.example", "bob@b.example", LETTER)

    _, ((who, _),) = serving(client, certificates)
    assert who.user == "bob"
    assert who.tls


def test_smtplib_over_implicit_tls(certificates: Certificates) -> None:
    def client(server: Endpoint) -> None:
        context = certificates.client_context()
        with smtplib.SMTP_SSL("localhost", server.port, context=context, timeout=120) as connection:
            connection.login("bob", "secret")
            connection.sendmail("ann@a.example", "bob@b.example", LETTER)

    _, ((who, _),) = serving(client, certificates, implicit_tls=True)
    assert (who.user, bool(who.tls)) == ("bob", True)


def test_smtplib_with_non_ascii_addresses() -> None:
    def client(server: Endpoint) -> None:
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = "jörg@a.example", "zoë@b.example", "grüße"
        with smtplib.SMTP(*server, timeout=120) as connection:
            connection.send_message(letter)
            connection.mail("ann@a.example")
            assert connection.docmd("RCPT", "TO:<bob@b.example>")[0] == 250
            connection.send("RCPT TO:<zoë@b.example>\r\n".encode())
            assert connection.getreply() == (553, b"5.6.7 A non-ASCII address needs SMTPUTF8")

    _, ((_, message),) = serving(client)
    assert message.mail.smtputf8
    assert list(map(str, message.recipients)) == ["zoë@b.example"]
    assert "Subject: grüße\r\n".encode() in message.content


def test_every_message_of_the_corpora(corpora: Path) -> None:
    """Whatever others have written arrives octet by octet, long lines and all."""
    letters = [path.read_bytes() for path in sorted((corpora / "mime").rglob("*")) if path.is_file()]
    letters = [b"\r\n".join(letter.splitlines()) + b"\r\n" for letter in letters]
    letters = [letter for letter in letters if b"\0" not in letter]
    settings = ServerSettings(limits=ServerLimits(text_line_octets=None, message_octets=10**8))
    assert len(letters) > 10

    def client(server: Endpoint) -> None:
        with smtplib.SMTP(*server, timeout=120) as connection:
            for letter in letters:
                connection.sendmail("ann@a.example", "bob@b.example", letter, ["BODY=8BITMIME"])

    _, received = serving(client, settings=settings)
    assert [message.content for _, message in received] == letters


# ── aiosmtplib ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_aiosmtplib_with_starttls_and_many_connections(certificates: Certificates) -> None:
    async def test() -> None:
        handler = RecordingHandler()
        context = certificates.good.server_context()
        async with SmtpListener(handler, settings=SETTINGS, tls=context) as listener:
            sendings = [
                aiosmtplib.send(
                    LETTER,
                    sender="ann@a.example",
                    recipients=[f"r{number}@b.example"],
                    hostname="localhost",
                    port=listener.address[1],
                    start_tls=True,
                    tls_context=certificates.client_context(),
                    username="bob",
                    password="secret",
                )
                for number in range(20)
            ]
            await asyncio.gather(*sendings)
        assert sorted(str(message.recipients[0]) for _, message in handler.messages) == sorted(
            f"r{number}@b.example" for number in range(20)
        )
        assert {who.user for who, _ in handler.messages} == {"bob"}

    asyncio.run(test())


def test_aiosmtplib_hears_the_refusals() -> None:
    async def test() -> None:
        async with SmtpListener(RecordingHandler()) as listener:
            host, port = listener.address
            async with aiosmtplib.SMTP(hostname=host, port=port, start_tls=False, use_tls=False) as client:
                refused, said = await client.sendmail(
                    "ann@a.example", ["bob@b.example", "reject@b.example", "broken@b.example"], LETTER
                )
                assert {address: reply[0] for address, reply in refused.items()} == {
                    "reject@b.example": 550,
                    "broken@b.example": 451,
                }
                assert said == "2.0.0 Taken"
                with pytest.raises(aiosmtplib.SMTPException):
                    await client.login("bob", "secret")

    asyncio.run(test())


# ── swaks ─────────────────────────────────────────────────────────────────────────────────────────────────────────

FROM_TO = ("--from", "ann@a.example", "--to", "bob@b.example", "--helo", "client.example")


@pytest.mark.system
@pytest.mark.parametrize("pipelining", [(), ("--pipeline",)], ids=["one by one", "pipelined"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_swaks_with_starttls_and_auth(
    swaks: RunSwaks, certificates: Certificates, mechanism: str, pipelining: tuple[str, ...]
) -> None:
    def client(server: Endpoint) -> SwaksRun:
        login = ("--auth", mechanism, "--auth-user", "bob", "--auth-password", "secret")
        return swaks(server, *FROM_TO, "--tls", *login, *pipelining, data=LETTER)

    run, received = serving(client, certificates)
    assert run.exit_code == 0, run.transcript
    ((who, message),) = received
    assert (who.user, bool(who.tls)) == ("bob", True)
    assert message.content.rstrip().endswith(b".a dot\r\n..two\r\nend")


@pytest.mark.system
def test_swaks_over_implicit_tls(swaks: RunSwaks, certificates: Certificates) -> None:
    run, received = serving(
        lambda server: swaks(server, *FROM_TO, "--tls-on-connect", data=LETTER), certificates, implicit_tls=True
    )
    assert run.exit_code == 0, run.transcript
    assert received[0][0].tls


@pytest.mark.system
def test_swaks_hears_why(swaks: RunSwaks, certificates: Certificates) -> None:
    def client(server: Endpoint) -> list[SwaksRun]:
        wrong = ("--auth", "PLAIN", "--auth-user", "bob", "--auth-password", "wrong")
        return [
            swaks(server, *FROM_TO, "--tls", *wrong),
            swaks(server, "--from", "ann@a.example", "--to", "reject@b.example,bob@b.example", "--pipeline"),
            swaks(server, "--from", "reject@a.example", "--to", "bob@b.example"),
        ]

    (login, partly, sender), received = serving(client, certificates)
    assert "535 5.7.8 Authentication credentials invalid" in login.transcript
    assert "550 5.1.1 No such mailbox" in partly.transcript
    assert "550 5.7.1 Not from you" in sender.transcript
    assert [login.exit_code, sender.exit_code] == [28, 23]
    assert list(map(str, received[0][1].recipients)) == ["bob@b.example"]


# ── bare sockets ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_blocking_socket_with_one_octet_a_write() -> None:
    def client(server: Endpoint) -> bytes:
        with socket.create_connection(server, timeout=120) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for octet in b"EHLO c\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n..\r\n.\r\nQUIT\r\n":
                connection.send(bytes((octet,)))
            return connection.makefile("rb").read()

    said, received = serving(client)
    assert said.endswith(b"250 2.0.0 Taken\r\n221 2.0.0 Bye\r\n")
    assert received[0][1].content == b".\r\n"
