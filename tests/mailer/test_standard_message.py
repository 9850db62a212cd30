"""Standard messages mean what they mean to smtplib, and their header can be trusted."""

import smtplib
from collections.abc import Iterator
from contextlib import closing
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.mime.text import MIMEText

import pytest

from postroad import AddressError, Mailer, MessageError
from postroad.mailer.standard_message import raw_from
from postroad.message.raw import RawMessage
from postroad.testing import ScriptedServer
from tests.fakes import FakeClock


@pytest.fixture
def message() -> EmailMessage:
    made = EmailMessage()
    made["From"] = "Acme <orders@acme.example>"
    made["To"] = 'Ann <ann@example.com>, "Brown, Bob" <bob@example.com>'
    made["Cc"] = "carol@example.com"
    made["Bcc"] = "dave@example.com"
    made["Subject"] = "Hello"
    made.set_content("Hello.\n")
    return made


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


def read(raw: RawMessage) -> EmailMessage:
    return message_from_bytes(raw.content, policy=policy.default)


def test_smtplib_would_have_used_the_same_envelope(message: EmailMessage, server: ScriptedServer) -> None:
    with closing(smtplib.SMTP(*server.address)) as client:
        client.send_message(message)
    with Mailer(server.url) as mailer:
        mailer.send_message(message)

    theirs, ours = server.messages
    assert ours.mail_from == theirs.mail_from
    assert set(ours.recipients) == set(theirs.recipients)
    assert b"dave" not in ours.content


def test_send_takes_a_standard_message_too(message: EmailMessage, server: ScriptedServer) -> None:
    with Mailer(server.url) as mailer:
        report = mailer.send(message)

    assert [str(one.recipient) for one in report.accepted] == [
        "ann@example.com",
        "bob@example.com",
        "carol@example.com",
        "dave@example.com",
    ]


def test_a_given_envelope_overrules_the_headers(message: EmailMessage) -> None:
    raw = raw_from(message, from_addr="bounces@acme.example", to_addrs=["erin@example.com"])

    assert raw.envelope_from == "bounces@acme.example"
    assert [str(one) for one in raw.recipients] == ["erin@example.com"]


def test_sender_comes_before_from(message: EmailMessage) -> None:
    message["Sender"] = "robot@acme.example"

    assert raw_from(message).envelope_from == "robot@acme.example"


def test_resent_fields_are_the_envelope_where_there_are_any(message: EmailMessage) -> None:
    message["Resent-Date"] = "Mon, 23 Nov 2026 10:00:00 +0000"
    message["Resent-From"] = "ann@example.com"
    message["Resent-To"] = "zoe@example.com"

    raw = raw_from(message)

    assert raw.envelope_from == "ann@example.com"
    assert [str(one) for one in raw.recipients] == ["zoe@example.com"]


def test_two_sets_of_resent_fields_cannot_be_told_apart(message: EmailMessage) -> None:
    message["Resent-Date"] = "Mon, 23 Nov 2026 10:00:00 +0000"
    message["Resent-Date"] = "Mon, 23 Nov 2026 11:00:00 +0000"

    with pytest.raises(MessageError, match="more than one set of Resent fields"):
        raw_from(message)


def test_message_id_and_date_are_added_only_where_they_are_missing(message: EmailMessage) -> None:
    added = read(raw_from(message, clock=FakeClock()))
    message["Message-ID"] = "<1@acme.example>"
    message["Date"] = "Mon, 23 Nov 2026 10:00:00 +0000"
    kept = read(raw_from(message))

    assert added["Message-ID"].endswith("@acme.example>")
    assert added["Date"].datetime.timestamp() == FakeClock().now()
    assert kept["Message-ID"] == "<1@acme.example>"
    assert kept["Date"] == "Mon, 23 Nov 2026 10:00:00 +0000"


def test_p1_long_structured_fields_are_folded_and_never_encoded(message: EmailMessage) -> None:
    unsubscribe = "<https://acme.example/u/" + "x" * 120 + ">, <mailto:u@acme.example?subject=" + "y" * 80 + ">"
    references = " ".join(f"<{number:040}@example.com>" for number in range(20))
    message["List-Unsubscribe"] = unsubscribe
    message["References"] = references

    raw = raw_from(message)

    assert b"=?" not in raw.content
    assert str(read(raw)["List-Unsubscribe"]) == unsubscribe
    assert str(read(raw)["References"]) == references
    assert max(map(len, raw.content.split(b"\r\n"))) < 998


def test_p2_no_encoded_word_stands_in_an_address(message: EmailMessage) -> None:
    del message["To"]
    message["To"] = "Jörg <joerg@bücher.example>"

    raw = raw_from(message)

    assert b"<joerg@xn--bcher-kva.example>" in raw.content
    assert raw.recipients[0] == "joerg@xn--bcher-kva.example"


@pytest.mark.parametrize("field", ["Subject", "X-Order", "Reply-To"])
def test_p3_an_encoded_line_end_makes_no_field(message: EmailMessage, field: str) -> None:
    del message[field]
    try:
        message[field] = "=?utf-8?q?hello=0ABcc:_eve@evil.example?= <a@b.example>"
    except ValueError:
        return  # this Python refuses it by itself

    try:
        raw = raw_from(message)
    except MessageError:
        return
    assert "bcc" not in map(str.lower, read(raw).keys())
    assert b"\nBcc:" not in raw.content


def test_a_field_hidden_in_an_old_message_is_refused() -> None:
    old: Message[str, str] = Message()
    old["From"] = "a@acme.example"
    old["To"] = "b@example.com"
    old._headers.append(("Subject", "hello\nBcc: eve@evil.example"))  # type: ignore[attr-defined]  # as a careless caller can

    with pytest.raises(MessageError):
        raw_from(old)


def test_p5_an_address_that_parsers_read_differently_is_refused() -> None:
    old: Message[str, str] = Message()
    old["From"] = "a@acme.example"
    old["To"] = "user@good-corp.example(x)evil.example"

    with pytest.raises(AddressError, match=r"more than one way|host name|labels"):
        raw_from(old)


def test_an_old_message_goes_as_it_stands() -> None:
    old = MIMEText("Grüße\n", "plain", "utf-8")
    old["From"] = "a@acme.example"
    old["To"] = "Ann <b@example.com>"
    old["Subject"] = "=?utf-8?q?Gr=C3=BC=C3=9Fe?="

    raw = raw_from(old)

    assert b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n" in raw.content
    assert read(raw).get_content() == "Grüße\n"


def test_an_attached_message_does_not_stop_the_one_around_it(message: EmailMessage) -> None:
    inner = EmailMessage()
    inner["To"] = "undisclosed-recipients:;"
    inner["From"] = "user@good.example (a comment)"
    inner.set_content("inner\n")
    message.add_attachment(inner)

    attached = next(read(raw_from(message)).iter_attachments())

    assert attached.get_content().get_content().strip() == "inner"


def test_a_message_made_twice_is_the_same_message(message: EmailMessage) -> None:
    def made() -> EmailMessage:
        again = message_from_bytes(message.as_bytes(), policy=policy.default)
        again["Message-ID"], again["Date"] = "<1@acme.example>", "Mon, 23 Nov 2026 10:00:00 +0000"
        again.add_alternative("<p>Hello.</p>", subtype="html")
        again.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="a.pdf")
        return again

    first = made()

    assert raw_from(first).content == raw_from(made()).content
    assert first.get_boundary() is None  # the caller's message is left alone


def test_nobody_to_send_to() -> None:
    message = EmailMessage()
    message["From"] = "a@acme.example"

    with pytest.raises(MessageError, match="no To, Cc or Bcc") as caught:
        raw_from(message)
    assert caught.value.field == "to"


def test_nobody_to_send_from() -> None:
    message = EmailMessage()
    message["To"] = "a@acme.example"

    with pytest.raises(MessageError, match="no From") as caught:
        raw_from(message)
    assert caught.value.field == "from"


def test_other_things_are_no_messages() -> None:
    with Mailer("null://") as mailer, pytest.raises(MessageError, match="a str is no message"):
        mailer.send("hello")  # type: ignore[arg-type]  # what a beginner tries


@pytest.mark.parametrize("line", ["Subject: Grüße", "X-Note: Grüße", "Comments: Grüße", "From: Grüße <a@b.example>"])
def test_raw_utf8_in_the_header_of_a_parsed_message_is_read(line: str) -> None:
    author = "" if line.startswith("From") else "From: a@b.example\n"
    octets = f"{line}\n{author}To: c@d.example\n\nhi\n".encode()
    raw = raw_from(message_from_bytes(octets, policy=policy.default))
    assert not raw.smtputf8
    assert "Grüße" in str(read(raw)[line.partition(":")[0]])
    assert (str(raw.envelope_from), [str(one) for one in raw.recipients]) == ("a@b.example", ["c@d.example"])


def test_octets_in_no_known_charset_are_named_with_a_way_out() -> None:
    octets = b"Subject: Gr\xfc\xdfe\nFrom: a@b.example\nTo: c@d.example\n\nhi\n"
    with pytest.raises(MessageError, match="Subject: the octet 0xFC at position 2 is no UTF-8") as caught:
        raw_from(message_from_bytes(octets, policy=policy.default))
    assert caught.value.field == "Subject"
    assert "RawMessage(" in caught.value.advice
    assert RawMessage(octets, envelope_from="a@b.example", recipients="c@d.example").content.startswith(octets[:12])
