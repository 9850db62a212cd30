"""The private Dovecot does what its settings say, judged by smtplib."""

import smtplib

import pytest

from tests.peers.dovecot import DovecotSettings
from tests.peers.fixtures import USERS, StartDovecot

pytestmark = pytest.mark.system

LETTER = b"From: ann@a.example\r\nSubject: hello\r\n\r\n.a dot\r\nlast line\r\n"


def test_mail_comes_in_by_lmtp_for_those_who_are_known(start_dovecot: StartDovecot) -> None:
    dovecot = start_dovecot(DovecotSettings(users=USERS))
    with smtplib.LMTP(*dovecot.lmtp) as client:
        for recipient in ("ann@a.example", "bob+x@a.example"):  # smtplib reads one reply, and LMTP has one for each
            assert client.sendmail("cy@c.example", recipient, LETTER) == {}
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail("cy@c.example", "nobody@a.example", LETTER)
    for user in ("ann", "bob"):
        (stored,) = dovecot.messages(user)
        assert stored.endswith(b"Subject: hello\n\n.a dot\nlast line\n")
