"""The private Postfix does what its settings say, judged by smtplib."""

import base64
import smtplib
import ssl

import pytest

from tests.peers.certificates import Certificates
from tests.peers.endpoint import Endpoint
from tests.peers.fixtures import USERS, StartPostfix
from tests.peers.postfix import Postfix, PostfixSettings

pytestmark = pytest.mark.system

LETTER = b"From: ann@a.example\r\nSubject: hello\r\n\r\n.a dot\r\n\xe4\r\nlast line\r\n"


def extensions(endpoint: Endpoint) -> dict[str, str]:
    with smtplib.SMTP(*endpoint) as client:
        client.ehlo()
        return client.esmtp_features


def test_mail_is_stored_as_it_came(postfix: Postfix) -> None:
    with smtplib.SMTP(*postfix.smtp) as client:
        client.sendmail("ann@a.example", ["bob@b.example", "cy@c.example"], LETTER, ["BODY=8BITMIME"])
    stored = postfix.deliveries(2)
    assert {mail.recipient for mail in stored} == {"bob@b.example", "cy@c.example"}
    assert [mail.content for mail in stored] == [LETTER.replace(b"\r\n", b"\n")] * 2
    assert [mail.sender for mail in stored] == ["ann@a.example"] * 2
    assert all(raw.endswith(b"last line\n") for raw in postfix.messages(2))


def test_two_local_parts_are_refused(postfix: Postfix) -> None:
    with smtplib.SMTP(*postfix.smtp) as client:
        refused = client.sendmail("ann@a.example", ["bob@b.example", "reject@b.example", "defer@c.example"], LETTER)
    assert {address: reply[0] for address, reply in refused.items()} == {
        "reject@b.example": 550,
        "defer@c.example": 450,
    }
    assert refused["reject@b.example"][1].startswith(b"5.1.1")
    assert refused["defer@c.example"][1].startswith(b"4.2.0")
    assert len(postfix.deliveries(1)) == 1


def test_starttls_and_implicit_tls_are_verified(postfix: Postfix, certificates: Certificates) -> None:
    trust = certificates.client_context()
    with smtplib.SMTP("localhost", postfix.smtp.port) as client:
        client.starttls(context=trust)
        client.sendmail("ann@a.example", "bob@b.example", LETTER)
    with smtplib.SMTP_SSL("localhost", postfix.smtps.port, context=trust) as client:
        client.sendmail("ann@a.example", "bob@b.example", LETTER)
    assert len(postfix.deliveries(2)) == 2


@pytest.mark.parametrize("fault", ["expired", "wrong_host", "self_signed"])
def test_each_bad_certificate_is_bad(start_postfix: StartPostfix, certificates: Certificates, fault: str) -> None:
    postfix = start_postfix(PostfixSettings(certificate=getattr(certificates, fault)))
    complaint = {
        "expired": "expired",
        "wrong_host": "not valid for 'localhost'",
        "self_signed": "self-signed",
    }
    with (
        smtplib.SMTP("localhost", postfix.smtp.port) as client,
        pytest.raises(ssl.SSLCertVerificationError, match=complaint[fault]),
    ):
        client.starttls(context=certificates.client_context())


@pytest.mark.parametrize("mechanism", ["plain", "login"])
@pytest.mark.parametrize("user", USERS)
def test_passwords_are_asked_for(start_postfix: StartPostfix, mechanism: str, user: str) -> None:
    postfix = start_postfix(PostfixSettings(users=USERS))
    assert extensions(postfix.smtp)["auth"].split() == ["PLAIN", "LOGIN"]
    with smtplib.SMTP(*postfix.smtp) as client:
        client.ehlo()
        code, _ = client.docmd("AUTH", mechanism.upper())
        assert code == 334
        assert client.docmd("*")[0] == 501
        assert authenticate(client, mechanism, user, "wrong") == 535
        assert authenticate(client, mechanism, user, USERS[user]) == 235


def authenticate(client: smtplib.SMTP, mechanism: str, user: str, password: str) -> int:
    """As RFC 4954 has it; smtplib itself knows ASCII passwords only."""
    plain = [f"\0{user}\0{password}"]
    answers = {"plain": plain, "login": [user, password]}[mechanism]
    code, _ = client.docmd("AUTH", mechanism.upper())
    for answer in answers:
        assert code == 334
        code, _ = client.docmd(base64.b64encode(answer.encode()).decode())
    return code


def test_no_password_travels_in_the_clear_where_tls_is_offered(postfix: Postfix) -> None:
    offered = extensions(postfix.smtp)
    assert "starttls" in offered
    assert "auth" not in offered


def test_what_is_offered_can_be_chosen(start_postfix: StartPostfix) -> None:
    plain = extensions(start_postfix(PostfixSettings()).smtp)
    assert {"pipelining", "8bitmime", "smtputf8", "enhancedstatuscodes", "dsn"} <= set(plain)
    assert not {"starttls", "auth"} & set(plain)
    meagre = PostfixSettings(
        smtputf8=False, message_size_limit=4321, hidden_keywords=("pipelining", "8bitmime", "chunking")
    )
    offered = extensions(start_postfix(meagre).smtp)
    assert not {"pipelining", "8bitmime", "chunking", "smtputf8"} & set(offered)
    assert offered["size"] == "4321"


def test_a_message_over_the_limit_is_refused(start_postfix: StartPostfix) -> None:
    postfix = start_postfix(PostfixSettings(message_size_limit=2000))
    with smtplib.SMTP(*postfix.smtp) as client, pytest.raises(smtplib.SMTPSenderRefused) as caught:
        client.sendmail("ann@a.example", "bob@b.example", LETTER + b"x" * 3000)
    assert caught.value.smtp_code == 552


def test_instances_stand_side_by_side(start_postfix: StartPostfix) -> None:
    first, second = start_postfix(PostfixSettings()), start_postfix(PostfixSettings())
    with smtplib.SMTP(*second.smtp) as client:
        client.sendmail("ann@a.example", "bob@b.example", LETTER)
    assert len(second.deliveries(1)) == 1
    assert first.messages(0) == []
    assert "status=sent" in second.wait_for_log("to=<bob@b.example>")
    assert "bob@b.example" not in first.log()


def test_mail_that_never_comes_is_missed_with_the_log(start_postfix: StartPostfix) -> None:
    postfix = start_postfix(PostfixSettings())
    with pytest.raises(TimeoutError) as caught:
        postfix.messages(1, patience=0.02)
    assert "daemon started" in caught.value.__notes__[0]
    assert postfix.queued() == 0
