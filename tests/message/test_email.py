"""``Email``: what it takes, what it refuses and how it says so, and that it does not change."""

import pickle
from collections.abc import Callable, Iterable
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from postroad.address import Address
from postroad.errors import AddressError, MessageError
from postroad.message import Attachment, Email, InlineImage
from postroad.message.list_headers import ListUnsubscribe

PLAIN: dict[str, Any] = {"from_": "a@example.com", "to": "b@example.com", "text": "x"}


def email(**changes: Any) -> Email:
    return Email(**{**PLAIN, **changes})


def shown(addresses: Iterable[Address]) -> list[str]:
    return [str(address) for address in addresses]


def full() -> Email:
    return email(
        from_="Acme Shop <orders@acme.example>",
        to=["Ann Example <ann@example.com>"],
        cc=("c@example.com", Address("d@example.com", "D")),
        bcc=iter(["hidden@example.com"]),
        reply_to="help@acme.example",
        sender="sender@acme.example",
        return_path="bounces@acme.example",
        subject="Order",
        html="<img src='cid:logo'>",
        attachments=[Attachment(b"pdf", "a.pdf"), InlineImage(b"png", cid="logo", filename="logo.png")],
        headers={"X-Order": "12345"},
        list_unsubscribe=["https://acme.example/u", "mailto:u@acme.example"],
        tags=["orders", "eu"],
        metadata={"order": "12345"},
        message_id="1@acme.example",
        date=datetime(2024, 2, 29, 14, 0, 0, 123, tzinfo=timezone(timedelta(hours=2))),
    )


def test_what_it_keeps() -> None:
    message = full()
    assert shown(message.from_) == ["Acme Shop <orders@acme.example>"]
    assert shown(message.to) == ["Ann Example <ann@example.com>"]
    assert shown(message.cc) == ["c@example.com", "D <d@example.com>"]
    assert shown(message.bcc) == ["hidden@example.com"]
    assert message.headers["x-order"] == "12345"
    assert message.list_unsubscribe == ListUnsubscribe(
        ("https://acme.example/u", "mailto:u@acme.example"), one_click=True
    )
    assert message.tags == ("orders", "eu")
    assert message.metadata == {"order": "12345"}
    assert message.message_id == "<1@acme.example>"
    assert message.date == datetime(2024, 2, 29, 12, 0, 0, tzinfo=UTC)
    assert message.date.tzinfo is UTC


def test_one_mailbox_stands_for_a_list_of_one() -> None:
    assert email(to=Address("b@example.com")).to == email(to=["b@example.com"]).to == email().to


# Envelope


def test_the_envelope_is_return_path_and_every_recipient_once() -> None:
    message = email(
        to=["Ann <Ann@example.com>", "b@example.com"],
        cc="ANN@EXAMPLE.COM",
        bcc=["c@example.com", "B@example.com"],
        return_path="Bounces <bounces@example.com>",
    )
    envelope = message.envelope
    assert envelope.mail_from == Address("bounces@example.com")
    assert shown(envelope.recipients) == ["Ann@example.com", "b@example.com", "c@example.com"]
    assert all(not recipient.display_name for recipient in envelope.recipients)


@pytest.mark.parametrize(
    ("changes", "mail_from"),
    [
        ({}, "a@example.com"),
        ({"sender": "S <s@example.com>"}, "s@example.com"),
        ({"from_": ["f@example.com", "g@example.com"], "sender": "s@example.com"}, "s@example.com"),
        ({"sender": "s@example.com", "return_path": "r@example.com"}, "r@example.com"),
        ({"return_path": ""}, None),
        ({"return_path": "<>"}, None),
    ],
)
def test_the_envelope_sender(changes: dict[str, Any], mail_from: str | None) -> None:
    assert email(**changes).envelope.mail_from == mail_from


# Refusals: each names its field, in the error and in its text


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"from_": "nobody"}, "from_", "no @"),
        ({"from_": []}, "from_", "nobody"),
        ({"from_": ["a@example.com", "b@example.com"]}, "sender", "several From"),
        ({"to": ()}, "to", "no recipients"),
        ({"to": "a@example.com, b@example.com"}, "to", "several addresses go in a list"),
        ({"to": "Ann <a@example.com>, Bo <b@example.com>"}, "to", "several addresses go in a list"),
        ({"to": ["a@example.com", "b@@example.com"]}, "to[1]", "@"),
        ({"to": ["a@example.com", None]}, "to[1]", "NoneType"),
        ({"to": b"a@example.com"}, "to", "bytes"),
        ({"to": 7}, "to", "int"),
        ({"to": {"a@example.com": "Ann"}}, "to", "dict"),
        ({"cc": ["x@example..com"]}, "cc[0]", "single dots"),
        ({"bcc": "x@example.com\r\nRCPT TO:<y@example.com>"}, "bcc", "U+000D"),
        ({"reply_to": "x y@example.com"}, "reply_to", "' '"),
        ({"sender": "x"}, "sender", "no @"),
        ({"return_path": "x"}, "return_path", "no @"),
        ({"to": Email}, "to", "type"),
        ({"subject": "a\nBcc: b@example.com"}, "subject", "U+000A"),
        ({"subject": "a\r"}, "subject", "position 1"),
        ({"subject": "nul\0"}, "subject", "U+0000"),
        ({"subject": "\x85"}, "subject", "U+0085"),
        ({"subject": "\u2028"}, "subject", "U+2028"),
        ({"subject": "\ud800"}, "subject", "surrogate"),
        ({"subject": None}, "subject", "NoneType"),
        ({"subject": "x" * 10_001}, "subject", "longer"),
        ({"text": None}, "text", "no body"),
        ({"text": b"x"}, "text", "bytes"),
        ({"text": "a\0b"}, "text", "position 1"),
        ({"html": "ab\udfff"}, "html", "surrogate (U+DFFF) at position 2"),
        ({"attachments": ["report.pdf"]}, "attachments[0]", "from_path"),
        ({"attachments": "report.pdf"}, "attachments", "list"),
        ({"attachments": 1}, "attachments", "int"),
        ({"headers": {"Subject": "x"}}, "headers['Subject']", "subject="),
        ({"headers": {"bcc": "x"}}, "headers['bcc']", "bcc="),
        ({"headers": {"List-Unsubscribe-Post": "x"}}, "headers['List-Unsubscribe-Post']", "list_unsubscribe="),
        ({"headers": {"Content-Type": "text/html"}}, "headers['Content-Type']", "attachments"),
        ({"headers": {"MIME-Version": "1.0"}}, "headers['MIME-Version']", "attachments"),
        ({"headers": {"Received": "x"}}, "headers['Received']", "on the way"),
        ({"headers": {"DKIM-Signature": "x"}}, "headers['DKIM-Signature']", "on the way"),
        ({"headers": {"Resent-To": "x@example.com"}}, "headers['Resent-To']", "RawMessage"),
        ({"headers": {"Return-Path": "x@example.com"}}, "headers['Return-Path']", "return_path="),
        ({"headers": {"X Foo": "x"}}, "headers['X Foo']", "field name"),
        ({"headers": {"X-Foo:": "x"}}, "headers['X-Foo:']", "field name"),
        ({"headers": {"": "x"}}, "headers['']", "field name"),
        ({"headers": {"X-\n": "x"}}, "headers['X-\\n']", "field name"),
        ({"headers": {"X-Foo": "x\r\nBcc: y"}}, "headers['X-Foo']", "U+000D"),
        ({"headers": {"X-Foo": 1}}, "headers['X-Foo']", "int"),
        ({"headers": {1: "x"}}, "headers", "int"),
        ({"headers": ["X-Foo: x"]}, "headers", "pair"),
        ({"headers": "X-Foo: x"}, "headers", "mapping"),
        ({"headers": {"References": "not a msg-id"}}, "headers['References']", "msg-id"),
        ({"headers": {"List-Help": "https://example.com"}}, "headers['List-Help']", "angle brackets"),
        ({"headers": {"Auto-Submitted": "automátisch"}}, "headers['Auto-Submitted']", "ASCII"),
        ({"headers": {"Disposition-Notification-To": "x"}}, "headers['Disposition-Notification-To']", "no @"),
        ({"list_unsubscribe": "http://example.com/"}, "list_unsubscribe", "https: or mailto:"),
        ({"list_unsubscribe": ["https://example.com/", "ftp://x"]}, "list_unsubscribe[1]", "https: or mailto:"),
        ({"list_unsubscribe": "https://example.com/a b"}, "list_unsubscribe", "percent-encode"),
        ({"list_unsubscribe": "https://example.com/>\r\nBcc: x"}, "list_unsubscribe", "U+000D"),
        ({"list_unsubscribe": "https://example.com/" + "x" * 1000}, "list_unsubscribe", "longer"),
        ({"list_unsubscribe": 1}, "list_unsubscribe", "int"),
        ({"tags": [""]}, "tags[0]", "empty"),
        ({"tags": ["a", "b\n"]}, "tags[1]", "U+000A"),
        ({"tags": 1}, "tags", "int"),
        ({"metadata": {"a": 1}}, "metadata['a']", "int"),
        ({"metadata": {"a\n": "1"}}, "metadata", "U+000A"),
        ({"metadata": [("a", "b")]}, "metadata", "list"),
        ({"message_id": "no at"}, "message_id", "msg-id"),
        ({"message_id": "<a@b>\r\nX: y"}, "message_id", "U+000D"),
        ({"message_id": "<a@b> <c@d>"}, "message_id", "msg-id"),
        ({"message_id": "<ä@example.com>"}, "message_id", "msg-id"),
        ({"message_id": "x" * 1000 + "@example.com"}, "message_id", "longer"),
        ({"date": datetime(2024, 1, 1)}, "date", "time zone"),  # noqa: DTZ001 - naive is what is refused
        ({"date": "2024-01-01"}, "date", "str"),
        ({"date": datetime(1899, 1, 1, tzinfo=UTC)}, "date", "1900"),
        ({"date": datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))}, "date", "range"),
    ],
)
def test_a_refusal_names_its_field(changes: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(MessageError) as refused:
        email(**changes)
    error = refused.value
    assert error.field == field
    assert error.message.startswith(field)
    assert said in f"{error.message} {error.advice}"
    assert error.permanent
    assert isinstance(error, ValueError)
    assert error.message.isprintable()


@pytest.mark.parametrize("field", ["from_", "to", "cc", "bcc", "reply_to", "sender", "return_path"])
def test_a_bad_address_is_an_address_error(field: str) -> None:
    with pytest.raises(AddressError, match=f"^{field}: ") as refused:
        email(**{field: "not an address"})
    assert refused.value.field == field


def test_two_images_of_one_cid_are_refused() -> None:
    images = [InlineImage(b"1", cid="logo"), InlineImage(b"2", cid="logo")]
    with pytest.raises(MessageError, match="names another image") as refused:
        email(attachments=images)
    assert refused.value.field == "attachments[1].cid"


def test_an_argument_that_does_not_exist() -> None:
    with pytest.raises(TypeError, match="recipients"):
        Email(**{**PLAIN, "recipients": "x@example.com"})
    with pytest.raises(TypeError, match="an Email has no recipients"):
        email().replace(recipients="x@example.com")


# An empty body is one that was said


def test_an_empty_text_is_a_body() -> None:
    assert email(text="").to_bytes().endswith(b"\r\n\r\n")


def test_an_attachment_alone_is_a_body() -> None:
    message = email(text=None, attachments=[Attachment(b"x", "a.pdf")])
    assert b"multipart/mixed" in message.to_bytes()
    assert b"text/plain" not in message.to_bytes()


def test_one_attachment_stands_for_a_list_of_one() -> None:
    item: Any = Attachment(b"x", "a.pdf")
    assert email(attachments=item).attachments == (item,)


# A frozen value


def test_it_does_not_change() -> None:
    message = full()
    for name in ("subject", "to", "new"):
        with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
            setattr(message, name, "x")
    changes: list[Callable[[Any], Any]] = [
        lambda m: m.headers.__setitem__("X", "y"),
        lambda m: m.metadata.__setitem__("X", "y"),
        lambda m: setattr(m.headers, "fields", ()),
        lambda m: setattr(m.metadata, "_items", {}),
        lambda m: m.to.append("x"),
        lambda m: setattr(m.to[0], "local", "x"),
        lambda m: setattr(m.attachments[0], "content", b""),
        lambda m: setattr(m.list_unsubscribe, "uris", ()),
    ]
    for change in changes:
        with pytest.raises((AttributeError, TypeError)):
            change(message)
    assert message == full()


def test_it_does_not_change_with_what_it_was_made_from() -> None:
    to, headers, metadata, content = ["b@example.com"], {"X-A": "1"}, {"k": "v"}, bytearray(b"abc")
    item = Attachment(content, "a.bin")  # type: ignore[arg-type]  # callers hand over what they have
    message = email(to=to, headers=headers, metadata=metadata, attachments=[item])
    before = message.to_bytes()
    to.append("c@example.com")
    headers["X-B"] = "2"
    metadata["k"] = "w"
    content[:] = b"xyz"
    assert message.to_bytes() == before
    assert message.metadata == {"k": "v"}


def test_it_is_equal_hashable_and_picklable() -> None:
    message = full()
    assert message == full()
    assert hash(message) == hash(full())
    assert message != message.replace(subject="Other")
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        copy = pickle.loads(pickle.dumps(message, protocol))
        assert copy == message
        assert copy.to_bytes() == message.to_bytes()


def test_it_shows_neither_text_nor_readers() -> None:
    shown_text = repr(email(subject="Order", text="secret", bcc="hidden@example.com"))
    assert shown_text == "Email('Order', 2 recipients, 0 attachments)"


def test_replace_checks_anew() -> None:
    message = full()
    other = message.replace(subject="Other", to=[*message.to, "x@example.com"], html=None)
    assert other.subject == "Other"
    assert len(other.to) == 2
    assert other.attachments == message.attachments
    assert message.subject == "Order"
    assert message.replace() == message
    with pytest.raises(MessageError, match=r"^to\[0\]"):
        message.replace(to=["x"])


def test_repeated_and_case_insensitive_headers() -> None:
    message = email(headers=[("X-A", "1"), ("x-a", "2"), ("X-B", "3")])
    assert message.headers["X-A"] == "1"
    assert message.headers.get_all("x-A") == ("1", "2")
    assert list(message.headers) == ["X-A", "X-B"]
    assert len(message.headers) == 2
    assert "X-C" not in message.headers
    assert message.headers == email(headers=message.headers).headers
    assert email(headers={"X-A": "1"}).headers == {"X-A": "1"}


def test_date_and_message_id_are_never_invented() -> None:
    content = email().to_bytes()
    assert b"\r\nDate:" not in content
    assert b"\r\nMessage-ID:" not in content
