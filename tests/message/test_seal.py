"""``seal``: from a message to the mail object, measured before anything is connected."""

import logging
from datetime import UTC, datetime

import pytest

from postroad.errors import MessageError
from postroad.message import Attachment, Body, Email, RawMessage
from postroad.message.seal import DEFAULT_MAX_SIZE, LARGE, seal

MOMENT = datetime(2024, 2, 29, 12, 0, tzinfo=UTC)


def email(size: int = 0) -> Email:
    files = [Attachment(bytes(size), "big.bin")] if size else []
    return Email(from_="a@example.com", to="b@example.com", bcc="c@example.com", text="x", attachments=files)


def test_message_id_and_date_come_from_the_caller_where_the_message_has_none() -> None:
    mail = seal(email(), message_id="<1@example.com>", date=MOMENT)
    assert mail.message_id == "<1@example.com>"
    assert b"\r\nMessage-ID: <1@example.com>\r\n" in mail.content
    assert b"\r\nDate: Thu, 29 Feb 2024 12:00:00 +0000\r\n" in mail.content
    assert [str(recipient) for recipient in mail.envelope.recipients] == ["b@example.com", "c@example.com"]


def test_the_messages_own_win() -> None:
    own = email().replace(message_id="own@example.com", date=datetime(2020, 1, 1, tzinfo=UTC))
    mail = seal(own, message_id="<1@example.com>", date=MOMENT)
    assert mail.message_id == "<own@example.com>"
    assert mail.content == own.to_bytes()


def test_what_the_wire_must_know() -> None:
    plain = seal(email())
    assert (plain.body, plain.smtputf8) == (Body.SEVEN_BIT, False)
    for message in (
        email().replace(to="jörg@example.com"),
        email().replace(reply_to="jörg@example.com"),
    ):
        mail = seal(message)
        assert (mail.body, mail.smtputf8) == (Body.EIGHT_BIT, True)
    for message in (email().replace(bcc="jörg@example.com"), email().replace(return_path="jörg@example.com")):
        mail = seal(message)  # only the envelope
        assert (mail.body, mail.smtputf8) == (Body.SEVEN_BIT, True)
    assert not seal(email().replace(to="Jörg <joerg@bücher.example>", subject="Grüße")).smtputf8


def test_a_raw_message_goes_as_it_is() -> None:
    raw = RawMessage(b"Message-ID: <x@y>\n\n\xff\n", envelope_from=None, recipients="b@example.com")
    mail = seal(raw, message_id="<1@example.com>", date=MOMENT)
    assert mail.content == b"Message-ID: <x@y>\r\n\r\n\xff\r\n"
    assert (mail.message_id, mail.body, mail.smtputf8) == ("<x@y>", Body.EIGHT_BIT, False)


def test_forty_megabytes_are_refused() -> None:
    with pytest.raises(MessageError, match=r"^size: 54\.\d MB of content, 25\.0 MB allowed") as refused:
        seal(email(40_000_000))
    assert refused.value.field == "size"
    assert "link" in refused.value.advice


def test_the_limit_is_exact_and_may_be_lifted() -> None:
    size = len(seal(email()).content)
    assert len(seal(email(), max_size=size).content) == size
    with pytest.raises(MessageError, match=r"^size: "):
        seal(email(), max_size=size - 1)
    raw = RawMessage(b"a: b\r\n\r\n" + b"x" * 100, envelope_from=None, recipients="b@example.com")
    with pytest.raises(MessageError, match=r"^size: "):
        seal(raw, max_size=100)
    assert len(seal(email(2_000_000), max_size=None).content) > 2_000_000
    assert DEFAULT_MAX_SIZE == 25_000_000


def test_a_large_message_is_warned_about_without_its_addresses(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="postroad.message"):
        seal(email())
        assert not caplog.records
        seal(email(LARGE))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "link" in caplog.text
    assert "@" not in caplog.text
