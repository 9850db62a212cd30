"""From a caller's arguments to a job: times, keys, the hash of the payload."""

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import MessageError
from postroad.mailer.compose import compose
from postroad.message.email import Email
from postroad.outbox.job import MAX_RECIPIENTS, Job, payload_hash, read_key, read_moment, read_times
from postroad.outbox.subject import MAX_SUBJECT, subject_of
from postroad.outbox.uuid7 import uuid7
from tests.fakes import START, FakeClock
from tests.fakes import letter as sealed
from tests.outbox.letters import letter

NOW = datetime.fromtimestamp(START, UTC)
GENERATED = frozenset({"message-id", "date"})


def test_more_recipients_than_can_be_numbered_are_refused() -> None:
    everybody = [f"{number}@b.example" for number in range(MAX_RECIPIENTS + 1)]
    Job("id", sealed("hello", *everybody[1:]), "transactional", 10, START)
    with pytest.raises(MessageError, match="30001 recipients") as caught:
        Job("id", sealed("hello", *everybody), "transactional", 10, START)
    assert caught.value.field == "to"


# ── times ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_moment_is_aware_or_from_now() -> None:
    assert read_moment(None, "send_at", START) is None
    assert read_moment(timedelta(minutes=5), "send_at", START) == START + 300
    assert read_moment(NOW.astimezone(timezone(timedelta(hours=9))), "send_at", START) == START


@pytest.mark.parametrize("name", ["send_at", "expires_at"])
def test_a_naive_time_is_refused_by_name(name: str) -> None:
    with pytest.raises(MessageError, match=rf"{name}: .* has no time zone") as caught:
        read_moment(NOW.replace(tzinfo=None), name, START)
    assert caught.value.field == name
    assert "datetime.now(UTC)" in caught.value.advice


def test_a_number_is_no_moment() -> None:
    with pytest.raises(MessageError, match=r"send_at: .* not float"):
        read_moment(START, "send_at", START)  # type: ignore[arg-type]  # what a caller might try


def test_a_time_to_send_that_has_passed_means_now() -> None:
    assert read_times(NOW - timedelta(hours=1), None, START) == (None, None)
    assert read_times(timedelta(0), timedelta(hours=1), START) == (None, START + 3600)


@pytest.mark.parametrize(
    ("send_at", "expires_at"),
    [(None, timedelta(0)), (None, timedelta(seconds=-1)), (timedelta(hours=2), timedelta(hours=1))],
)
def test_a_message_that_expires_before_it_may_go_is_refused(send_at: timedelta | None, expires_at: timedelta) -> None:
    with pytest.raises(MessageError, match="expires_at: lies before"):
        read_times(send_at, expires_at, START)


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_keys() -> None:
    assert read_key(None) is None
    assert read_key("order-12345 ü") == "order-12345 ü"


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "a\x00", 5, b"order"])
def test_what_is_no_key(key: object) -> None:
    with pytest.raises(MessageError, match="idempotency_key: 1 to 255") as caught:
        read_key(key)
    assert caught.value.field == "idempotency_key"


# ── the payload ───────────────────────────────────────────────────────────────────────────────────────────────────────


def hashed(email: Email, stream: str = "transactional", at: float = START) -> str:
    return payload_hash(compose(email, clock=FakeClock(at)), stream, GENERATED)


def test_what_was_generated_does_not_count() -> None:
    first, second = compose(letter(), clock=FakeClock(START)), compose(letter(), clock=FakeClock(START + 1e6))
    assert first.content != second.content
    assert payload_hash(first, "bulk", GENERATED) == payload_hash(second, "bulk", GENERATED)
    assert payload_hash(first, "bulk", frozenset()) != payload_hash(second, "bulk", frozenset())


def test_what_the_caller_gave_counts() -> None:
    mine, yours = letter().replace(message_id="<1@a.example>"), letter().replace(message_id="<2@a.example>")
    date_only = frozenset({"date"})
    one = payload_hash(compose(mine, clock=FakeClock()), "bulk", date_only)
    assert one == payload_hash(compose(mine, clock=FakeClock(START + 99)), "bulk", date_only)
    assert one != payload_hash(compose(yours, clock=FakeClock()), "bulk", date_only)


@pytest.mark.parametrize(
    "other",
    [
        letter(text="other"),
        letter(subject="other"),
        letter("ann@b.example"),
        letter("bob@b.example", "ann@b.example"),
        letter().replace(bcc=["ann@b.example"]),
        letter().replace(return_path="bounces@a.example"),
        letter().replace(headers={"X-Order": "1"}),
        letter().replace(text="hello\r\nMessage-ID: <x@y>\r\nDate: now"),
    ],
)
def test_another_message_has_another_hash(other: Email) -> None:
    assert hashed(other) != hashed(letter())


def test_the_body_is_not_mistaken_for_a_header() -> None:
    one, other = letter(text="Date: yesterday\r\nx"), letter(text="Date: today\r\nx")
    assert hashed(one) != hashed(other)


def test_the_stream_counts() -> None:
    assert hashed(letter(), "bulk") != hashed(letter(), "transactional")


# ── identifiers ───────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.floats(0, 2**38), st.binary(min_size=10, max_size=10))
def test_a_uuid7_has_its_form(now: float, octets: bytes) -> None:
    made = uuid.UUID(uuid7(now, lambda count: octets[:count]))
    assert str(made) == uuid7(now, lambda count: octets[:count])
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == int(now * 1000)  # RFC 9562 §5.7: unix_ts_ms


def test_uuid7s_sort_by_their_time_and_are_not_repeated() -> None:
    made = [uuid7(START + number / 1000) for number in range(100)]
    assert made == sorted(made)
    assert len({uuid7(START) for _ in range(1000)}) == 1000


# ── subjects ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("content", "subject"),
    [
        (b"From: a@b\r\nSubject: hello\r\n\r\nbody", "hello"),
        (b"SUBJECT : hello\r\n there\r\n\r\n", "hello there"),
        (b"From: a@b\r\n\r\nSubject: in the body", ""),
        (b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_aus?=\r\n =?UTF-8?B?IEvDtmxu?=\r\n\r\n", "Grüße aus Köln"),
        (b"Subject: =?iso-8859-1*de?Q?Gr=FC=DFe?= an alle\r\n\r\n", "Grüße an alle"),
        (b"Subject: =?klingon?q?nuqneH?=\r\n\r\n", "=?klingon?q?nuqneH?="),
        (b"Subject: =?utf-8?b?abc?=\r\n\r\n", "=?utf-8?b?abc?="),
        (b"Subject: =?unicode_escape?q?=5Cud800?=\r\n\r\n", "?"),
        ("Subject: Grüße\r\n\r\n".encode(), "Grüße"),
        (b"Subject: \xff\r\n\r\n", "\N{REPLACEMENT CHARACTER}"),
        (b"", ""),
    ],
)
def test_the_subject_of_a_rendered_message(content: bytes, subject: str) -> None:
    assert subject_of(content) == subject


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300))
def test_a_subject_comes_back_as_it_was_written(subject: str) -> None:
    rendered = letter(subject=subject).to_bytes()
    assert subject_of(rendered).split() == subject.split()


def test_a_subject_is_kept_up_to_a_length() -> None:
    assert len(subject_of(b"Subject: " + b"x" * 5000 + b"\r\n\r\n")) == MAX_SUBJECT
