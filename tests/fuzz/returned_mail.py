"""What comes back, mutated: any bytes are some kind of report, and any words a refusal that means something."""

import json
from collections.abc import Sequence
from pathlib import Path

from postroad.reports.classes import Action
from postroad.reports.classify import classify_text
from postroad.reports.parse import parse
from postroad.reports.report import ReportKind
from tests.conftest import corpora_folder

MOST_OCTETS = 30_000  # of one seed
REPLIES = (Path(__file__).parents[1] / "reports" / "replies.txt").read_bytes().splitlines()
NOTICE = b"""\
Return-Path: <>
From: MAILER-DAEMON@mx.example
To: joe@acme.example
Subject: Delivery Status Notification (Failure)
X-Failed-Recipients: ann@example.com
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain; charset=iso-2022-jp

<ann@example.com>: host mx[192.0.2.1] said: 550 5.1.1 no (in reply to RCPT TO command)
--b
Content-Type: message/global-delivery-status
Content-Transfer-Encoding: base64

UmVwb3J0aW5nLU1UQTogZG5zOyBhCgpGaW5hbC1SZWNpcGllbnQ6IHV0Zi04OyBhblx4e0U5fUBiCkFjdGlvbjogZmFpbGVkClN0YXR1czogNS4xLjEK
--b
Content-Type: message/rfc822

Message-ID: <1@acme.example>
To: ann@example.com

--b--
"""


def check_returned_mail(data: bytes) -> None:
    """It can be written as JSON; nobody is named but by a report, and an error says why."""
    report = parse(data)
    json.dumps(report.as_json(), ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass")
    assert (report.fault is not None) == (report.kind is ReportKind.ERROR)
    assert not (report.events and report.kind is ReportKind.NONE)
    for event in report.events:
        assert 0 <= event.confidence <= 1
        assert "\n" not in event.recipient


def check_replies(data: bytes) -> None:
    """A meaning and an advice, and nobody is given up for a "not now"."""
    text = data.decode("utf-8", "replace")
    found = classify_text(text)
    assert found.meaning
    assert found.advice
    assert classify_text(f"450 4.0.0 {text}").action is not Action.SUPPRESS


def notices() -> Sequence[bytes]:
    """Real ones where they are at hand."""
    folder = corpora_folder()
    files = [*sorted((folder / "bounces").rglob("*.*")), *sorted((folder / "arf").glob("*.eml"))]
    mails = [path for path in files if path.suffix in (".eml", ".txt")]
    return (NOTICE, *(path.read_bytes()[:MOST_OCTETS] for path in mails[::3]))
