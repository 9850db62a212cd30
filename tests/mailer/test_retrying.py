"""What is tried again within one send, and how tries make one report."""

from dataclasses import replace

import pytest

from postroad.address import Address
from postroad.errors import DataError, Disconnected, OutcomeUnknown, PostroadError, RecipientsRefused, Throttled
from postroad.mailer.retrying import LONGEST_WAIT, merged, unfinished, wait_before
from postroad.outcome import Outcome, Result, SendReport, failed
from postroad.reply import Code, Phase, Reply
from postroad.retry import NO_RETRY, WITHIN_CALL, Schedule
from postroad.transport.contract import Ability
from tests.fakes import letter, middle

ANN, BOB, EVE = (Address(text) for text in ("ann@a.example", "bob@b.example", "eve@e.example"))
MAIL = letter("hello", *(one.addr_spec for one in (ANN, BOB, EVE)))
SEPARATE = frozenset({Ability.SEPARATE_ENVELOPE})
YES, LATER, NEVER = (Reply(Code(code), ("words",)) for code in (250, 450, 550))


def said(who: Address, reply: Reply) -> Outcome:
    return Outcome(who, Result.ACCEPTED if reply is YES else Result.REFUSED, Phase.RCPT, reply)


def unknown(who: Address) -> Outcome:
    return Outcome(who, Result.UNKNOWN, Phase.DOT, error=OutcomeUnknown())


@pytest.mark.parametrize(
    ("outcomes", "again"),
    [
        ((said(ANN, YES), said(BOB, YES), said(EVE, YES)), ()),
        ((said(ANN, YES), said(BOB, NEVER), unknown(EVE)), ()),
        ((said(ANN, YES), said(BOB, LATER), said(EVE, NEVER)), (BOB,)),
        ((said(ANN, LATER), unknown(BOB), said(EVE, LATER)), (ANN, EVE)),
        ((said(ANN, LATER), said(BOB, LATER), said(EVE, LATER)), (ANN, BOB, EVE)),
    ],
)
def test_only_those_who_may_be_are_tried_again(outcomes: tuple[Outcome, ...], again: tuple[Address, ...]) -> None:
    mail = unfinished(MAIL, SendReport(outcomes), SEPARATE)
    assert (mail.envelope.recipients if mail else ()) == again
    if mail:
        assert replace(mail, envelope=MAIL.envelope) == MAIL, "the same bytes"


def test_a_route_without_an_envelope_of_its_own_mails_everybody_or_nobody() -> None:
    partly = SendReport((said(ANN, YES), said(BOB, LATER), said(EVE, LATER)))
    assert unfinished(MAIL, partly, frozenset()) is None
    nobody = failed((ANN, BOB, EVE), Disconnected("gone"))
    assert unfinished(MAIL, nobody, frozenset()) is MAIL


@pytest.mark.parametrize(
    ("asked", "attempts", "schedule", "wait"),
    [
        (None, 1, WITHIN_CALL, 0.5),
        (None, 2, WITHIN_CALL, 2.0),
        (None, 3, WITHIN_CALL, None),
        (None, 1, NO_RETRY, None),
        (10.0, 1, WITHIN_CALL, 10.0),
        (0.1, 1, WITHIN_CALL, 0.5),
        (LONGEST_WAIT, 1, WITHIN_CALL, LONGEST_WAIT),
        (LONGEST_WAIT + 1, 1, WITHIN_CALL, None),  # whoever is asked to wait longer needs an outbox
        (None, 1, Schedule((60.0,), max_age=30.0), None),
    ],
)
def test_how_long_to_wait(asked: float | None, attempts: int, schedule: Schedule, wait: float | None) -> None:
    report = failed((ANN,), Throttled("slower", retry_after=asked))
    assert wait_before(schedule, attempts, 0.0, report, middle) == wait


@pytest.mark.parametrize(
    ("first", "later", "results", "error"),
    [
        ((said(ANN, YES), said(BOB, LATER)), (said(BOB, YES),), "AA", None),
        ((said(ANN, YES), said(BOB, LATER)), (said(BOB, NEVER),), "AR", None),
        ((said(ANN, YES), said(BOB, LATER)), (unknown(BOB),), "AU", None),
        ((said(ANN, NEVER), said(BOB, LATER)), (said(BOB, YES),), "RA", None),
        ((said(ANN, NEVER), said(BOB, LATER)), (said(BOB, NEVER),), "RR", RecipientsRefused),
        ((said(ANN, LATER), said(BOB, LATER)), (said(ANN, NEVER), said(BOB, YES)), "RA", None),
    ],
)
def test_two_tries_make_one_report(
    first: tuple[Outcome, ...], later: tuple[Outcome, ...], results: str, error: type[PostroadError] | None
) -> None:
    before = SendReport(first, message_id="<x@a.example>", index=7)
    stopped = RecipientsRefused("refused", reply=NEVER) if error else None
    report = merged(before, SendReport(later, error=stopped), 2)
    assert "".join(one.result.value[0].upper() for one in report.outcomes) == results
    assert [one.recipient for one in report.outcomes] == [ANN, BOB]
    assert (report.attempts, report.message_id, report.index) == (2, "<x@a.example>", 7)
    assert (type(report.error) if report.error else None) is error


def test_what_stopped_the_last_try_is_what_is_raised() -> None:
    first = failed((ANN,), Disconnected("gone"))
    later = failed((ANN,), DataError("spam", reply=NEVER))
    assert merged(first, later, 2).error is later.error
