"""The catching handler and the server built of it, with smtplib as the client."""

import asyncio
import smtplib
import ssl
from collections.abc import Callable

import aiosmtplib
import pytest

from postroad.inbox.catch import Greylist, Refuse, Rule
from postroad.inbox.catching_server import CatchingServer
from postroad.smtp.replies import from_text

LETTER = b"From: ann@a.example\r\nSubject: hello\r\n\r\nhello\r\n"


def catching(client: Callable[[CatchingServer], None], server: Callable[[], CatchingServer]) -> CatchingServer:
    async def serve() -> CatchingServer:
        async with server() as running:
            await asyncio.to_thread(client, running)
            return running

    return asyncio.run(serve())


def connected(server: CatchingServer) -> smtplib.SMTP:
    return smtplib.SMTP(*server.address, timeout=120)


def test_everything_is_caught_with_any_credentials() -> None:
    def client(server: CatchingServer) -> None:
        with connected(server) as connection:
            connection.login("whoever", "whatever")
            connection.sendmail("ann@a.example", ["bob@b.example", "eve@e.example"], LETTER)
            connection.sendmail("", "eve@e.example", b"x" * 5000 + b"\r\n")  # longer than strict servers take a line

    first, second = catching(client, CatchingServer).caught
    assert first.mail_from == "ann@a.example"
    assert list(map(str, first.recipients)) == ["bob@b.example", "eve@e.example"]
    assert first.content == LETTER
    assert first.client.user == "whoever"
    assert second.mail_from is None


def test_rules_for_recipients() -> None:
    rules: dict[str, Rule] = {
        "nobody@b.example": Refuse(),
        "full@b.example": Refuse(from_text("452 4.2.2 Mailbox full")),
        "Grey@b.example": Greylist(times=2),
    }

    def client(server: CatchingServer) -> None:
        with connected(server) as connection:
            to = ["bob@b.example", "nobody@b.example", "full@b.example", "grey@B.example"]
            refused = connection.sendmail("ann@a.example", to, LETTER)
            assert refused == {
                "nobody@b.example": (550, b"5.1.1 No such mailbox here"),
                "full@b.example": (452, b"4.2.2 Mailbox full"),
                "grey@B.example": (451, b"4.7.1 Greylisted, try again later"),
            }
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                connection.sendmail("ann@a.example", "GREY@b.example", LETTER)
            assert connection.sendmail("ann@a.example", "grey@b.example", LETTER) == {}

    caught = catching(client, lambda: CatchingServer(rules=rules)).caught
    assert [list(map(str, message.recipients)) for message in caught] == [["bob@b.example"], ["grey@b.example"]]


def test_credentials_that_are_asked_for() -> None:
    def client(server: CatchingServer) -> None:
        with smtplib.SMTP("localhost", server.address[1], timeout=120) as connection:
            with pytest.raises(smtplib.SMTPSenderRefused, match="Authentication required"):
                connection.sendmail("ann@a.example", "bob@b.example", LETTER)
            connection.starttls(context=server.certificate.client_context())
            for user, password in (("bob", "wrong"), ("eve", "secret!")):
                with pytest.raises(smtplib.SMTPAuthenticationError):
                    connection.login(user, password)
            connection.login("bob", "secret!")
            connection.sendmail("ann@a.example", "bob@b.example", LETTER)

    server = catching(client, lambda: CatchingServer(credentials={"bob": "secret!"}))
    assert (server.caught[0].client.user, bool(server.caught[0].client.tls)) == ("bob", True)


def test_the_certificate_is_trusted_by_nobody_by_itself() -> None:
    def client(server: CatchingServer) -> None:
        with connected(server) as connection, pytest.raises(ssl.SSLCertVerificationError):
            connection.starttls(context=ssl.create_default_context())

    catching(client, CatchingServer)


def test_waiting_for_messages() -> None:
    async def test() -> None:
        told: list[bytes] = []
        async with CatchingServer(on_caught=lambda caught: told.append(caught.content)) as server:
            host, port = server.address
            waiting = asyncio.ensure_future(server.wait_for(3))
            for number in range(3):
                assert not waiting.done()
                await aiosmtplib.send(
                    b"%d\r\n" % number, sender="a@a.example", recipients=["b@b.example"], hostname=host, port=port,
                    start_tls=False,
                )  # fmt: skip
            caught = await asyncio.wait_for(waiting, 60)
        assert [message.content for message in caught] == told == [b"0\r\n", b"1\r\n", b"2\r\n"]

    asyncio.run(test())


def test_what_cannot_be_kept_is_not_taken(caplog: pytest.LogCaptureFixture) -> None:
    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    def client(server: CatchingServer) -> None:
        with connected(server) as connection, pytest.raises(smtplib.SMTPDataError, match="try again later"):
            connection.sendmail("ann@a.example", "bob@b.example", LETTER)

    catching(client, lambda: CatchingServer(on_caught=full))
    assert "the handler failed" in caplog.text
