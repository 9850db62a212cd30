"""Notices of mail servers, from their bytes to whom and why. flufl.bounce finds the addresses alone."""

from collections.abc import Callable
from contextlib import ExitStack
from email import message_from_bytes
from time import perf_counter

from benchmarks.contest import Contest, Effort, Figure, Peer, Row, absent, peer
from benchmarks.isolation import isolated
from postroad.reports.parse import parse

GOAL = 0.5  # of the rate of who finds the addresses alone, which is 1,000 a second where that does 2,000
_REPORT = """\
Return-Path: <>
Received: from mx.acme.example (mx.acme.example [192.0.2.1]) by mail.acme.example with ESMTP id {number};
\tMon, 23 Nov 2026 09:00:00 +0000
From: MAILER-DAEMON@mx.acme.example (Mail Delivery System)
To: joe@acme.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b{number}/mx"
Message-ID: <{number}@mx.acme.example>

This is a MIME-encapsulated message.

--b{number}/mx
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.acme.example.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

                   The mail system

<user{number}@example.com>: host mx{number}.example.com[192.0.2.2] said: {reply}
    (in reply to {command} command)

--b{number}/mx
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.acme.example
Arrival-Date: Mon, 23 Nov 2026 08:59:58 +0000 (UTC)

Final-Recipient: rfc822; user{number}@example.com
Original-Recipient: rfc822;user{number}@example.com
Action: failed
Status: {status}
Remote-MTA: dns; mx{number}.example.com
Diagnostic-Code: smtp; {reply}

--b{number}/mx
Content-Type: message/rfc822

From: joe@acme.example
To: user{number}@example.com
Subject: Your order
Message-ID: <order-{number}@acme.example>

{body}
--b{number}/mx--
"""
_WORDS = """\
Return-Path: <>
From: MAILER-DAEMON@mx.acme.example
To: joe@acme.example
Subject: failure notice

Hi. This is the qmail-send program at mx.acme.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<user{number}@example.com>:
192.0.2.2 does not like recipient.
Remote host said: {reply}
Giving up on 192.0.2.2.

--- Below this line is a copy of the message.

Return-Path: <joe@acme.example>
To: user{number}@example.com
Message-ID: <order-{number}@acme.example>

{body}
"""
_REPLIES = (
    ("550 5.1.1 <user{number}@example.com>: Recipient address rejected: User unknown", "RCPT TO", "5.1.1"),
    ("452 4.2.2 <user{number}@example.com> mailbox {number} is over quota", "RCPT TO", "4.2.2"),
    ("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", "RCPT TO", "5.7.1"),
    ("550-5.7.26 This mail has been blocked: unauthenticated. q{number} - gsmtp", "DATA", "5.7.26"),
    ("552 5.3.4 Message {number} exceeds the size that is allowed, see https://a.example/{number}", "DATA", "5.3.4"),
)  # fmt: skip
_BODY = "Thank you for your order. It will be with you soon.\n" * 20


def notices(count: int) -> list[bytes]:
    """Of two forms and some reasons, no recipient and no text like another."""
    made = []
    for number in range(count):
        reply, command, status = _REPLIES[number % len(_REPLIES)]
        form = _WORDS if number % 3 == 0 else _REPORT
        said = reply.format(number=number)
        made.append(form.format(number=number, reply=said, command=command, status=status, body=_BODY).encode())
    return made


def prepare(stack: ExitStack, effort: Effort) -> Contest:
    count = effort.pick(full=1_500, quick=200)
    return Contest(
        work=count, turns=effort.pick(full=5, quick=2), ours=isolated(read_ours, count), peers=[_peer(count)]
    )


def _peer(count: int) -> Peer:
    try:
        import flufl.bounce  # noqa: F401 - whether it is there
    except ImportError as fault:
        return absent("flufl.bounce", GOAL, f"not installed: {fault.name}")
    return peer("flufl.bounce", GOAL, isolated(read_theirs, count))


def read_ours(count: int) -> float:
    return _timed(parse, count)


def read_theirs(count: int) -> float:
    from flufl.bounce import all_failures  # only this process needs it

    return _timed(lambda octets: all_failures(message_from_bytes(octets)), count)


def _timed(read: Callable[[bytes], object], count: int) -> float:
    made = notices(count + 1)
    read(made.pop())  # loads what only the first notice needs
    started = perf_counter()
    for octets in made:
        read(octets)
    return perf_counter() - started


ROW = Row("bounces", "bounce classification, 2 KB", Figure.RATE, prepare)
