"""Ordinary mail is never a bounce, whatever it speaks of."""

from pathlib import Path

import pytest

from postroad import Email
from postroad.reports.mail import read_mail
from postroad.reports.notice import read_returned
from postroad.reports.parse import parse
from postroad.reports.report import ReportKind

LETTER = """\
From: Ann Example <ann@example.com>
To: Bob <bob@example.com>
Subject: {subject}
Message-ID: <1@example.com>
Date: Mon, 23 Nov 2026 09:00:00 +0000
{more}
{body}
"""
BOUNCE_WORDS = """\
Hi Bob,

last week's mail to carol@example.net came back with "550 5.1.1 User unknown", and the one to
dave@example.org could not be delivered because the mailbox is full. Delivery failed permanently, says the log:

    <<< 550 5.1.1 <carol@example.net>... User unknown
    Final-Recipient: rfc822; carol@example.net

Can you ask them?
Ann
"""


def letter(subject: str, body: str = BOUNCE_WORDS, more: str = "") -> bytes:
    return LETTER.format(subject=subject, body=body, more=more).encode()


@pytest.mark.parametrize(
    "raw",
    [
        letter("Our mails come back"),
        letter("Re: Undelivered Mail Returned to Sender"),
        letter("Fwd: Delivery Status Notification (Failure)"),
        letter("AW: Unzustellbar: Rechnung 12"),
        letter("Undelivered mail: seven tips for your newsletter", more="List-Unsubscribe: <https://example.com/u>\n"),
        letter("Delivery failure? How to keep your list clean", more="List-Id: <news.example.com>\nPrecedence: bulk\n"),
        letter("Why mail is delayed", "The delivery is delayed.\n"),
        letter(
            "Delivery report for November", "Please find the figures attached: 3 parcels were returned to sender.\n"
        ),
        letter("Out of office next week", "I am on vacation next week. Shall we move the meeting?\n"),
        letter("Ticket 12: spam filter blocks us", "The server says 554 5.7.1 blocked using zen.spamhaus.org.\n"),
        b"hello\n",
        b"Subject: mailer-daemon\n\nuser unknown\n",
    ],
)
def test_a_letter_is_no_bounce(raw: bytes) -> None:
    assert parse(raw).kind is ReportKind.NONE


@pytest.mark.parametrize("subject", ["Daily mail report", "Täglicher Mailbericht", "Logwatch for mx.acme.example"])
def test_a_digest_of_a_server_is_no_bounce(subject: str) -> None:
    said = "3 messages bounced:\n\n<bob@example.com>: 550 5.1.1 user unknown\n<eve@example.com>: mailbox full\n"
    raw = f"From: postmaster@acme.example\nTo: joe@acme.example\nSubject: {subject}\n\n{said}"
    assert parse(raw.encode()).kind is ReportKind.NONE


def test_our_own_letters_are_no_bounces() -> None:
    email = Email(
        from_="Shop <orders@acme.example>", to="ann@example.com", subject="Your order could not be delivered",
        text="The parcel could not be delivered to ann@example.com. It was returned to sender.",
        html="<p>The parcel could not be delivered. It was <b>returned to sender</b>.</p>",
        list_unsubscribe="https://acme.example/u",
    )  # fmt: skip
    assert parse(email.to_bytes()).kind is ReportKind.NONE


@pytest.mark.parametrize("folder", ["mime/rfc", "mime/legacy", "dkim"])
def test_messages_of_others_are_no_bounces(corpora: Path, folder: str) -> None:
    kinds = {path.name: parse(path.read_bytes()).kind for path in sorted((corpora / folder).iterdir())}
    wrong = {name: kind for name, kind in kinds.items() if kind in ("bounce", "delayed", "delivered", "complaint")}
    for name in list(wrong):  # some of them are notices, by their own structure
        mail = read_mail((corpora / folder / name).read_bytes())
        if any(part.essence in ("message/delivery-status", "message/feedback-report") for part in mail.walk()):
            del wrong[name]
    assert wrong == {}


def test_what_came_back_is_no_bounce_itself(corpora: Path) -> None:
    tried = 0
    for folder in ("arf", "bounces/messages"):
        for path in sorted((corpora / folder).glob("*.eml")):
            for part in read_mail(path.read_bytes()).walk():
                inside = [one.essence for one in part.walk()]
                if part.essence == "message/rfc822" and part.parts and "message/delivery-status" not in inside:
                    tried += 1
                    assert read_returned(part.parts[0]) is None, path.name
    assert tried > 30
