"""Reading messages: what is kept, what is left out, and that any bytes give a message or a ``MessageError``."""

import email.policy
import json
import random  # noqa: TID251 - seeded, to mutate
import re
from email import message_from_bytes
from email.message import EmailMessage, Message
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.address import Address
from postroad.errors import AddressError, MessageError
from postroad.message import Attachment, Email, InlineImage, limits
from postroad.message.address_list import address_list
from postroad.message.header_decode import decoded, in_charset
from postroad.message.list_headers import ListUnsubscribe
from tests.message.meaning import expected_field_names, field_names

HEAD = b"From: a@example.com\nTo: b@example.com\n"


def read(rest: bytes) -> Email:
    return Email.from_bytes(HEAD + rest)


def part(header: str, body: str) -> str:
    return f"--b\n{header}\n\n{body}\n"


def multipart(subtype: str, *parts: str) -> bytes:
    return f"MIME-Version: 1.0\nContent-Type: multipart/{subtype}; boundary=b\n\n{''.join(parts)}--b--\n".encode()


# The header


def test_what_a_header_gives() -> None:
    message = Email.from_bytes(
        b"Received: from x by y; Mon, 1 Jan 2024 00:00:00 +0000\r\n"
        b"Return-Path: <bounce@example.com>\r\n"
        b"DKIM-Signature: v=1\r\n"
        b"From: =?utf-8?q?J=C3=B6rg?= <j@example.com>\r\n"
        b"Sender: s@example.com\r\n"
        b"Reply-To: r@example.com\r\n"
        b'To: Ann\r\n <a@example.com>, "B, Bo" <b@example.com>\r\n'
        b"Cc: grp: c@example.com, d@example.com;\r\n"
        b"Bcc: h@example.com\r\n"
        b"Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\n =?iso-8859-1?q?_an?= alle\r\n"
        b"Date: Tue, 1 Jul 2003 10:52:37 +0200\r\n"
        b"Message-ID: <1@example.com>\r\n"
        b"In-Reply-To: <0@example.com>\r\n"
        b"List-Unsubscribe: (web) <https://example.com/u>,\r\n <mailto:u@example.com>\r\n"
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        b"X-Note: one\r\nX-Note: two\r\n"
        b"\r\nHello.\r\n"
    )
    assert str(message.from_[0]) == "Jörg <j@example.com>"
    assert message.sender == "s@example.com"
    assert [str(one) for one in message.to] == ["Ann <a@example.com>", '"B, Bo" <b@example.com>']
    assert [str(one) for one in message.cc] == ["c@example.com", "d@example.com"]
    assert [str(one) for one in message.bcc] == ["h@example.com"]
    assert message.subject == "Grüße an alle"
    assert message.date is not None
    assert message.date.isoformat() == "2003-07-01T08:52:37+00:00"
    assert message.message_id == "<1@example.com>"
    assert message.list_unsubscribe == ListUnsubscribe(
        ("https://example.com/u", "mailto:u@example.com"), one_click=True
    )
    assert message.headers.fields == (("In-Reply-To", "<0@example.com>"), ("X-Note", "one"), ("X-Note", "two"))
    assert message.text == "Hello.\n"
    assert message.return_path is None
    assert b"bounce@example.com" not in message.to_bytes()


def test_one_click_is_promised_by_its_own_field_alone() -> None:
    message = read(b"List-Unsubscribe: <https://example.com/u>\n\n")
    assert message.list_unsubscribe == ListUnsubscribe(("https://example.com/u",), one_click=False)
    assert b"List-Unsubscribe-Post" not in message.to_bytes()


@pytest.mark.parametrize(
    "field",
    [
        b"Date: yesterday",
        b"Date: Tue, 99 Jul 2003 10:52:37 +0200",
        b"Message-ID: nonsense",
        b"References: nonsense",
        b"List-Unsubscribe: <http://example.com/>",
        b"List-Help: nonsense",
        b"Resent-Bcc: secret@example.com",
        b"Content-Language: de",
    ],
)
def test_what_is_left_out(field: bytes) -> None:
    message = read(field + b"\nX-Kept: yes\n\n")
    assert message.headers.fields == (("X-Kept", "yes"),)
    assert (message.date, message.message_id, message.list_unsubscribe) == (None, None, None)
    assert field.partition(b":")[0] + b":" not in message.to_bytes()


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("plain", "plain"),
        ("a\r\n\tb", "a b"),
        ("=?utf-8?q?=0ABcc:_x?=", "Bcc: x"),
        ("=?utf-8?q?a=0D=0ABcc:_x=00?=", "a Bcc: x"),
        ("a\udcc3\udca9", "aé"),
        ("a\udcff", "aÿ"),
        ("=?utf-8?b?w6k=?= =?UTF-8?B?w6k=?=", "éé"),
        ("=?utf-8?q?=C3?=\r\n =?utf-8?q?=A9?=", "é"),  # a character split between words
        ("=?utf-8*en?q?x?=", "x"),
        ("a =?utf-8?q?b?= c", "a b c"),
        ("=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
        ("=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "日本"),
        ("=?unheard-of?q?=C3=A9?=", "é"),
        ("=?idna?q?x?=", "x"),
        ("=?utf-8?b?A?=", "=?utf-8?b?A?="),  # no base64
        ("=?utf-8?q?=?=", "="),
        ("=?utf-8?x?y?=", "=?utf-8?x?y?="),
        ("=?utf-7?q?+2AA-?=", "\ufffd"),
        ("\x00a\x7f\u2028b", "a b"),
        ("", ""),
    ],
)
def test_header_text(raw: str, text: str) -> None:
    assert decoded(raw) == text


@given(st.text(st.sampled_from("=?utf-8qb_AZ \r\n\t\x00é\udcff")), st.text())
def test_header_text_is_always_one_line(pattern: str, anything: str) -> None:
    for raw in (pattern, anything, f"=?utf-8?q?{anything}?="):
        text = decoded(raw)
        assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", text)


@given(st.binary(), st.text(max_size=20) | st.sampled_from(["utf-7", "punycode", "hex", "idna", "undefined", "utf-16"]))
def test_any_charset_gives_text(octets: bytes, charset: str) -> None:
    in_charset(octets, charset).encode()


# Address lists


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a@b.example", ["a@b.example"]),
        ("a@b.example,c@d.example", ["a@b.example", "c@d.example"]),
        (", a@b.example, ,", ["a@b.example"]),
        ('"x, y" <a@b.example>', ['"x, y" <a@b.example>']),
        ("J. Doe <a@b.example>", ['"J. Doe" <a@b.example>']),
        ("Ann (work) <a@b.example> (x)", ["Ann <a@b.example>"]),
        ("a@b.example (Ann)", ["Ann <a@b.example>"]),
        ("(x) a@b.example", ["x <a@b.example>"]),
        ("a@b.example (a (nested) one)", ['"a (nested) one" <a@b.example>']),
        ("=?utf-8?q?Doe=2C_J?= <a@b.example>", ['"Doe, J" <a@b.example>']),
        ('"=?utf-8?q?J=C3=B6rg?=" <a@b.example>', ["Jörg <a@b.example>"]),
        ("=?utf-8?q?x=0ABcc:_y?= <a@b.example>", ['"x Bcc: y" <a@b.example>']),
        ("grp:;", []),
        ("undisclosed-recipients:;, a@b.example", ["a@b.example"]),
        ("grp: a@b.example, B <b@b.example>;, c@b.example", ["a@b.example", "B <b@b.example>", "c@b.example"]),
        ('"quoted local"@b.example', ['"quoted local"@b.example']),
        ("a@[127.0.0.1], b@[IPv6:::1]", ["a@[127.0.0.1]", "b@[IPv6:::1]"]),
        ("< a@b.example >", ["a@b.example"]),
        ("", []),
    ],
)
def test_address_lists(raw: str, expected: list[str]) -> None:
    assert [str(address) for address in address_list(raw, "To")] == expected


@pytest.mark.parametrize(
    "raw",
    [
        "user@good-corp.example(x)evil.example",
        "user(x)@good-corp.example",
        "user@(x)good-corp.example",
        "a@b.example> SIZE=1",
        "<@x:a@b.example>",
        "a@b.example c@d.example",
        "<a@b.example> <c@d.example>",
        "<a@b.example> c@d.example",
        "=?utf-8?q?j=C3=B6rg?=@b.example",
        "Ann",
        "<>",
        "a@b.example (",
        "a@@b.example",
        "a@b..example",
        '"a@b.example',
    ],
)
def test_an_address_that_two_readers_would_read_differently_is_refused(raw: str) -> None:
    with pytest.raises(AddressError, match=r"^To: ") as refused:
        Email.from_bytes(f"From: a@b.example\nTo: {raw}\n\nx".encode())
    assert refused.value.field == "To"


@given(st.text() | st.text(st.sampled_from('a@b.c,;:<>()"\\[] \t')))
def test_any_text_gives_addresses_or_an_error(raw: str) -> None:
    try:
        found = address_list(raw, "To")
    except AddressError:
        return
    for address in found:
        assert Address(address.addr_spec, address.display_name) == address


# The body


def test_a_message_without_mime() -> None:
    assert read(b"\nHello.\n").text == "Hello.\n"
    assert read(b"").text == ""
    assert read(b"\n\xc3\xa9").text == "é"
    assert read(b"\n\xe9").text == "é"


@pytest.mark.parametrize(
    ("header", "body", "text"),
    [
        (
            "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable",
            "Gr=FC=DFe=20",
            "Grüße ",
        ),
        ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64", "R3LDvMOfZQ==", "Grüße"),
        ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64", "R3LDv=MOfZ!Q", None),
        ("Content-Type: text/plain; charset=nonsense", "x", "x\n"),
        ("Content-Type: text/plain; charset*=utf-8''us-ascii", "x", "x\n"),
        ("Content-Type: nonsense", "x", "x\n"),
        ("Content-Transfer-Encoding: x-uuencode", "begin 644 a\n#8V%T\n \nend", "cat"),
        ("Content-Transfer-Encoding: nonsense", "x", "x\n"),
        ("", "nul \0 inside", "nul \ufffd inside\n"),
    ],
)
def test_texts(header: str, body: str, text: str | None) -> None:
    message = read(
        f"{header}\n\n{body}\n".replace("\n\n\n", "\n\n").lstrip("\n").encode() if header else f"\n{body}\n".encode()
    )
    assert message.text is not None
    assert text is None or message.text.rstrip("\n") == text.rstrip("\n")


def test_alternative() -> None:
    message = read(
        multipart("alternative", part("Content-Type: text/plain", "T"), part("Content-Type: text/html", "<p>H</p>"))
    )
    assert (message.text, message.html, message.attachments) == ("T", "<p>H</p>", ())


def test_html_alone_leaves_the_text_to_be_made() -> None:
    message = read(b"Content-Type: text/html\n\n<p>H</p>\n")
    assert (message.text, message.html) == (None, "<p>H</p>\n")
    assert b"text/plain" in message.to_bytes()


def test_the_footer_of_a_list_reaches_both_forms() -> None:
    message = read(
        b"Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/alternative; boundary=b\n\n"
        b"--b\nContent-Type: text/plain\n\nT\n--b\nContent-Type: text/html\n\n<p>H</p>\n--b--\n\n"
        b"--o\nContent-Type: text/plain\n\nfooter & more\n--o--\n"
    )
    assert message.text == "T\nfooter & more\n"
    assert message.html == "<p>H</p>\n<pre>footer &amp; more</pre>\n"


def test_files_and_inline_images() -> None:
    message = read(
        multipart(
            "related",
            part("Content-Type: text/html", "<img src=cid:logo>"),
            part("Content-Type: image/png\nContent-ID: <logo>\nContent-Transfer-Encoding: base64", "eHl6"),
            part("Content-Type: image/png\nContent-ID: <logo>", "twice"),
            part("Content-Type: image/gif; name=a.gif\nContent-ID: <not a cid>", "odd"),
            part('Content-Type: text/plain\nContent-Disposition: attachment; filename="../x/a b.txt"', "file"),
        )
    )
    first, *others = message.attachments
    assert first == InlineImage(b"xyz", cid="logo", filename="part-1.png", content_type="image/png")
    assert [(type(item), item.filename, item.content) for item in others] == [
        (Attachment, "part-2.png", b"twice"),
        (Attachment, "a.gif", b"odd"),
        (Attachment, "a b.txt", b"file"),
    ]


@pytest.mark.parametrize(
    ("header", "name", "content_type"),
    [
        ("Content-Type: application/pdf; name=a.pdf", "a.pdf", "application/pdf"),
        ("Content-Type: application/pdf", "part-1.pdf", "application/pdf"),
        ("Content-Type: application/x-odd", "part-1.bin", "application/x-odd"),
        ("Content-Type: a/b; name==?utf-8?q?=C3=A9.pdf?=", "é.pdf", "a/b"),
        ("Content-Type: a/b\nContent-Disposition: attachment; filename*=utf-8''%C3%A9.pdf", "é.pdf", "a/b"),
        ("Content-Type: a/b\nContent-Disposition: attachment; filename*0=a; filename*1=b.pdf", "ab.pdf", "a/b"),
        ('Content-Type: a/b\nContent-Disposition: attachment; filename="x\\\\y.pdf"', "y.pdf", "a/b"),
        ('Content-Type: a/b; name="a=?utf-8?q?=0A?=b.pdf"', "a b.pdf", "a/b"),
        ("Content-Type: a/b; name=" + "x" * 300 + ".pdf", "x" * 251 + ".pdf", "a/b"),
        ("Content-Type: a/b; name=..", "part-1.bin", "a/b"),
        ('Content-Type: image/png; x=1; y="a b"', "part-1.png", 'image/png; x=1; y="a b"'),
        ("Content-Type: text/csv; charset=iso-8859-1; name=a.csv", "a.csv", "text/csv; charset=iso-8859-1"),
        ("Content-Type: multipart/mixed", "part-1.bin", "application/octet-stream"),
    ],
)
def test_names_and_types_of_files(header: str, name: str, content_type: str) -> None:
    message = read(multipart("mixed", part("Content-Type: text/plain", "T"), part(header, "F")))
    assert [(item.filename, item.content_type) for item in message.attachments] == [(name, content_type)]


def test_an_attached_message() -> None:
    inner = "Subject: inner\nFrom me: no field\n\nFrom the body\n"
    message = read(
        multipart("mixed", part("Content-Type: text/plain", "T"), part("Content-Type: message/rfc822", inner))
    )
    assert [(item.filename, item.content_type) for item in message.attachments] == [("part-1.eml", "message/rfc822")]
    assert b"Subject: inner" in message.attachments[0].content
    assert b"\nFrom the body" in message.attachments[0].content


def test_an_invitation_is_one_file() -> None:
    ics = "BEGIN:VCALENDAR\nEND:VCALENDAR"
    calendar = "Content-Type: text/calendar; method=REQUEST"
    message = read(
        multipart(
            "mixed",
            part("Content-Type: text/plain", "T"),
            part(calendar, ics),
            part(f"{calendar}; name=invite.ics", ics),
        )
    )
    assert [item.filename for item in message.attachments] == ["invite.ics"]
    assert message.to_bytes().count(b"BEGIN:VCALENDAR") == 2


# Standard message objects


def test_a_standard_message() -> None:
    message = EmailMessage()
    message["From"] = "Jörg <j@example.com>"
    message["To"] = "Ann <a@example.com>, b@example.com"
    message["Bcc"] = "c@example.com"
    message["Subject"] = "Grüße"
    message["X-Note"] = "schön"
    message.set_content("Hällo\n")
    message.add_alternative("<p>Hällo</p>\n", subtype="html")
    message.add_attachment(b"pdf", maintype="application", subtype="pdf", filename="ä.pdf")
    converted = Email.from_message(message)
    assert str(converted.from_[0]) == "Jörg <j@example.com>"
    assert [str(one) for one in converted.envelope.recipients] == ["a@example.com", "b@example.com", "c@example.com"]
    assert (converted.subject, converted.text, converted.html) == ("Grüße", "Hällo\n", "<p>Hällo</p>\n")
    assert converted.headers["X-Note"] == "schön"
    assert converted.attachments == (Attachment(b"pdf", "ä.pdf"),)
    again = Email.from_bytes(message.as_bytes())
    assert again == converted
    assert Email.from_message(message_from_bytes(message.as_bytes(), policy=email.policy.default)) == converted


def test_an_older_standard_message() -> None:
    message = Message()
    message["From"] = "a@example.com"
    message["To"] = "b@example.com"
    message["Subject"] = "Grüße"
    message.set_payload("ünï")
    assert (Email.from_message(message).subject, Email.from_message(message).text) == ("Grüße", "ünï")


def test_a_standard_message_with_half_read_addresses_is_refused() -> None:
    message = EmailMessage()
    message["From"] = "a@example.com"
    message["To"] = "user@good-corp.example(x)evil.example"
    message.set_content("x")
    with pytest.raises(AddressError, match=r"^To: "):
        Email.from_message(message)


def test_wrong_types() -> None:
    with pytest.raises(MessageError, match=r"^raw: bytes"):
        Email.from_bytes("From: x")  # type: ignore[arg-type]  # what is refused
    with pytest.raises(MessageError, match=r"^message: "):
        Email.from_message(b"From: x")  # type: ignore[arg-type]  # what is refused
    assert Email.from_bytes(bytearray(HEAD + b"\nx")).text == "x"  # type: ignore[arg-type]  # callers hand over what they have


@pytest.mark.parametrize(
    ("raw", "field"), [(b"", "from_"), (b"From: a@example.com\n\nx", "to"), (b"To: a@b.example\n\n", "from_")]
)
def test_what_an_email_needs(raw: bytes, field: str) -> None:
    with pytest.raises(MessageError) as refused:
        Email.from_bytes(raw)
    assert refused.value.field == field


# Limits


def nested(depth: int) -> bytes:
    opening = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth))
    return opening + b"\nx\n"


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (nested(limits.MAX_DEPTH + 2), "deep"),
        (nested(5000), "complex"),
        (b"Content-Type: message/rfc822\n\n" * 3000, "complex"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * (limits.MAX_PARTS + 1), "parts"),
        (b"X: y\n" * (limits.MAX_FIELDS + 1) + b"\n", "fields"),
        (b"X: " + b"y" * limits.MAX_FIELD_OCTETS + b"\n\n", "field of"),
        (b"Content-Type: multipart/mixed; " + b';"' * limits.MAX_MIME_FIELD_OCTETS + b"\n\n", "field of"),
        (b"X: " + b"y" * 100_000 + b"\n" * 1 + (b"X: " + b"y" * 100_000 + b"\n") * 11, "octets of header"),
        (b"\n" * (limits.MAX_LINES + 1), "lines"),
        (b"\n" + b"\r" * (limits.MAX_LINES + 1), "lines"),
        (b"\n" + b"x" * limits.MAX_OCTETS, "octets"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bombs_are_refused(rest: bytes, said: str) -> None:
    with pytest.raises(MessageError, match=said) as refused:
        read(rest)
    assert refused.value.field == "raw"


def test_what_keeps_the_limits_is_read() -> None:
    assert read(nested(limits.MAX_DEPTH - 2)).text == "x"
    parts = b"--b\nContent-Type: a/b\n\nx\n" * (limits.MAX_PARTS - 2)
    assert len(read(b"Content-Type: multipart/mixed; boundary=b\n\n" + parts).attachments) == limits.MAX_PARTS - 2


def test_a_message_object_has_limits_too() -> None:
    message = inner = Message()
    for _ in range(limits.MAX_DEPTH + 2):
        inner["Content-Type"] = "multipart/mixed"
        child = Message()
        inner.set_payload([child])
        inner = child
    message["From"] = message["To"] = "a@example.com"
    with pytest.raises(MessageError, match="deep"):
        Email.from_message(message)


# Any bytes


def outcome(raw: bytes) -> Email | None:
    """The message, or ``None`` where it was refused; whatever is rendered from it has the fields it should."""
    try:
        message = Email.from_bytes(raw)
    except MessageError as refused:
        assert refused.field is not None  # noqa: PT017 - this is the other good end
        return None
    content = message.to_bytes()
    assert field_names(content) == expected_field_names(message)
    return message


PIECES = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=b\n", b"Content-Type: multipart/related; boundary=\"b\"\n",
        b"Content-Type: text/html; charset=utf-7\n", b"Content-Type: message/rfc822\n",
        b"Content-Type: message/delivery-status\n", b"Content-Type: text/calendar; method=X\n",
        b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: x-uuencode\n",
        b"Content-Disposition: attachment; filename*0*=utf-8''%; filename*1=x\n", b"Content-ID: <logo>\n",
        b"Content-Type: a/b; name*=%%''%FF; x*9999999999=y\n", b"Subject: =?utf-8?q?=0A?= =?x?b?\xff?=\n",
        b"List-Unsubscribe: <https://a.example/\xff>\n", b"References: <a\n", b"Date: 1 Jan -1 00:00\n",
        b"\n", b"\n--b\n", b"--b--\n", b"begin 644 x\n", b"\xff\xfe", b"\0", b" folded\n",
        b"<p>&#xD800;<img src=cid:logo>",
    ]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.one_of(PIECES, st.binary(max_size=20)), max_size=25).map(b"".join))
def test_any_bytes_give_a_message_or_an_error(rest: bytes) -> None:
    outcome(rest)
    outcome(HEAD + rest)


def test_mutated_public_messages_give_a_message_or_an_error(corpora: Path) -> None:
    chance = random.Random(20240229)
    seeds = [path.read_bytes() for path in sorted((corpora / "mime").rglob("*.eml"))]
    for seed in seeds:
        outcome(seed)
        for _ in range(8):
            outcome(mutated(seed, chance))


def mutated(seed: bytes, chance: random.Random) -> bytes:
    raw = bytearray(seed)
    for _ in range(chance.randint(1, 8)):
        start = chance.randrange(len(raw) + 1)
        end = min(len(raw), start + chance.choice([0, 1, 5, 50, 500]))
        piece = chance.choice(
            [b"", b"\n", b"\r", b"\0", b"=", b"\xff", b"--", b'"', b"(", b"=?utf-8?b?", raw[start:end] * 2]
        )
        raw[start:end] = piece
    return bytes(raw)


def test_the_groups_of_a_delivery_status_stay_as_they_are() -> None:
    groups = "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\n"
    message = read(
        multipart(
            "report", part("Content-Type: text/plain", "x"), part("Content-Type: message/delivery-status", groups)
        )
    )
    (status,) = message.attachments
    assert status.content == groups.encode()
    for _ in range(2):  # nothing is added at each reading
        message = Email.from_bytes(message.to_bytes())
        assert message.attachments[0].content.replace(b"\r\n", b"\n") == groups.encode()


# A second opinion


def test_public_messages_mean_what_another_parser_makes_of_them(corpora: Path) -> None:
    """Subjects and the names of files agree with the expectation that lies beside each message."""
    compared = 0
    for path in sorted((corpora / "mime").rglob("*.eml")):
        expected = json.loads(path.with_suffix(".json").read_text())
        message = outcome(path.read_bytes())
        if message is None:
            continue
        top = expected["parts"][0]["headers"]
        subject = next((field["value"].get("Text") for field in top if field["name"] == "subject"), None)
        if isinstance(subject, str) and subject.isascii():
            assert " ".join(message.subject.split()) == " ".join(subject.split()), path
            compared += 1
    assert compared > 20


def any_defects(message: Any) -> list[Any]:
    return [defect for one in message.walk() for defect in one.defects]


def test_what_was_read_is_written_without_a_defect(corpora: Path) -> None:
    for path in sorted((corpora / "mime").rglob("*.eml")):
        message = outcome(path.read_bytes())
        if message is not None and all(item.content_type != "message/rfc822" for item in message.attachments):
            assert any_defects(message_from_bytes(message.to_bytes())) == [], path
