"""The private Exim does what its settings say, judged by smtplib."""

import smtplib

import pytest

from tests.peers.certificates import Certificates
from tests.peers.endpoint import Endpoint
from tests.peers.exim import Exim, EximSettings
from tests.peers.fixtures import USERS, StartExim

pytestmark = pytest.mark.system

LETTER = b"From: ann@a.example\r\nSubject: hello\r\n\r\n.a dot\r\n\xe4\r\nlast line\r\n"


def extensions(endpoint: Endpoint) -> dict[str, str]:
    with smtplib.SMTP(*endpoint) as client:
        client.ehlo()
        return client.esmtp_features


def test_mail_is_stored_as_it_came(exim: Exim) -> None:
    with smtplib.SMTP(*exim.smtp) as client:
        refused = client.sendmail(
            "ann@a.example", ["bob@b.example", "reject@b.example", "defer@c.example", "cy@c.example"], LETTER
        )
    assert {address: reply[0] for address, reply in refused.items()} == {
        "reject@b.example": 550,
        "defer@c.example": 450,
    }
    stored = exim.deliveries(2)
    assert {mail.recipient for mail in stored} == {"bob@b.example", "cy@c.example"}
    assert [(mail.sender, mail.content) for mail in stored] == [("ann@a.example", LETTER.replace(b"\r\n", b"\n"))] * 2


def test_it_hangs_up_on_request(exim: Exim) -> None:
    with smtplib.SMTP(*exim.smtp) as client:
        client.ehlo()
        client.mail("ann@a.example")
        assert client.rcpt("hangup@b.example") == (550, b"5.7.1 Go away")
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_passwords_are_asked_for_under_tls(exim: Exim, certificates: Certificates, mechanism: str) -> None:
    assert "auth" not in extensions(exim.smtp)
    method = f"auth_{mechanism.replace('-', '_').lower()}"
    with smtplib.SMTP_SSL("localhost", exim.smtps.port, context=certificates.client_context()) as client:
        client.ehlo()
        assert mechanism in client.esmtp_features["auth"].split()
        client.user, client.password = "bob", "wrong"
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.auth(mechanism, getattr(client, method))
        client.password = USERS["bob"]
        assert client.auth(mechanism, getattr(client, method))[0] == 235


def test_tls_is_verified(exim: Exim, certificates: Certificates) -> None:
    with smtplib.SMTP("localhost", exim.smtp.port) as client:
        client.starttls(context=certificates.client_context())
        client.sendmail("ann@a.example", "bob@b.example", LETTER)
    assert "P=esmtps" in exim.wait_for_log("<= ann@a.example")


@pytest.mark.parametrize("keyword", ["PIPELINING", "CHUNKING", "DSN", "SMTPUTF8", "8BITMIME", "PRDR"])
def test_what_is_offered_can_be_chosen(start_exim: StartExim, keyword: str) -> None:
    everything = EximSettings().keywords
    assert {word.lower() for word in everything} <= set(extensions(start_exim(EximSettings()).smtp))
    rest = tuple(word for word in everything if word != keyword)
    offered = extensions(start_exim(EximSettings(keywords=rest, message_size_limit=4321)).smtp)
    assert keyword.lower() not in offered
    assert offered["size"] == "4321"
