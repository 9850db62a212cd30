"""Failure reports: all their fields, those of Exim, and those that are none."""

import json
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from postroad.errors import MessageError
from postroad.reports.dmarc_failure import read_failure_report
from postroad.reports.feedback_details import details_of
from postroad.reports.feedback_report import read_feedback_report
from postroad.reports.mail import read_mail
from tests.reports.report_files import FAILURE_FIELDS, ORIGINAL_HEADER, failure_report


def test_all_fields_are_read() -> None:
    read = read_failure_report(read_mail(failure_report()))
    assert read is not None
    assert read.deviations == ()
    assert (read.auth_failure, read.delivery_result, read.identity_alignment) == ("dmarc", "reject", ("dkim", "spf"))
    assert read.arrival_date == datetime(2022, 7, 19, 5, 57, 48, tzinfo=UTC)
    assert (read.source_ip, read.source_port, read.incidents) == (ip_address("2001:db8::2"), 12345, 3)
    assert read.authentication_results[1] == "other.example; spf=fail"
    assert read.dkim_canonicalized_body == "VGhpcyBpcyBhIGJvZHk="
    assert (read.original_mail_from, read.original_rcpt_to) == ("ann@example.com", ("bob@receiver.example",))
    assert read.reported_domain == ("example.com",)
    assert read.headers is not None
    assert read.headers.startswith("Message-ID")
    assert read.original is not None
    assert read.original.subject == "Grüße"
    written = json.loads(json.dumps(read.as_json()))
    assert written["arrival_date"] == 1658210268
    assert written["original"]["from"] == "Ann <ann@example.com>"


def test_the_whole_message_may_come_along() -> None:
    read = read_failure_report(read_mail(failure_report(kind="message/rfc822", original=f"{ORIGINAL_HEADER}\nbody\n")))
    assert read is not None
    assert read.headers is None
    assert read.original is not None
    assert read.original.message_id == "<1@example.com>"


@pytest.mark.parametrize(
    ("line", "instead", "deviation"),
    [
        ("Identity-Alignment: dkim, spf\n", "", "Identity-Alignment is missing"),
        ("Version: 1\n", "", "Version is missing"),
        ("Source-IP: 2001:DB8::2\n", "Source-IP: mail.example\n", "source-ip is 'mail.example', no address"),
        ("Source-Port: 12345", "Source-Port: 70000", "source-port is '70000', no number up to 65535"),
        ("Auth-Failure: dmarc", "Auth-Failure: mood", "auth-failure is 'mood', a word that no RFC knows"),
        ("Arrival-Date: Tue, 19 Jul 2022 00:57:48 -0500", "Arrival-Date: once", "arrival-date is 'once', no date"),
    ],
)
def test_what_deviates_is_said(line: str, instead: str, deviation: str) -> None:
    assert line in FAILURE_FIELDS
    read = read_failure_report(read_mail(failure_report(FAILURE_FIELDS.replace(line, instead))))
    assert read is not None
    assert deviation in read.deviations


@pytest.mark.parametrize(
    ("source", "of"),
    [("192.0.2.1 (mail.example)", "192.0.2.1"), ("[192.0.2.1]", "192.0.2.1"), ("IPv6:2001:db8::1", "2001:db8::1")],
)
def test_how_addresses_are_written(source: str, of: str) -> None:
    read = read_failure_report(read_mail(failure_report(FAILURE_FIELDS.replace("2001:DB8::2", source))))
    assert read is not None
    assert read.source_ip == ip_address(of)


def test_none_is_aligned_and_the_null_sender_are_values() -> None:
    fields = FAILURE_FIELDS.replace("dkim, spf", "none").replace("<ann@example.com>", "<>")
    read = read_failure_report(read_mail(failure_report(fields)))
    assert read is not None
    assert (read.identity_alignment, read.original_mail_from) == ((), "")


def test_a_report_about_nothing_is_refused() -> None:
    with pytest.raises(MessageError, match="neither Reported-Domain nor Source-IP"):
        read_failure_report(read_mail(failure_report("Feedback-Type: auth-failure\nVersion: 1\n")))


def test_a_complaint_is_no_failure_report() -> None:
    assert read_failure_report(read_mail(failure_report(FAILURE_FIELDS.replace("auth-failure", "abuse")))) is None
    assert (
        read_failure_report(read_mail(b"From: a@example.com\n\nA message claiming to be from you has failed\n")) is None
    )


EXIM = """\
From: postmaster@receiver.example
Content-Type: multipart/report; boundary=b
Subject: DMARC Forensic Report for example.com from IP 192.0.2.9

--b
Content-Type: text/plain; charset=us-ascii

A message claiming to be from you has failed the published DMARC policy for your domain.

  Sender Domain: Example.com
  Sender IP Address: 192.0.2.9
  Received date: Mon, 07 Apr 2025 23:16:09 +0200
  SPF Alignment: yes
  DKIM Alignment: no
  DMARC Results: Reject, Reject

------ This is a copy of the headers that were received before the error was detected.

Message-Id: <1@example.com>
Subject: Payment

--b--
"""


def test_the_text_that_exim_writes_is_read() -> None:
    read = read_failure_report(read_mail(EXIM.encode()))
    assert read is not None
    assert (read.reported_domain, read.source_ip) == (("example.com",), ip_address("192.0.2.9"))
    assert (read.auth_failure, read.identity_alignment) == ("dmarc", ("dkim",))
    assert read.arrival_date == datetime(2025, 4, 7, 21, 16, 9, tzinfo=UTC)
    assert read.original is not None
    assert (read.original.message_id, read.original.subject) == ("<1@example.com>", "Payment")


# Another program's words for ours.
THEIR_WORDS = {"AuthFailure": "auth-failure", "Unspecified": None}


def our_word(value: Any) -> Any:
    if isinstance(value, list):
        return [our_word(one) for one in value] or None
    if isinstance(value, str):
        return THEIR_WORDS.get(value, " ".join(value.split()).removeprefix("<").removesuffix(">"))
    return value or None


def test_public_feedback_reports_are_read_as_another_program_reads_them(corpora: Path) -> None:
    words = ("feedback_type", "auth_failure", "delivery_result")
    compared = 0
    for path in sorted((corpora / "arf").glob("*.eml")):
        mail = read_mail(path.read_bytes())
        found = read_feedback_report(mail)
        assert found is not None
        ours = details_of(found, mail).as_json()
        for name, theirs in json.loads(path.with_suffix(".json").read_text()).items():
            if name == "message":  # which they give nowhere, and we not at all
                continue
            expected = our_word(theirs.lower() if name in words and theirs.lower() != "unspecified" else theirs)
            if name == "feedback_type":
                expected = "auth-failure" if expected == "authfailure" else expected
            if name == "dkim_canonicalized_body" and expected:
                expected = expected.replace(" ", "")
            assert our_word(ours[name]) == expected, (path.name, name)
            compared += 1
    assert compared > 100
