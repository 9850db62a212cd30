"""The messages whose bytes are kept beside this file, one for each thing that could come out differently.

``python tests/golden/messages.py`` prints their bytes as JSON, so that any Python can be asked; ``--write`` renews the
files after a change that is meant.
"""

import json
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from postroad.address import Address
from postroad.message import Attachment, Email, InlineImage

FOLDER = Path(__file__).parent

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cf500f0003860180a5f9a8c50000000049454e44ae426082"
)
PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n" + bytes(range(256)) * 2 + b"\n%%EOF\n"
ICS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1@acme.example\r\n"
    "DTSTAMP:20240229T120000Z\r\nDTSTART:20240301T090000Z\r\nSUMMARY:Frühstück\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
ACME = "Acme Shop <orders@acme.example>"
ANN = "Ann Example <ann@example.com>"
MOMENT = datetime(2024, 2, 29, 12, 34, 56, tzinfo=UTC)

HTML = """<!DOCTYPE html><html><head><title>Order</title><style>p { margin: 0 }</style></head><body>
<div style="display:none">You can stop reading here.</div>
<h1>Order #12345</h1>
<p>Dear Ann,<br>thank you &ndash; your order is <a href="https://acme.example/o/12345">on its way</a>.</p>
<table><tr><th>Article</th><th>Price</th></tr><tr><td>Tea</td><td>4.00&nbsp;&euro;</td></tr></table>
<ul><li>no returns<li>no questions</ul>
</body></html>
"""

_ALL: dict[str, Callable[[], Email]] = {}


def golden(make: Callable[[], Email]) -> Callable[[], Email]:
    _ALL[make.__name__] = make
    return make


def messages() -> Iterator[tuple[str, Email]]:
    for name, make in _ALL.items():
        yield name, make()


@golden
def text_alone() -> Email:
    return Email(from_=ACME, to=ANN, subject="Order #12345 confirmed", text="Your order has been confirmed.\n")


@golden
def text_and_html() -> Email:
    return Email(
        from_=ACME,
        to=ANN,
        subject="Bestellung bestätigt",
        text="Grüße aus Köln\n\nIhre Bestellung ist unterwegs. " + "Sie kommt bald. " * 8 + "\n",
        html="<p>Grüße aus Köln</p>\n<p>Ihre Bestellung ist unterwegs.</p>\n",
    )


@golden
def html_alone() -> Email:
    return Email(from_=ACME, to=ANN, subject="Order #12345", html=HTML)


@golden
def inline_image() -> Email:
    return Email(
        from_=ACME,
        to=ANN,
        subject="With a picture",
        text="A picture.",
        html="<p>A picture: <img src='cid:logo' alt='Acme'></p>",
        attachments=[InlineImage(PNG, cid="logo", filename="logo.png")],
    )


@golden
def attachments() -> Email:
    return Email(
        from_=ACME,
        to=ANN,
        subject="With files",
        text="Two files.\n",
        attachments=[
            Attachment(PDF, "report.pdf"),
            Attachment("name,price\nTee,4\nKaffee,12\n", "prices.csv"),
            Attachment(b"\x00\x01\x02", "mystery"),
        ],
    )


@golden
def everything() -> Email:
    return Email(
        from_=ACME,
        to=[ANN, "Bo <bo@example.org>"],
        cc="Cy <cy@example.net>",
        bcc="hidden@example.com",
        reply_to="help@acme.example",
        return_path="bounces@acme.example",
        subject="Everything at once",
        text="Text.\n",
        html="<p>HTML <img src=cid:logo@acme.example></p>\n",
        attachments=[InlineImage(PNG, cid="logo@acme.example", filename="logo.png"), Attachment(PDF, "report.pdf")],
        headers=[("X-Order", "12345"), ("X-Note", "first"), ("X-Note", "zweite für Ann")],
        list_unsubscribe="mailto:leave@acme.example",
        tags=["orders"],
        metadata={"order": "12345"},
        message_id="12345@acme.example",
        date=MOMENT.astimezone(timezone(timedelta(hours=2))),
    )


@golden
def files_without_text() -> Email:
    return Email(from_=ACME, to=ANN, attachments=[Attachment(PDF, "a.pdf"), Attachment(PNG, "b.png")])


@golden
def long_ascii_subject() -> Email:
    return Email(from_=ACME, to=ANN, subject="A subject that goes on and on " * 8 + "x" * 90, text="")


@golden
def long_subject_everywhere_foreign() -> Email:
    subject = "Re: [acme] Änderung der Lieferbedingungen für Übergrößen – 重要なお知らせ " * 3 + "and plain to the end"
    return Email(from_=ACME, to=ANN, subject=subject, text="")


@golden
def subject_like_an_encoded_word() -> Email:
    return Email(from_=ACME, to=ANN, subject="=?utf-8?q?=0ABcc:_x@evil.example?=", text="")


@golden
def names_of_all_kinds() -> Email:
    return Email(
        from_=["Jörg Müller <jm@acme.example>", Address("dq@acme.example", 'Dot. "Quote"')],
        sender="sender@acme.example",
        to=[
            Address("plain@example.com"),
            Address("comma@example.com", "Doe, Jane"),
            Address("slash@example.com", 'Back\\slash "and" quotes'),
            Address("word@example.com", "=?utf-8?q?not_a_word?="),
            Address("kanji@example.com", "山田太郎" * 12),
            Address("emoji@example.com", "👩‍👩‍👧‍👦 Family " * 4),
            Address("long@example.com", "A very long name that does not fit into one line, whatever one tries to do"),
            Address('"two words"@example.com', "Quoted Local"),
            Address("a" * 60 + "@" + ".".join(["b" * 58] * 3) + ".example"),
        ],
        subject="Names",
        text="",
    )


@golden
def list_unsubscribe_long() -> Email:
    token = "eyJhbGciOiJIUzI1NiJ9" * 20
    return Email(
        from_=ACME,
        to=ANN,
        subject="News",
        text="News.\n",
        list_unsubscribe=[f"https://acme.example/u?t={token}", "mailto:leave@acme.example?subject=leave"],
        headers={
            "List-Id": "Acme news <news.acme.example>",
            "List-Help": "<https://acme.example/help>",
            "Auto-Submitted": "auto-generated",
            "Feedback-ID": "campaign:customer:newsletter:acme",
        },
    )


@golden
def long_references() -> Email:
    thread = " ".join(f"<{number}.{'abcdef' * 5}@mail.example.com>" for number in range(30))
    return Email(
        from_=ACME,
        to=ANN,
        subject="Re: thread",
        text="Yes.\n",
        headers={"In-Reply-To": f"<{'x' * 120}@example.com>", "References": thread},
        message_id=f"<{'y' * 200}@acme.example>",
    )


@golden
def file_names_of_all_kinds() -> Email:
    names = [
        "Übersicht.pdf",
        "見積書" * 20 + ".pdf",
        "a" * 120 + ".pdf",
        'say "hi".txt',
        "100%.txt",
        "a b;c=d.txt",
        "=?x?q?y?=",
    ]
    return Email(from_=ACME, to=ANN, text="Files.\n", attachments=[Attachment(b"\xff", name) for name in names])


@golden
def international_domain() -> Email:
    return Email(from_="post@bücher.example", to="Ärztin <kontakt@praxis-müller.example>", subject="IDN", text="")


@golden
def international_local_part() -> Email:
    to = ["Ann <ann@example.com>", "用户 <用户@例子.example>"]
    return Email(from_="jörg@bücher.example", to=to, subject="EAI für alle", text="")


@golden
def seven_bit_traps() -> Email:
    text = "From the top\n.\n..two dots\ntrailing space \ntab\t\n\n-- \nsignature\n"
    return Email(from_=ACME, to=ANN, subject="Traps", text=text, html=f"<pre>{text}</pre>")


@golden
def seven_bit_border() -> Email:
    return Email(from_=ACME, to=ANN, subject="78", text="x" * 78 + "\n" + "y" * 78, html="<p>" + "z" * 76)


@golden
def mostly_foreign_is_base64() -> Email:
    text = "ご注文ありがとうございます。\n" * 20
    return Email(from_=ACME, to=ANN, subject="ご注文の確認", text=text, html="<p>Ελληνικά κείμενα</p>\n" * 30)


@golden
def line_ends_of_all_kinds() -> Email:
    return Email(from_=ACME, to=ANN, subject="Lines", text="lf\ncrlf\r\ncr\rend", html="<p>é\r\nè\rê\n</p>")


@golden
def boundary_lookalikes() -> Email:
    inner = Email(
        from_=ACME,
        to=ANN,
        subject="Inner",
        text="Plain.",
        html="<p>Plain.</p>",
        attachments=[Attachment(b"x", "x.bin")],
    )
    return Email(
        from_=ACME,
        to=ANN,
        subject="Fwd",
        text="--=_00000000.0000000000.000000\n\n--=_\n",
        attachments=[Attachment(inner.to_bytes(), "inner.eml"), Attachment(inner.to_bytes() + b"\xff", "broken.eml")],
    )


@golden
def invitation() -> Email:
    return Email(
        from_=ACME,
        to=ANN,
        subject="Breakfast",
        text="Breakfast tomorrow.\n",
        attachments=[Attachment(ICS, "invite.ics", "text/calendar; method=REQUEST")],
    )


@golden
def blind_copies_only() -> Email:
    return Email(from_=ACME, bcc=["a@example.com", "b@example.com"], subject="Quietly", text="Hello.\n")


if __name__ == "__main__":
    if "--write" in sys.argv:
        for name, email in messages():
            (FOLDER / f"{name}.eml").write_bytes(email.to_bytes())
    else:
        json.dump({name: b64encode(email.to_bytes()).decode() for name, email in messages()}, sys.stdout)
