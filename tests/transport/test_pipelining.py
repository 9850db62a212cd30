"""The next message's opening behind the dot: one round trip a message, and neither can harm the other."""

import asyncio

import pytest

from postroad.errors import DataError, OutcomeUnknown, RecipientsRefused, SenderRefused
from postroad.outcome import SendReport
from postroad.testing import Gate, ScriptedServer, Step, Then
from postroad.transport.smtp.settings import PoolLimits
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import letter
from tests.transport.road import account, deliver, reached, run, verbs

A, B, C = letter("aa"), letter("bb"), letter("cc")


def kinds(reports: list[SendReport]) -> list[object]:
    return [type(report.error) if report.error else report.outcomes[0].result.value for report in reports]


def behind_the_dot(server: ScriptedServer, expected: int) -> list[SendReport]:
    """Deliver A, B and C together over one connection."""
    reports = deliver(account(server), A, B, C)
    assert all(report.attempts == 1 for report in reports)
    assert len(server.sessions) == expected, "connections"
    return reports


def test_the_opening_goes_out_before_the_dot_is_answered() -> None:
    gate = Gate()
    with ScriptedServer(Step("DOT", gate=gate)) as server:

        async def work(transport: SmtpTransport) -> list[SendReport]:
            pending = [transport.deliver(mail) for mail in (A, B)]
            await reached(gate)
            gate.open()
            return await asyncio.gather(*pending)

        assert kinds(run(account(server), work)) == ["accepted", "accepted"]
    assert verbs(server.commands) == ["EHLO", "MAIL", "RCPT", "DATA", "MAIL", "RCPT", "DATA", "QUIT"]


def test_the_server_had_the_next_opening_when_it_answered_the_dot() -> None:
    """The server reads what follows the dot before it says a word: a client in lock-step would wait for ever."""
    asked = Gate()
    # B's MAIL is held back while A's caller has its report already: only an opening that went out early gets there.
    with ScriptedServer(Step("MAIL", gate=asked, skip=1)) as server:

        async def work(transport: SmtpTransport) -> list[SendReport]:
            first, second = transport.deliver(A), transport.deliver(B)
            report = await first
            await reached(asked)
            assert not second.done()
            asked.open()
            return [report, await second]

        assert kinds(run(account(server), work)) == ["accepted", "accepted"]


def test_without_pipelining_one_thing_after_the_other() -> None:
    with ScriptedServer(extensions=()) as server:
        assert kinds(behind_the_dot(server, 1)) == ["accepted"] * 3


@pytest.mark.parametrize(
    ("step", "ends"),
    [
        (Step("DOT", "554 5.7.1 spam"), [DataError, "accepted", "accepted"]),
        (Step("DOT", "451 4.3.0 later", skip=1), ["accepted", DataError, "accepted"]),
        (Step("MAIL", "550 5.7.1 not you", skip=1), ["accepted", SenderRefused, "accepted"]),
        (Step("RCPT", "550 5.1.1 nobody", skip=1), ["accepted", RecipientsRefused, "accepted"]),
        (Step("DATA", "451 4.3.0 later", skip=1), ["accepted", DataError, "accepted"]),
        (Step("MAIL", "550 5.7.1 not you"), [SenderRefused, "accepted", "accepted"]),
        (Step("RCPT", "550 5.1.1 nobody", skip=2), ["accepted", "accepted", RecipientsRefused]),
    ],
)
def test_a_refusal_is_one_messages_own(step: Step, ends: list[object]) -> None:
    with ScriptedServer(step) as server:
        assert kinds(behind_the_dot(server, 1)) == ends
    accepted = [message.content for message in server.messages if message.accepted]
    assert accepted == [mail.content for mail, end in zip((A, B, C), ends, strict=True) if end == "accepted"]


@pytest.mark.parametrize("then", [Then.CLOSE, Then.RESET])
def test_dropped_at_the_dot_only_that_message_is_unknown(then: Then) -> None:
    with ScriptedServer(Step("DOT", None, then=then)) as server:
        assert kinds(behind_the_dot(server, 2)) == [OutcomeUnknown, "accepted", "accepted"]
    assert [message.content for message in server.messages] == [A.content, B.content, C.content]


@pytest.mark.parametrize("then", [Then.CLOSE, Then.RESET])
def test_dropped_behind_the_dots_answer_the_next_goes_elsewhere_at_no_cost(then: Then) -> None:
    with ScriptedServer(Step("DOT", "250 2.0.0 Taken", then=then)) as server:
        assert kinds(behind_the_dot(server, 2)) == ["accepted"] * 3
    assert [message.connection for message in server.messages] == [0, 1, 1]


@pytest.mark.parametrize("word", ["421 4.7.0 that was enough", "421 4.3.2 closing\n421 4.3.2 closing"])
def test_a_421_instead_of_the_next_mail(word: str) -> None:
    with ScriptedServer(Step("MAIL", word, skip=1, connection=0, then=Then.CLOSE)) as server:
        assert kinds(behind_the_dot(server, 2)) == ["accepted"] * 3


def test_garbage_instead_of_the_next_answer_costs_nobody_anything() -> None:
    with ScriptedServer(Step("MAIL", b"garbage\r\n", skip=1, connection=0)) as server:
        assert kinds(behind_the_dot(server, 2)) == ["accepted"] * 3


def test_garbage_once_the_next_was_answered_is_its_own() -> None:
    with ScriptedServer(Step("RCPT", b"garbage\r\n", skip=1, connection=0)) as server:
        assert kinds(behind_the_dot(server, 2))[::2] == ["accepted", "accepted"]


def test_garbage_at_the_dot_is_not_the_next_ones() -> None:
    with ScriptedServer(Step("DOT", b"garbage\r\n", connection=0)) as server:
        assert kinds(behind_the_dot(server, 2)) == [OutcomeUnknown, "accepted", "accepted"]


def test_an_extra_reply_does_not_shift_the_others() -> None:
    with ScriptedServer(Step("DOT", "250 2.0.0 Taken\n250 2.0.0 and again", connection=0)) as server:
        reports = deliver(account(server), A, B, C)
    # The second 250 passes for MAIL's answer, so everything after it is off by one, until a code does not fit.
    assert reports[0].accepted
    accepted = [message.content for message in server.messages if message.accepted]
    for report, mail in zip(reports, (A, B, C), strict=True):
        assert accepted.count(mail.content) <= 1
        assert not report.accepted or mail.content in accepted


def test_the_last_message_of_a_connection_has_nobody_behind_it() -> None:
    with ScriptedServer() as server:
        settings = account(server, limits=PoolLimits(connections=1, messages=2))
        assert kinds(deliver(settings, A, B, C)) == ["accepted"] * 3
    assert [message.connection for message in server.messages] == [0, 0, 1]
    assert [verbs(session.commands)[-1] for session in server.sessions] == ["QUIT", "QUIT"]
