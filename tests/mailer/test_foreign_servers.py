"""The client against servers that share no code with it: Postfix and aiosmtpd."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pytest

from postroad import (
    AsyncMailer,
    AuthenticationError,
    Email,
    Mailer,
    MessageError,
    RawMessage,
    RecipientsRefused,
    SendReport,
    TlsError,
    TlsModeMismatch,
    Unsupported,
)
from tests.peers.aiosmtpd_server import AiosmtpdServer, AiosmtpdSettings
from tests.peers.certificates import Certificates
from tests.peers.endpoint import Endpoint
from tests.peers.fixtures import USERS, StartAiosmtpd, StartPostfix
from tests.peers.postfix import Postfix, PostfixSettings

BODY = b".a dot\r\n..two\r\n" + b"\xc3\xa4 long line " + b"x" * 900 + b"\r\n.\r\nend\r\n"
CONTENT = b"From: ann@a.example\r\nSubject: hello\r\n\r\n" + BODY
LETTER = RawMessage(CONTENT, envelope_from="ann@a.example", recipients=["bob@b.example", "eve@e.example"])


@dataclass(frozen=True)
class Peer:
    """A running server, and how to see what it took: the contents, with CRLF line ends."""

    smtp: Endpoint
    smtps: Endpoint
    contents: Callable[[int], list[bytes]]


class StartPeer(Protocol):
    """Start a server that takes messages up to so many octets."""

    def __call__(self, *, max_octets: int = ..., smtputf8: bool = ...) -> Peer: ...


@pytest.fixture
def start_postfix_peer(start_postfix: StartPostfix, certificates: Certificates) -> StartPeer:
    def start(*, max_octets: int = 10_000_000, smtputf8: bool = True) -> Peer:
        server: Postfix = start_postfix(
            PostfixSettings(
                certificate=certificates.good, users=USERS, message_size_limit=max_octets, smtputf8=smtputf8
            )
        )
        return Peer(
            server.smtp,
            server.smtps,
            lambda count: [one.content.replace(b"\n", b"\r\n") for one in server.deliveries(count)],
        )

    return start


@pytest.fixture
def start_aiosmtpd_peer(start_aiosmtpd: StartAiosmtpd, certificates: Certificates) -> StartPeer:
    def start(*, max_octets: int = 10_000_000, smtputf8: bool = True) -> Peer:
        server: AiosmtpdServer = start_aiosmtpd(
            AiosmtpdSettings(
                certificate=certificates.good, users=USERS, message_size_limit=max_octets, smtputf8=smtputf8
            )
        )

        def contents(count: int) -> list[bytes]:
            received = server.messages(1)
            while sum(len(one.recipients) for one in received) < count:
                received = server.messages(len(received) + 1)
            return [one.content for one in received for _ in one.recipients]

        return Peer(server.smtp, server.smtps, contents)

    return start


@pytest.fixture(params=[pytest.param("postfix", marks=pytest.mark.system), "aiosmtpd"])
def start_peer(request: pytest.FixtureRequest) -> StartPeer:
    start: StartPeer = request.getfixturevalue(f"start_{request.param}_peer")
    return start


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_tls_and_auth_both_ways(start_peer: StartPeer, certificates: Certificates, scheme: str, user: str) -> None:
    peer = start_peer()
    port = peer.smtps.port if scheme == "smtps" else peer.smtp.port
    url = f"{scheme}://localhost:{port}?ca={certificates.ca}"
    with Mailer(url, username=user, password=USERS[user]) as mailer:
        seen = str(mailer.check())
        report = mailer.send(LETTER)
    assert "TLSv1" in seen
    assert f"authenticated as {user}" in seen
    assert len(report.accepted) == 2
    assert peer.contents(2) == [CONTENT, CONTENT]


def test_a_wrong_password(start_peer: StartPeer, certificates: Certificates) -> None:
    peer = start_peer()
    url = f"smtp://localhost:{peer.smtp.port}?ca={certificates.ca}"
    with Mailer(url, username="ann", password="wrong") as mailer, pytest.raises(AuthenticationError) as caught:
        mailer.send(LETTER)
    assert caught.value.code == 535
    assert "wrong" not in "".join(map(str, caught.value.transcript))


def test_partial_refusal_and_another_try(start_peer: StartPeer, certificates: Certificates) -> None:
    peer = start_peer()
    email = Email(
        from_="ann@a.example",
        to=["bob@b.example", "reject@b.example", "defer@c.example"],
        subject="Grüße",
        text="hi",
    )
    with Mailer(
        f"smtp://localhost:{peer.smtp.port}?ca={certificates.ca}", username="bob", password="secret", retry=None
    ) as mailer:
        report = mailer.send(email)
        with pytest.raises(RecipientsRefused) as caught:
            mailer.send(email.replace(to=["reject@b.example", "defer@b.example"]))
    assert [str(one.recipient) for one in report.accepted] == ["bob@b.example"]
    assert report.refused["reject@b.example"].permanent
    assert report.refused["defer@c.example"].temporary
    assert str(report.refused["reject@b.example"].enhanced) == "5.1.1"
    assert caught.value.temporary
    assert b"Subject: =?utf-8?" in peer.contents(1)[0]


def test_many_pipelined_over_few_connections(start_peer: StartPeer, certificates: Certificates) -> None:
    peer = start_peer()
    url = f"smtp://localhost:{peer.smtp.port}?ca={certificates.ca}&pool=2"
    letters = [
        RawMessage(b"Subject: %d\r\n\r\nhi\r\n" % number, envelope_from="", recipients="bob@b.example")
        for number in range(30)
    ]

    async def work() -> list[SendReport]:
        async with AsyncMailer(url, username="bob", password="secret") as mailer:
            return [report async for report in mailer.send_many(letters)]

    reports = asyncio.run(work())
    assert all(report.accepted for report in reports)
    assert sorted(content.split(b"\r\n")[0] for content in peer.contents(30)) == sorted(
        b"Subject: %d" % number for number in range(30)
    )


def test_what_the_server_cannot_take(start_peer: StartPeer, certificates: Certificates) -> None:
    peer = start_peer(max_octets=100_000, smtputf8=False)
    large = RawMessage(b"Subject: x\r\n\r\n" + b"x" * 100_000, envelope_from="", recipients="bob@b.example")
    with Mailer(f"smtp://localhost:{peer.smtp.port}?ca={certificates.ca}", username="bob", password="secret") as mailer:
        with pytest.raises(MessageError, match="the server takes 100000"):
            mailer.send(large)
        with pytest.raises(Unsupported, match="SMTPUTF8"):
            mailer.send(RawMessage(b"Subject: x\r\n\r\n", envelope_from="", recipients="jörg@b.example"))
        assert mailer.send(LETTER).accepted


def test_a_wrong_mode(start_peer: StartPeer, certificates: Certificates) -> None:
    peer = start_peer()
    with pytest.raises(TlsModeMismatch) as caught:
        Mailer(f"smtps://localhost:{peer.smtp.port}?ca={certificates.ca}").check()
    assert f"smtp://localhost:{peer.smtp.port}" in caught.value.advice
    with pytest.raises(TlsModeMismatch) as caught:
        Mailer(f"smtp://localhost:{peer.smtps.port}?ca={certificates.ca}&timeout=2").check()
    assert f"smtps://localhost:{peer.smtps.port}" in caught.value.advice


@pytest.mark.parametrize("fault", ["expired", "wrong_host", "self_signed"])
def test_a_bad_certificate(start_aiosmtpd: StartAiosmtpd, certificates: Certificates, fault: str) -> None:
    server = start_aiosmtpd(AiosmtpdSettings(certificate=getattr(certificates, fault), users=USERS))
    for url in (f"smtp://localhost:{server.smtp.port}", f"smtps://localhost:{server.smtps.port}"):
        mailer = Mailer(f"{url}?ca={certificates.ca}", username="bob", password="secret")
        with mailer, pytest.raises(TlsError, match="not trusted"):
            mailer.send(LETTER)
