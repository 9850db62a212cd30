"""smtp-sink, smtp-source and swaks run, and say how it went."""

import smtplib
import subprocess

import pytest

from tests.peers.aiosmtpd_server import AiosmtpdServer
from tests.peers.fixtures import RunSwaks, StartSink
from tests.peers.sink import SmtpSink, run_smtp_source

pytestmark = pytest.mark.system


def test_the_sink_takes_mail(smtp_sink: SmtpSink) -> None:
    with smtplib.SMTP(*smtp_sink.smtp) as client:
        assert client.sendmail("ann@a.example", "bob@b.example", b"Subject: x\r\n\r\nhello\r\n") == {}
    assert smtp_sink.received() == 1


def test_the_sink_refuses_on_request(start_sink: StartSink) -> None:
    with smtplib.SMTP(*start_sink("-f", "RCPT").smtp) as client, pytest.raises(smtplib.SMTPRecipientsRefused):
        client.sendmail("ann@a.example", "bob@b.example", b"hello\r\n")


def test_the_source_fills_the_sink(smtp_sink: SmtpSink) -> None:
    run_smtp_source(smtp_sink.smtp, "-s", "5", "-m", "50", "-l", "500")
    assert smtp_sink.received() == 50


def test_the_source_says_when_mail_is_refused(start_sink: StartSink) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run_smtp_source(start_sink("-f", "MAIL").smtp, "-m", "3")


def test_swaks_reports_both_ends(swaks: RunSwaks, aiosmtpd_server: AiosmtpdServer) -> None:
    run = swaks(aiosmtpd_server.smtp, "--to", "bob@b.example", "--tls", data=b"Subject: x\n\n.dot\n")
    assert run.exit_code == 0, run.transcript
    assert "250 2.0.0 Taken" in run.transcript
    assert aiosmtpd_server.messages()[0].content == b"Subject: x\r\n\r\n.dot\r\n"
    refused = swaks(aiosmtpd_server.smtp, "--to", "reject@b.example")
    assert refused.exit_code == 24
    assert "550 5.1.1" in refused.transcript
