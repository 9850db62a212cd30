"""The aiosmtpd peer does what its settings say, judged by smtplib."""

import smtplib
import ssl

import pytest

from tests.peers.aiosmtpd_server import AiosmtpdServer, AiosmtpdSettings
from tests.peers.certificates import Certificates
from tests.peers.fixtures import StartAiosmtpd

LETTER = b"From: ann@a.example\r\nSubject: hello\r\n\r\n.a dot\r\n"


def test_a_transaction_is_recorded(start_aiosmtpd: StartAiosmtpd) -> None:
    server = start_aiosmtpd(AiosmtpdSettings())
    with smtplib.SMTP(*server.smtp) as client:
        refused = client.sendmail(
            "ann@a.example",
            ["bob@b.example", "reject@b.example", "defer@b.example"],
            LETTER,
            ["BODY=8BITMIME"],
        )
    assert {address: reply[0] for address, reply in refused.items()} == {
        "reject@b.example": 550,
        "defer@b.example": 450,
    }
    (received,) = server.messages()
    assert (received.sender, received.recipients) == ("ann@a.example", ("bob@b.example",))
    assert received.content == LETTER
    assert "BODY=8BITMIME" in received.options
    assert received.user is None


def test_auth_under_starttls(aiosmtpd_server: AiosmtpdServer, certificates: Certificates) -> None:
    with smtplib.SMTP("localhost", aiosmtpd_server.smtp.port) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        client.starttls(context=certificates.client_context())
        client.login("bob", "secret")
        client.sendmail("ann@a.example", "bob@b.example", LETTER)
    assert aiosmtpd_server.messages()[0].user == "bob"


def test_auth_under_implicit_tls(aiosmtpd_server: AiosmtpdServer, certificates: Certificates) -> None:
    with smtplib.SMTP_SSL("localhost", aiosmtpd_server.smtps.port, context=certificates.client_context()) as client:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("bob", "wrong")
        client.login("bob", "secret")
        client.sendmail("ann@a.example", "bob@b.example", LETTER)
    assert aiosmtpd_server.messages()[0].user == "bob"


def test_a_bad_certificate_is_bad(start_aiosmtpd: StartAiosmtpd, certificates: Certificates) -> None:
    server = start_aiosmtpd(AiosmtpdSettings(certificate=certificates.expired))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        smtplib.SMTP_SSL("localhost", server.smtps.port, context=certificates.client_context())


def test_it_stops_with_a_client_still_there() -> None:
    with AiosmtpdServer() as server:
        client = smtplib.SMTP(*server.smtp)
        client.ehlo()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()


def test_mail_that_never_comes_is_missed(start_aiosmtpd: StartAiosmtpd) -> None:
    server = start_aiosmtpd(AiosmtpdSettings())
    assert server.messages(0) == []
    with pytest.raises(TimeoutError, match="0 of 1"):
        server.messages(1, patience=0.01)
