"""``RawMessage``: bytes stay, Bcc goes, line ends are CRLF, and what cannot go is refused with its position."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import MessageError
from postroad.message import Body, RawMessage
from postroad.message.raw import header_of


def raw(content: bytes) -> RawMessage:
    return RawMessage(content, envelope_from="a@example.com", recipients="b@example.com")


@pytest.mark.parametrize(
    ("given_bytes", "content"),
    [
        (b"Subject: x\r\n\r\nbody\r\n", b"Subject: x\r\n\r\nbody\r\n"),
        (b"Subject: x\n\nbody\n", b"Subject: x\r\n\r\nbody\r\n"),
        (b"Subject: x\r\n\nmixed\nends\r\n", b"Subject: x\r\n\r\nmixed\r\nends\r\n"),
        (b"Subject: x\n\nno end", b"Subject: x\r\n\r\nno end\r\n"),
        (b"Subject: x", b"Subject: x\r\n"),
        (b"Subject: x\n", b"Subject: x\r\n"),
        (b"\nbody\n", b"\r\nbody\r\n"),
        (b"", b"\r\n"),
        # no header at all: the body is kept a body
        (b"hello", b"\r\nhello\r\n"),
        (b"hello\nBcc: x@example.com\n", b"\r\nhello\r\nBcc: x@example.com\r\n"),
        (b"Subject: x\nhello\nBcc: x@example.com\n", b"Subject: x\r\n\r\nhello\r\nBcc: x@example.com\r\n"),
        (b" continued\n\nbody\n", b"\r\n continued\r\n\r\nbody\r\n"),
        # the separator of an mbox is no part of a message
        (b"From ann Mon Jan  1 00:00:00 2024\nSubject: x\n\nFrom me\n", b"Subject: x\r\n\r\nFrom me\r\n"),
        # folding and obsolete white space stay
        (b"Subject : x\n\ty\n \n z\n\nbody\n", b"Subject : x\r\n\ty\r\n \r\n z\r\n\r\nbody\r\n"),
    ],
)
def test_what_becomes_of_the_bytes(given_bytes: bytes, content: bytes) -> None:
    assert raw(given_bytes).content == content


@pytest.mark.parametrize(
    "field",
    [
        b"Bcc: secret@example.com\n",
        b"bCC : secret@example.com\n",
        b"BCC:\n\tsecret@example.com,\n secret@example.org\n",
        b"Resent-Bcc: secret@example.com\n",
        b"Bcc: secret@example.com\nBcc:\n secret@example.com\n",
        b"Bcc:\n",
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_blind_copies_leave_the_header(field: bytes, place: int) -> None:
    fields = [b"Subject: x\n", b"To: a@example.com\n"]
    fields.insert(place, field)
    content = raw(b"".join(fields) + b"\nBcc: body@example.com\n").content
    assert content == b"Subject: x\r\nTo: a@example.com\r\n\r\nBcc: body@example.com\r\n"


def test_a_header_of_nothing_but_blind_copies() -> None:
    assert raw(b"Bcc: secret@example.com\n\nbody\n").content == b"\r\nbody\r\n"
    assert raw(b"Bcc: secret@example.com").content in (b"", b"\r\n")


@pytest.mark.parametrize(
    ("given_bytes", "said"),
    [
        (b"Subject: x\n\na\rb\n", "bare CR at octet 13 of 16 (line 3)"),
        (b"Subject: x\r\r\n\r\n", "bare CR at octet 10"),
        (b"Subject: x\n\nend\r", "bare CR at octet 15"),
        (b"Subject: x\0\n\n", "NUL at octet 10 of 13"),
    ],
)
def test_what_cannot_go_is_refused_with_its_place(given_bytes: bytes, said: str) -> None:
    with pytest.raises(MessageError, match=re.escape(said)) as refused:
        raw(given_bytes)
    assert refused.value.field == "raw"
    assert refused.value.message.startswith("raw: ")


def test_long_lines_go_as_they_are() -> None:
    content = b"Subject: x\r\n\r\n" + b"y" * 5000 + b"\r\n"
    assert raw(content).content == content


def test_arguments() -> None:
    for sender in (None, "", "<>"):
        message = RawMessage(b"x: y\n\n", envelope_from=sender, recipients=["b@example.com", "B@EXAMPLE.com"])
        assert message.envelope.mail_from is None
        assert [str(recipient) for recipient in message.envelope.recipients] == ["b@example.com"]
    assert RawMessage(b"", envelope_from="A <a@example.com>", recipients="B <b@example.com>").envelope.mail_from == (
        "a@example.com"
    )
    for recipients, field in (([], "recipients"), (["x"], "recipients[0]"), ("a@b.example, c@d.example", "recipients")):
        with pytest.raises(MessageError) as refused:
            RawMessage(b"", envelope_from=None, recipients=recipients)
        assert refused.value.field == field
        assert refused.value.message.startswith(field)
    with pytest.raises(MessageError, match=r"^envelope_from: "):
        RawMessage(b"", envelope_from="x", recipients="a@b.example")
    with pytest.raises(MessageError, match=r"^raw: bytes"):
        RawMessage("x", envelope_from=None, recipients="a@b.example")  # type: ignore[arg-type]  # what is refused
    with pytest.raises(TypeError):
        RawMessage(b"", recipients="a@b.example")  # type: ignore[call-arg]  # the sender is never guessed


@pytest.mark.parametrize(
    ("content", "body", "smtputf8"),
    [
        (b"Subject: x\n\ny\n", Body.SEVEN_BIT, False),
        (b"Subject: x\n\n\xc3\xa9\n", Body.EIGHT_BIT, False),
        (b"Subject: x\n\n\xff\n", Body.EIGHT_BIT, False),
        ("Subject: é\n\ny\n".encode(), Body.EIGHT_BIT, True),
        (b"Subject: \xff\n\ny\n", Body.EIGHT_BIT, False),  # no UTF-8, so nothing that SMTPUTF8 could declare
    ],
)
def test_what_the_wire_must_know(content: bytes, body: Body, smtputf8: bool) -> None:
    message = raw(content)
    assert (message.body, message.smtputf8) == (body, smtputf8)


def test_an_international_address_needs_smtputf8() -> None:
    assert RawMessage(b"a: b\n\n", envelope_from=None, recipients="jörg@example.com").smtputf8
    assert not RawMessage(b"a: b\n\n", envelope_from=None, recipients="joerg@bücher.example").smtputf8


@pytest.mark.parametrize(
    ("content", "message_id"),
    [
        (b"Message-ID: <a@b>\n\n", "<a@b>"),
        (b"Subject: x\nMESSAGE-id:\n <a@b>\n\n", "<a@b>"),
        (b"Subject: x\n\nMessage-ID: <a@b>\n", None),
        (b"Message-ID: nonsense\n\n", None),
    ],
)
def test_message_id(content: bytes, message_id: str | None) -> None:
    assert raw(content).message_id == message_id


def test_the_content_does_not_show_in_errors_and_logs() -> None:
    assert "secret" not in repr(raw(b"Subject: secret\n\nsecret\n"))


def test_every_public_message_keeps_its_body(corpora: Path) -> None:
    """Body bytes unchanged, where LF counts as CRLF; a bare CR is refused."""
    seen = 0
    for path in sorted((corpora / "mime").rglob("*.eml")):
        original = path.read_bytes()
        lines = original.replace(b"\r\n", b"\n")
        if b"\r" in lines:
            with pytest.raises(MessageError, match="bare CR"):
                raw(original)
            continue
        content = raw(original).content
        header, _, body = lines.partition(b"\n\n")
        expected = body if body.endswith(b"\n") else body + b"\n"
        assert content.partition(b"\r\n\r\n")[2] == expected.replace(b"\n", b"\r\n"), path
        assert header_of(content) == header.replace(b"\n", b"\r\n") + b"\r\n", path
        seen += 1
    assert seen > 50


@given(
    st.lists(st.sampled_from([b"Bcc: x@example.com", b"a: b", b" c", b"\t", b"", b"hello", b"From x", b"\r\n", b"\n"]))
)
def test_no_blind_copy_survives_in_the_header(pieces: list[bytes]) -> None:
    content = raw(b"\n".join(pieces)).content
    assert content.endswith(b"\r\n")
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert not re.search(rb"(?im)^bcc", header_of(content))
    assert raw(content).content == content
