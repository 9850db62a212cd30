"""What became of a message, recipient by recipient."""

import pickle

import pytest

from postroad.address import Address
from postroad.errors import (
    AddressError,
    DataError,
    Disconnected,
    OutcomeUnknown,
    PostroadError,
    RecipientsRefused,
    TlsError,
)
from postroad.outcome import Outcome, Outcomes, Result, SendReport, failed, with_error
from postroad.reply import Code, EnhancedCode, Phase, Reply

ANN, BOB, EVE = Address("ann@a.example"), Address("bob@b.example"), Address("eve@e.example")
YES = Reply(Code(250), ("2.0.0 Taken",), EnhancedCode(2, 0, 0))
LATER = Reply(Code(451), ("4.3.0 Later",), EnhancedCode(4, 3, 0))
NEVER = Reply(Code(550), ("5.1.1 No such mailbox",), EnhancedCode(5, 1, 1))


def accepted(who: Address) -> Outcome:
    return Outcome(who, Result.ACCEPTED, Phase.DOT, YES)


def refused(who: Address, reply: Reply) -> Outcome:
    return Outcome(who, Result.REFUSED, Phase.RCPT, reply)


def unknown(who: Address) -> Outcome:
    return Outcome(who, Result.UNKNOWN, Phase.DOT, error=OutcomeUnknown("no answer"))


@pytest.mark.parametrize(
    ("outcome", "temporary", "permanent"),
    [
        (accepted(BOB), False, False),
        (unknown(BOB), False, False),
        (refused(BOB, LATER), True, False),
        (refused(BOB, NEVER), False, True),
        (Outcome(BOB, Result.REFUSED, Phase.DATA, error=Disconnected("gone")), True, False),
        (Outcome(BOB, Result.REFUSED, Phase.TLS, error=TlsError("expired")), False, True),
        (Outcome(BOB, Result.REFUSED, Phase.DOT, LATER, DataError(reply=LATER)), True, False),
        (Outcome(BOB, Result.REFUSED, Phase.DOT, NEVER, DataError(reply=NEVER)), False, True),
    ],
)
def test_only_a_refusal_is_temporary_or_permanent(outcome: Outcome, temporary: bool, permanent: bool) -> None:
    assert (outcome.temporary, outcome.permanent) == (temporary, permanent)


def test_an_outcome_says_what_the_server_said_or_what_we_know() -> None:
    said = refused(BOB, NEVER)
    assert (said.code, str(said.enhanced), said.text) == (550, "5.1.1", "No such mailbox")
    assert str(said) == "bob@b.example: refused at rcpt: 550 5.1.1 No such mailbox"
    silent = Outcome(BOB, Result.REFUSED, Phase.DATA, error=Disconnected("the line is dead"))
    assert (silent.code, silent.enhanced, silent.text) == (None, None, "the line is dead")
    assert str(silent) == "bob@b.example: refused at data: the line is dead"


def test_a_report_is_asked_by_result_and_by_address() -> None:
    report = SendReport((accepted(ANN), refused(BOB, NEVER), unknown(EVE)))
    assert [one.recipient for one in report.accepted] == [ANN]
    assert [one.recipient for one in report.unknown] == [EVE]
    assert report.refused["bob@b.example"].code == 550
    assert report.refused["Bob <BOB@B.example>"].code == 550  # however it is spelt
    assert report.refused[BOB] is report.refused[0]
    assert report.refused[0:1] == (report.refused[0],)
    there: list[object] = ["bob@b.example", BOB, report.refused[0]]
    assert all(one in report.refused for one in there)
    absent: list[object] = ["ann@a.example", ANN, "no address", report.accepted[0]]
    assert not any(one in report.refused for one in absent)
    with pytest.raises(KeyError):
        report.refused["ann@a.example"]
    with pytest.raises(AddressError):
        report.refused["no address"]


def test_a_report_is_neither_true_nor_false() -> None:
    with pytest.raises(TypeError, match="raise_for_refused"):
        bool(SendReport((accepted(ANN),)))


def test_raise_for_refused_says_nothing_where_everybody_was_accepted() -> None:
    SendReport((accepted(ANN), accepted(BOB))).raise_for_refused()


@pytest.mark.parametrize(
    ("outcomes", "kind", "sentence"),
    [
        ((accepted(ANN), refused(BOB, NEVER)), RecipientsRefused, "1 of 2 recipients refused: bob@b.example"),
        ((accepted(ANN), unknown(BOB)), OutcomeUnknown, "no answer for 1"),
        ((refused(ANN, NEVER), unknown(BOB)), RecipientsRefused, "1 of 2"),
    ],
)
def test_raise_for_refused(outcomes: tuple[Outcome, ...], kind: type[PostroadError], sentence: str) -> None:
    report = SendReport(outcomes)
    with pytest.raises(kind, match=sentence) as caught:
        report.raise_for_refused()
    assert caught.value.report is report


def test_raise_for_refused_raises_what_stopped_the_message() -> None:
    error = DataError("too large", reply=NEVER)
    with pytest.raises(DataError) as caught:
        failed((ANN, BOB), error).raise_for_refused()
    assert caught.value is error


def test_one_error_for_everybody_is_refused_or_unknown() -> None:
    error = Disconnected("gone", phase=Phase.DATA)
    report = failed((ANN, BOB), error)
    assert error.report is report
    assert [one.recipient for one in report.refused] == [ANN, BOB]
    assert {one.phase for one in report.refused} == {Phase.DATA}
    assert not report.unknown
    doubtful = failed((ANN,), OutcomeUnknown("no answer", phase=Phase.DOT))
    assert [one.recipient for one in doubtful.unknown] == [ANN]
    assert not doubtful.refused


def test_error_and_report_know_each_other() -> None:
    error = DataError("no", reply=NEVER)
    report = with_error(SendReport((refused(ANN, NEVER),)), error)
    assert report.error is error
    assert error.report is report
    assert with_error(report, None).error is None


def test_a_report_can_be_kept_and_sent_elsewhere() -> None:
    report = failed((ANN, BOB), DataError("no", reply=NEVER))
    again = pickle.loads(pickle.dumps(report))
    assert again == report
    assert isinstance(again.error, DataError)
    assert isinstance(report.accepted, Outcomes)
