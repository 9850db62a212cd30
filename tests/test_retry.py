"""The schedule of tries: pure, bounded, with a little jitter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.address import Address
from postroad.errors import (
    Abandoned,
    AuthenticationError,
    ConnectError,
    DataError,
    Disconnected,
    DnsError,
    MessageError,
    OutcomeUnknown,
    PostroadError,
    SenderRefused,
    Throttled,
    Timeout,
    TlsError,
    TlsModeMismatch,
    Unsupported,
)
from postroad.outcome import Outcome, Result
from postroad.reply import Code, Phase, Reply
from postroad.retry import (
    BULK,
    JITTER,
    NO_RETRY,
    TRANSACTIONAL,
    WITHIN_CALL,
    Schedule,
    may_retry,
    wait_asked_for,
)
from tests.fakes import middle

HOUR = 3600.0
BOB = Address("bob@b.example")


def plan(schedule: Schedule, tries: int = 200) -> list[float]:
    """The delays until the schedule gives up."""
    delays: list[float] = []
    while len(delays) < tries:
        delay = schedule.delay(len(delays) + 1, sum(delays), chance=middle)
        if delay is None:
            break
        delays.append(delay)
    return delays


@pytest.mark.parametrize(
    ("schedule", "delays"),
    [
        (NO_RETRY, []),
        (WITHIN_CALL, [0.5, 2.0]),
        (Schedule((1.0, 2.0), max_attempts=2), [1.0]),
        (Schedule((1.0, 2.0), repeat=True, max_attempts=5), [1.0, 2.0, 2.0, 2.0]),
        (Schedule((10.0,), repeat=True, max_age=35.0), [10.0, 10.0, 10.0]),
        (Schedule((), repeat=True, max_attempts=3), []),
    ],
)
def test_a_schedule_as_a_list(schedule: Schedule, delays: list[float]) -> None:
    assert plan(schedule) == delays


@pytest.mark.parametrize(("schedule", "hours"), [(TRANSACTIONAL, 48), (BULK, 72)])
def test_an_outbox_tries_for_days_and_not_for_ever(schedule: Schedule, hours: float) -> None:
    delays = plan(schedule)
    assert delays[0] == 60.0
    assert delays == sorted(delays)
    assert delays[-1] == 4 * HOUR
    assert hours - 4 < sum(delays) / HOUR <= hours


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 30))
def test_jitter_stays_within_its_fraction(chance: float, attempts: int) -> None:
    # Full jitter would come back too early for a greylisting server.
    planned = TRANSACTIONAL.delay(attempts, chance=middle)
    jittered = TRANSACTIONAL.delay(attempts, chance=lambda: chance)
    assert planned is not None
    assert jittered is not None
    assert abs(jittered / planned - 1) <= JITTER * 1.000001


def test_jitter_may_be_off() -> None:
    assert Schedule((8.0,), jitter=0.0).delay(1, chance=lambda: 0.0) == 8.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"delays": (-1.0,)},
        {"delays": (1.0,), "repeat": True},
        {"delays": (1.0,), "jitter": 1.0},
        {"delays": (1.0,), "jitter": -0.1},
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"negative|jitter|for ever"):
        Schedule(**wrong)  # type: ignore[arg-type]  # wrong on purpose


def reply(code: int) -> Reply:
    return Reply(Code(code), ("words",))


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (ConnectError("refused"), True),
        (DnsError("no such host"), True),
        (Disconnected("dropped before the dot"), True),
        (Timeout("slow"), True),
        (Throttled("slower", reply=reply(421)), True),
        (SenderRefused("later", reply=reply(451)), True),
        (DataError("later", reply=reply(452)), True),
        (SenderRefused("never", reply=reply(550)), False),
        (DataError("never", reply=reply(552)), False),
        (ConnectError("go away", reply=reply(554)), False),
        (TlsError("expired"), False),
        (TlsModeMismatch("plain text"), False),
        (AuthenticationError("wrong password", reply=reply(535), phase=Phase.AUTH), False),
        # Accounts get locked by those who insist.
        (AuthenticationError("later", reply=reply(454), phase=Phase.AUTH), False),
        (Disconnected("dropped at the password", phase=Phase.AUTH), False),
        (MessageError("too large"), False),
        (Unsupported("no SMTPUTF8"), False),
        (Abandoned("taken back"), False),  # by the caller, who would have to take it back again
    ],
    ids=lambda value: f"{type(value).__name__}-{value.code}" if isinstance(value, PostroadError) else None,
)
def test_what_may_be_tried_again(error: PostroadError, again: bool) -> None:
    assert may_retry(Outcome(BOB, Result.REFUSED, error.phase or Phase.DATA, error.reply, error)) is again


def test_what_was_accepted_or_may_have_been_is_never_tried_again() -> None:
    assert not may_retry(Outcome(BOB, Result.ACCEPTED, Phase.DOT, reply(250)))
    assert not may_retry(Outcome(BOB, Result.UNKNOWN, Phase.DOT, error=OutcomeUnknown("no answer")))


@pytest.mark.parametrize(("code", "again"), [(450, True), (451, True), (452, True), (550, False), (553, False)])
def test_a_refused_recipient_is_tried_again_by_its_code(code: int, again: bool) -> None:
    assert may_retry(Outcome(BOB, Result.REFUSED, Phase.RCPT, reply(code))) is again


def test_what_the_peer_asked_for() -> None:
    assert wait_asked_for(None) == 0.0
    assert wait_asked_for(Throttled()) == 0.0
    assert wait_asked_for(Throttled(retry_after=7.5)) == 7.5
    assert wait_asked_for(Throttled(retry_after=-1.0)) == 0.0
