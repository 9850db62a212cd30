"""A message that a program hands over: taken apart, completed, and otherwise left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad import Address, RawMessage
from postroad.clock import as_datetime
from postroad.message.address_list import address_list, qualified
from postroad.message.submission import Submission

AUTHOR = Address("bob@example.com", "Bob")


def completed(raw: bytes) -> bytes:
    return Submission.read(raw).completed(
        author=AUTHOR, domain="here.example", date=as_datetime(0.0), new_message_id=lambda _: "<1@here.example>"
    )


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        ("root", "root@h.example"),
        (" root (Cron Daemon)", " root@h.example (Cron Daemon)"),
        ("(Cron) root", "(Cron) root@h.example"),
        ('"Cron Daemon" <root>', '"Cron Daemon" <root@h.example>'),
        ("Ann <ann>,\n\tcy", "Ann <ann@h.example>,\n\tcy@h.example"),
        ("team: ann, cy@x.example;", "team: ann@h.example, cy@x.example;"),
        ("undisclosed-recipients:;", "undisclosed-recipients:;"),
        ("ann@x.example", "ann@x.example"),
        ("ann@x.example, cy", "ann@x.example, cy@h.example"),
        ('"ann" <ann@x.example> (root)', '"ann" <ann@x.example> (root)'),
        ("two words", "two words"),
        ("<>", "<>"),
        ("", ""),
    ],
)
def test_names_that_stand_alone_get_a_domain(value: str, whole: str) -> None:
    assert qualified(value, "h.example") == whole


@given(st.text(alphabet='ab@<>(),;:" \\.=?\n', max_size=30))
def test_only_domains_are_added_and_once(value: str) -> None:
    whole = qualified(value, "h.example")
    assert whole.replace("@h.example", "") == value.replace("@h.example", "")
    assert qualified(whole, "h.example") == whole


def test_what_is_missing_is_added_behind_the_header() -> None:
    assert completed(b"Subject: x\n\nhello\n") == (
        b"Subject: x\nFrom: Bob <bob@example.com>\nDate: Thu, 01 Jan 1970 00:00:00 +0000\n"
        b"Message-ID: <1@here.example>\n\nhello\n"
    )


@pytest.mark.parametrize("raw", [b"", b"\n", b"hello", b"hello\nFrom: x\n", b"no field\n\nbody"])
def test_what_has_no_header_gets_one(raw: bytes) -> None:
    content = completed(raw)
    assert content.startswith(b"From: Bob <bob@example.com>\n")
    assert content.partition(b"\n\n")[2] == raw.removeprefix(b"\n")


def test_a_field_at_the_very_end_is_a_field() -> None:
    assert completed(b"Subject: x").startswith(b"Subject: x\nFrom: ")


@given(st.binary(max_size=200) | st.text(alphabet="From:To,Ab <>@\r\n\t .", max_size=80).map(str.encode))
def test_whatever_comes_can_go_out(raw: bytes) -> None:
    message = RawMessage(completed(raw), envelope_from=AUTHOR, recipients="ann@example.com")
    header = message.content.partition(b"\r\n\r\n")[0].lower()
    assert all(name in header for name in (b"from:", b"date:", b"message-id:"))


def test_resent_fields_speak_of_this_sending_alone() -> None:
    submission = Submission.read(b"To: ann@example.com\nResent-To: cy\nResent-From: x@y.example\n\nhello\n")
    assert submission.recipients("h.example") == (Address("cy@h.example"),)
    assert [address.addr_spec for address in address_list("cy@h.example", "to")] == ["cy@h.example"]
    content = completed(b"Resent-To: cy@x.example\n\nhello\n")
    assert b"Resent-From: Bob" in content
    assert b"\nFrom:" not in content
