"""Writing header fields: folding, encoded words, lists, parameters, msg-ids, dates."""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.address import Address
from postroad.errors import MessageError
from postroad.message import date_time, headers, message_id, mime_parameters
from postroad.message.encoded_word import MAX_WORD, MIN_ROOM, encoded_words
from postroad.message.list_headers import ListUnsubscribe
from tests.message.strategies import addresses, file_names, header_texts

WORD = re.compile(r"=\?utf-8\?[qb]\?[!->@-~]*\?=")


def unfolded(field: str) -> str:
    assert field.endswith("\r\n")
    return field.removesuffix("\r\n").replace("\r\n", "")


# Folding


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "Subject:\r\n"),
        ("Hello", "Subject: Hello\r\n"),
        ("a" * 69, "Subject: " + "a" * 69 + "\r\n"),  # 78 in all
        ("a" * 70, "Subject:\r\n " + "a" * 70 + "\r\n"),  # a fold after the colon brings it below 78
        ("a" * 200, "Subject: " + "a" * 200 + "\r\n"),  # no fold helps, so none is made
        ("a" * 60 + "  " + "b" * 60, "Subject: " + "a" * 60 + "\r\n  " + "b" * 60 + "\r\n"),  # both spaces stay
        ("Grüße", "Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n"),
        ("Re: bestätigt now", "Subject: Re: =?utf-8?q?best=C3=A4tigt?= now\r\n"),
        ("重要", "Subject: =?utf-8?b?6YeN6KaB?=\r\n"),
        (" edge", "Subject: =?utf-8?q?_edge?=\r\n"),
        ("=?x?q?y?=", "Subject: =?utf-8?b?PT94P3E/eT89?=\r\n"),
    ],
)
def test_free_text(text: str, field: str) -> None:
    assert headers.unstructured("Subject", text) == field


def test_a_run_that_no_line_holds_becomes_words() -> None:
    field = headers.unstructured("X-Long", "x" * 2000)
    assert max(map(len, field.split("\r\n"))) <= 76
    assert str(make_header(decode_header(unfolded(field)[8:]))) == "x" * 2000


@given(header_texts, st.sampled_from(["Subject", "X-A", "X-" + "n" * 60]))
def test_free_text_comes_back(text: str, name: str) -> None:
    field = headers.unstructured(name, text)
    value = unfolded(field).removeprefix(f"{name}:").removeprefix(" ")
    assert str(make_header(decode_header(value))) == text
    for line in field.removesuffix("\r\n").split("\r\n"):
        assert line.strip()
        assert len(line) <= (76 if "=?" in line else 78) or " " not in line.strip()


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200), st.integers(0, MAX_WORD))
def test_encoded_words_stand_alone(text: str, room: int) -> None:
    words = encoded_words(text, room)
    assert len(words[0]) <= (room if room >= MIN_ROOM else MAX_WORD)
    for word in words:
        assert len(word) <= MAX_WORD
        assert WORD.fullmatch(word)
    # Each is decoded by itself: no character is split (RFC 2047 §5).
    assert "".join(str(make_header(decode_header(word))) for word in words) == text


# Addresses


@given(st.lists(addresses, min_size=1, max_size=5))
def test_no_encoded_word_in_an_address(mailboxes: list[Address]) -> None:
    field = headers.mailboxes("To", mailboxes)
    for address in mailboxes:
        assert address.addr_spec in field
    for line in field.removesuffix("\r\n").split("\r\n"):
        assert len(line) <= (76 if "=?" in line else 78) or " " not in line.strip()


@pytest.mark.parametrize(
    ("address", "written"),
    [
        (Address("a@b.example"), "a@b.example"),
        (Address("a@b.example", "Ann B"), "Ann B <a@b.example>"),
        (Address("a@b.example", "B., Ann"), '"B., Ann" <a@b.example>'),
        (Address("a@b.example", 'A "x" \\'), '"A \\"x\\" \\\\" <a@b.example>'),
        (Address("a@b.example", "Änn"), "=?utf-8?q?=C3=84nn?= <a@b.example>"),
        (Address("a@bücher.example", "B"), "B <a@xn--bcher-kva.example>"),
        (Address("jörg@b.example", "J"), "J <jörg@b.example>"),
    ],
)
def test_one_mailbox(address: Address, written: str) -> None:
    assert headers.mailboxes("To", [address]) == f"To: {written}\r\n"


# What the caller adds


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("In-Reply-To", "<a@b>", "In-Reply-To: <a@b>\r\n"),
        ("References", "<a@b>\t<c@d><e@f>", "References: <a@b> <c@d> <e@f>\r\n"),
        ("Errors-To", "Änn <a@b.example>", "Errors-To: =?utf-8?q?=C3=84nn?= <a@b.example>\r\n"),
        ("List-Post", "NO", "List-Post: NO\r\n"),
        ("List-Help", "<https://a.example/>, <mailto:a@b.example>", None),
        ("Precedence", "bulk", "Precedence: bulk\r\n"),
        ("X-Note", "grün", "X-Note: =?utf-8?q?gr=C3=BCn?=\r\n"),
    ],
)
def test_added_fields(name: str, value: str, field: str | None) -> None:
    headers.check(name, value, name)
    assert headers.added(name, value) == (field or f"{name}: {value}\r\n")


def test_long_references_are_folded_between_ids_and_nowhere_else() -> None:
    ids = [f"<{'x' * length}@example.com>" for length in range(20, 120, 7)]
    field = headers.added("References", " ".join(ids))
    assert "=?" not in field
    assert unfolded(field).split()[1:] == ids


def test_no_line_is_longer_than_998() -> None:
    longest = "https://example.com/".ljust(990, "x")
    for field in (
        headers.uris("List-Unsubscribe", [longest, longest]),
        headers.added("List-Subscribe", f"<{longest}>"),
        headers.added("References", " ".join([f"<{'x' * 980}@b>"] * 2)),
        headers.added("Feedback-ID", "x" * 997),
        headers.unstructured("X-" + "n" * 74, "x" * 997),
        headers.unstructured("X-" + "n" * 74, "x" * 995 + "  " + "y" * 995),
    ):
        assert max(map(len, field.split("\r\n"))) <= 998


def test_long_uris_stay_whole() -> None:
    uris = ["https://example.com/?" + "t" * 900, "mailto:u@example.com"]
    assert headers.uris("List-Unsubscribe", uris) == f"List-Unsubscribe: <{uris[0]}>,\r\n <{uris[1]}>\r\n"
    assert headers.uris("List-Unsubscribe", [uris[1]]) == f"List-Unsubscribe: <{uris[1]}>\r\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("References", "<a@b> c@d"),
        ("References", "<a b@c>"),
        ("In-Reply-To", f"<{'x' * 990}@b>"),
        ("List-Archive", "<https://a.example/> <https://b.example/>"),
        ("List-Archive", f"<https://a.example/{'x' * 1000}>"),
        ("Feedback-ID", "x" * 998),
    ],
)
def test_values_that_a_field_cannot_hold(name: str, value: str) -> None:
    with pytest.raises(MessageError, match=r"^here: "):
        headers.check(name, value, "here")


# Parameters


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a.pdf", ['filename="a.pdf"']),
        ('a "b" \\.pdf', ['filename="a \\"b\\" \\\\.pdf"']),
        ("ä.pdf", ["filename*=utf-8''%C3%A4.pdf"]),
        ("%41.pdf", ["filename*=utf-8''%2541.pdf"]),
    ],
)
def test_file_names(name: str, written: list[str]) -> None:
    assert mime_parameters.filename(name) == written


@given(file_names)
def test_file_names_come_back(name: str) -> None:
    field = mime_parameters.field("Content-Disposition", "attachment", mime_parameters.filename(name))
    assert max(map(len, field.split("\r\n"))) <= 78
    part = Message()
    part["Content-Disposition"] = field.removesuffix("\r\n").partition(": ")[2]
    assert part.get_filename() == name
    for section in re.findall(r"\*\d+\*=([^;\r]*)", field)[1:]:
        assert not re.match("%[89AB]", section)  # whole characters in every section
    old = mime_parameters.field("Content-Type", "a/b", [mime_parameters.name_for_old_clients(name)])
    assert max(map(len, old.split("\r\n"))) <= 78


# msg-ids


@pytest.mark.parametrize("text", ["<a@b>", "a@b", "a.b-c+d@e.f", "<a@[192.0.2.1]>", " <a@b> "])
def test_message_ids(text: str) -> None:
    assert message_id.checked(text) == f"<{text.strip(' <>')}>"


@pytest.mark.parametrize(
    "text",
    ["", "<>", "a", "<a>", "<a@b", "a@b>", "<a@b>c", "<a@b@c>", "<a..b@c>", "<.a@b>", "<a b@c>", "<a@b>\n", "<é@b>"],
)
def test_what_is_no_message_id(text: str) -> None:
    with pytest.raises(MessageError, match=r"^message_id: "):
        message_id.checked(text)


def test_making_a_message_id() -> None:
    assert message_id.make("example.com", "0190.abc") == "<0190.abc@example.com>"
    with pytest.raises(MessageError):
        message_id.make("example.com>\r\nX: y", "a")
    with pytest.raises(MessageError):
        message_id.make("example.com", "a b")


# List-Unsubscribe


@pytest.mark.parametrize(
    ("value", "uris", "one_click"),
    [
        ("https://a.example/u?x=1&y=%20", ("https://a.example/u?x=1&y=%20",), True),
        ("<HTTPS://a.example/u>", ("HTTPS://a.example/u",), True),
        ("mailto:u@a.example?subject=leave", ("mailto:u@a.example?subject=leave",), False),
        (["mailto:u@a.example", "https://a.example/u"], ("mailto:u@a.example", "https://a.example/u"), True),
    ],
)
def test_ways_out(value: str | list[str], uris: tuple[str, ...], one_click: bool) -> None:
    assert ListUnsubscribe.read(value) == ListUnsubscribe(uris, one_click=one_click)


@pytest.mark.parametrize("value", [None, [], ()])
def test_no_way_out(value: list[str] | None) -> None:
    assert ListUnsubscribe.read(value) is None


@pytest.mark.parametrize(
    "value", ["", "https:", "https://", "mailto:", "https://ä.example/", "javascript:x", "https://a.example/<b>"]
)
def test_what_is_no_way_out(value: str) -> None:
    with pytest.raises(MessageError, match=r"^list_unsubscribe: "):
        ListUnsubscribe.read(value)


# Date


def test_dates_are_in_utc() -> None:
    moment = datetime(2003, 7, 1, 10, 52, 37, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert date_time.rendered(moment) == "Tue, 01 Jul 2003 08:52:37 +0000"
    assert date_time.checked(moment) == datetime(2003, 7, 1, 8, 52, 37, tzinfo=UTC)


@given(st.datetimes(datetime(1900, 1, 2), datetime(9999, 12, 30), timezones=st.timezones()))  # noqa: DTZ001 - bounds are naive
def test_every_date_is_read_alike(moment: datetime) -> None:
    from email.utils import format_datetime, parsedate_to_datetime

    checked = date_time.checked(moment)
    assert checked is not None
    assert date_time.rendered(checked) == date_time.rendered(moment)
    assert parsedate_to_datetime(date_time.rendered(moment)) == moment.astimezone(UTC).replace(microsecond=0)
    assert format_datetime(checked) == date_time.rendered(moment)
