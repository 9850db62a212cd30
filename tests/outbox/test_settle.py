"""What an outcome means for its delivery."""

import pytest

from postroad.address import Address
from postroad.errors import (
    Abandoned,
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    DataError,
    Disconnected,
    MessageError,
    OutcomeUnknown,
    PostroadError,
    ProtocolError,
    SenderRefused,
    Throttled,
    Timeout,
    TlsError,
    TlsModeMismatch,
    Unsupported,
)
from postroad.outbox import settle
from postroad.outbox.lease import Lease
from postroad.outbox.settle import judge, kept_text, lost_sight, next_try, route_fault, was_tried
from postroad.outbox.states import DeliveryState
from postroad.outbox.stream import Stream, StreamKind, UncertainPolicy
from postroad.outcome import Outcome, Result, SendReport, failed
from postroad.reply import Phase
from tests.fakes import START, middle
from tests.outbox.scripted_transport import reply

BOB = Address("bob@b.example")
USUAL = Stream("transactional")
HOURS = 3600.0


def lease(attempts: int = 0, first_due_at: float = START, expires_at: float | None = None) -> Lease:
    return Lease(7, "bob@b.example", "worker", 3, START, first_due_at, expires_at, attempts, "transactional")


def said(text: str) -> Outcome:
    answer = reply(text)
    return Outcome(BOB, Result.ACCEPTED if answer.code.positive else Result.REFUSED, Phase.DOT, answer)


def failure(error: PostroadError) -> Outcome:
    return failed((BOB,), error).outcomes[0]


def test_accepted_is_sent() -> None:
    verdict = judge(lease(), said("250 2.0.0 ok"), USUAL, START, middle)
    assert verdict.path is settle.SUCCEED
    assert verdict.path.state is DeliveryState.SENT


def test_refused_for_good_is_refused() -> None:
    assert judge(lease(), said("550 5.1.1 no such user"), USUAL, START, middle).path is settle.REFUSE


@pytest.mark.parametrize(
    "error",
    [
        MessageError("too large"),
        Unsupported("no SMTPUTF8"),
        DataError("spam", reply=reply("554 5.7.1 spam")),
        SenderRefused("no", reply=reply("550 5.7.1 no")),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_trying_again_would_not_change_is_refused(error: PostroadError) -> None:
    assert judge(lease(), failure(error), USUAL, START, middle).path is settle.REFUSE


@pytest.mark.parametrize(
    "error",
    [
        ConnectError("refused"),
        Timeout("slow"),
        Disconnected("gone"),
        ProtocolError("odd"),
        DataError("later", reply=reply("451 4.3.0 later")),
        AuthenticationError("busy", reply=reply("454 4.7.0 busy")),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_may_pass_is_deferred(error: PostroadError) -> None:
    verdict = judge(lease(), failure(error), USUAL, START, middle)
    assert verdict.path is settle.DEFER
    assert verdict.due_at == START + 60


def test_the_schedule_is_followed() -> None:
    now, first, waits = START, START, []
    for attempts in range(10):
        verdict = judge(lease(attempts, first), said("450 4.2.0 later"), USUAL, now, middle)
        waits.append((verdict.due_at - now) / 60)
        now = verdict.due_at
    assert waits == pytest.approx([1, 5, 10, 20, 40, 80, 160, 240, 240, 240])


@pytest.mark.parametrize(("kind", "hours"), [(StreamKind.TRANSACTIONAL, 48), (StreamKind.BULK, 72)])
def test_time_used_up_is_expired_and_not_refused(kind: StreamKind, hours: int) -> None:
    stream = Stream("some", kind)
    still, over = START + (hours - 4) * HOURS, START + (hours - 4) * HOURS + 1
    assert judge(lease(20), said("450 4.2.0 later"), stream, still, middle).path is settle.DEFER
    assert judge(lease(20), said("450 4.2.0 later"), stream, over, middle).path is settle.EXPIRE


def test_expires_at_ends_it_when_the_next_try_would_come_too_late() -> None:
    assert next_try(lease(expires_at=START + 61), USUAL, START, middle) == START + 60
    assert next_try(lease(expires_at=START + 60), USUAL, START, middle) is None
    verdict = judge(lease(expires_at=START + 60), said("450 4.2.0 later"), USUAL, START, middle)
    assert verdict.path is settle.EXPIRE


def test_a_wait_that_was_asked_for_is_kept() -> None:
    longer = judge(lease(), failure(Throttled("slow down", retry_after=900.0)), USUAL, START, middle)
    shorter = judge(lease(), failure(Throttled("slow down", retry_after=5.0)), USUAL, START, middle)
    assert (longer.due_at - START, shorter.due_at - START) == (900, 60)


def test_a_reply_after_the_dot_wins_over_expires_at() -> None:
    assert judge(lease(expires_at=START - 1), said("250 ok"), USUAL, START, middle).path is settle.SUCCEED


@pytest.mark.parametrize(
    ("policy", "path", "state"),
    [
        (UncertainPolicy.RETRY, settle.LOSE_SIGHT_AND_TRY_AGAIN, DeliveryState.READY),
        (UncertainPolicy.HOLD, settle.LOSE_SIGHT, DeliveryState.UNCERTAIN),
        (UncertainPolicy.ASSUME_SENT, settle.LOSE_SIGHT_AND_ASSUME_SENT, DeliveryState.SENT),
    ],
)
def test_no_answer_goes_by_the_policy(policy: UncertainPolicy, path: settle.Path, state: DeliveryState) -> None:
    stream = Stream("some", uncertain=policy)
    verdict = judge(lease(), failure(OutcomeUnknown("no answer", phase=Phase.DOT)), stream, START, middle)
    assert verdict.path is path
    assert verdict.path.state is state


def test_an_uncertain_delivery_whose_time_is_up_waits_for_a_decision() -> None:
    assert lost_sight(lease(expires_at=START + 1), USUAL, START, middle).path is settle.LOSE_SIGHT


@pytest.mark.parametrize(
    "error", [AuthenticationError("535"), TlsError("expired"), TlsModeMismatch("plain"), ConfigurationError("no")]
)
def test_a_fault_of_the_route_is_nobodys_outcome(error: PostroadError) -> None:
    report = failed((BOB,), error)
    assert route_fault(report) is error
    assert not was_tried(report.outcomes[0])


@pytest.mark.parametrize("error", [ConnectError("down"), MessageError("bad"), Throttled("slow"), Timeout("slow")])
def test_other_faults_are_not_the_routes(error: PostroadError) -> None:
    report = failed((BOB,), error)
    assert route_fault(report) is None
    assert was_tried(report.outcomes[0])


def test_what_was_taken_back_was_not_tried() -> None:
    assert not was_tried(failure(Abandoned("cancelled")))
    assert route_fault(SendReport((said("250 ok"),))) is None


def test_an_unknown_outcome_was_tried_whatever_its_error() -> None:
    assert was_tried(Outcome(BOB, Result.UNKNOWN, Phase.DOT, None, Abandoned("odd")))


def test_stored_text_is_printable_and_bounded() -> None:
    assert kept_text(said("250 fine")) == "fine"
    assert kept_text(said("550 a\x1b[31mb\x00c\udc80")) == "a�[31mb�c�"
    assert len(kept_text(said("550 " + "x" * 5000))) == settle.MAX_TEXT
