"""``postroad report parse`` and ``postroad explain``."""

import json
from pathlib import Path

import pytest

from tests.cli.command import run_inside

EVENT_KEYS = {
    "recipient", "class", "reason", "action", "status", "reply", "provider", "remote_mta", "diagnostic", "message_id",
    "feedback_type", "confidence", "rule",
}  # fmt: skip
BOUNCE = b"""\
Return-Path: <>
From: MAILER-DAEMON@mx.acme.example (Mail Delivery System)
To: joe@acme.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

This is the mail system at host mx.acme.example.

<ann@example.com>: host mx.example.com[192.0.2.1] said: 550 5.1.1 <ann@example.com>: Recipient address rejected:
    User unknown (in reply to RCPT TO command)
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.acme.example

Final-Recipient: rfc822; ann@example.com
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.com
Diagnostic-Code: smtp; 550 5.1.1 <ann@example.com>: Recipient address rejected: User unknown

--b
Content-Type: message/rfc822

From: joe@acme.example
To: ann@example.com
Message-ID: <1@acme.example>
Subject: Hello

Hi
--b--
"""
COMPLAINT = b"""\
From: feedback@isp.example
To: abuse@acme.example
Subject: complaint
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: text/plain

This is an abuse report.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: x/1
Version: 1
Original-Rcpt-To: <ann@isp.example>

--b
Content-Type: message/rfc822

To: ann@isp.example
Message-ID: <2@acme.example>

Hi
--b--
"""
VACATION = b"""\
From: Ann <ann@example.com>
To: joe@acme.example
Subject: Automatische Antwort: Hello
Auto-Submitted: auto-replied
In-Reply-To: <3@acme.example>

Ich bin im Urlaub.
"""


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    contents = {
        "bounce.eml": BOUNCE,
        "complaint.eml": COMPLAINT,
        "vacation.eml": VACATION,
        "delayed.eml": BOUNCE.replace(b"Action: failed", b"Action: delayed").replace(b"5.1.1", b"4.4.1").replace(
            b"550", b"451"
        ),
        "delivered.eml": BOUNCE.replace(b"Action: failed", b"Action: relayed").replace(
            b"Status: 5.1.1", b"Status: 2.1.5"
        ),
        "letter.eml": b"From: ann@example.com\nSubject: Hello\n\nHi\n",
        "broken.xml": b"<?xml version='1.0'?><feedback><report_metadata></feedback>",
    }  # fmt: skip
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return [str(tmp_path / name) for name in contents]


def test_each_file_has_its_line(files: list[str]) -> None:
    ended = run_inside("report", "parse", "--jsonl", *files)
    assert ended.code == 0
    assert [line["file"] for line in ended.lines] == files
    kinds = ["bounce", "complaint", "autoreply", "delayed", "delivered", "none", "error"]
    assert [line["kind"] for line in ended.lines] == kinds
    for line in ended.lines:
        assert line.keys() - {"error", "report"} == {"file", "kind", "events"}
        assert all(event.keys() == EVENT_KEYS for event in line["events"])
    assert ended.lines[-1]["error"]["message"]
    assert ended.lines[-1]["error"]["retryable"] is False


def test_a_bounce_tells_who_why_and_what_to_do(files: list[str]) -> None:
    [event] = run_inside("report", "parse", "--json", files[0]).json["events"]
    assert event == {
        "recipient": "ann@example.com", "class": "hard_recipient", "reason": "user_unknown", "action": "suppress",
        "status": "5.1.1", "reply": "550", "provider": None, "remote_mta": "mx.example.com",
        "diagnostic": "550 5.1.1 <ann@example.com>: Recipient address rejected: User unknown",
        "message_id": "<1@acme.example>", "feedback_type": None, "confidence": 0.9, "rule": "user-unknown-and-5-1-1",
    }  # fmt: skip


def test_what_others_tell(files: list[str]) -> None:
    lines = run_inside("report", "parse", "--jsonl", *files).lines
    [complaint], [vacation], [delayed], [delivered] = (line["events"] for line in lines[1:5])
    assert (complaint["recipient"], complaint["action"], complaint["feedback_type"], complaint["message_id"]) == (
        "ann@isp.example", "complaint", "abuse", "<2@acme.example>",
    )  # fmt: skip
    assert (vacation["recipient"], vacation["class"], vacation["action"]) == ("ann@example.com", "autoreply", "ignore")
    assert vacation["message_id"] == "<3@acme.example>"
    assert delayed["action"] == "soft"
    assert (delivered["class"], delivered["action"]) == ("delivered", "ignore")


def test_for_people(files: list[str]) -> None:
    ended = run_inside("report", "parse", *files)
    assert ended.code == 65
    assert "ann@example.com: hard_recipient (user_unknown) by mx.example.com, suppress [550 5.1.1]" in ended.stdout
    assert "XML" in ended.stderr


def test_a_file_that_is_not_there_keeps_its_line(files: list[str], tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.eml")
    ended = run_inside("report", "parse", "--jsonl", missing, files[0])
    assert ended.code == 65
    assert [line["kind"] for line in ended.lines] == ["error", "bounce"]
    assert run_inside("report", "parse", missing).code == 65


def test_standard_input_and_many_in_one_document(files: list[str]) -> None:
    assert run_inside("report", "parse", "-", "--json", given=BOUNCE).json["kind"] == "bounce"
    many = run_inside("report", "parse", "--json", *files[:2]).json["reports"]
    assert [one["kind"] for one in many] == ["bounce", "complaint"]


def test_an_address_cannot_paint_the_terminal() -> None:
    ended = run_inside("report", "parse", "-", given=BOUNCE.replace(b"Hello", b"x").replace(b"User", b"\x1b[31mUser"))
    assert "\x1b[31m" not in ended.stdout


# ── explain ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_reply_is_explained() -> None:
    ended = run_inside(
        "explain", "550-5.7.26 This mail has been blocked because the sender is unauthenticated. - gsmtp"
    )
    assert ended.code == 0
    assert "block_auth" in ended.stdout
    assert "gmail" in ended.stdout
    assert "SPF and DKIM" in ended.stdout


def test_replies_on_standard_input_have_a_line_each() -> None:
    given = "550 5.1.1 User unknown\n\n452 4.2.2 mailbox full\n550-5.7.27 no - gsmtp\n"
    lines = run_inside("explain", "--jsonl", given=given).lines
    assert [line["class"] for line in lines] == ["hard_recipient", "unknown", "mailbox_full", "block_auth"]
    assert all(line.keys() == {"class", "reason", "action", "provider", "meaning", "advice"} for line in lines)
    assert [line["provider"] for line in lines] == [None, None, None, "gmail"]


def test_the_host_may_decide() -> None:
    reply = "550 5.7.27 no"
    found = [run_inside("explain", "--json", *host, reply).json for host in ((), ("--host", "mx.google.com"))]
    assert [one["reason"] for one in found] == ["sender_refused", "spf_fail"]


def test_what_is_no_text_is_explained_as_unknown() -> None:
    assert json.loads(run_inside("explain", "--jsonl", given=b"\xff\x00\n").stdout)["class"] == "unknown"
