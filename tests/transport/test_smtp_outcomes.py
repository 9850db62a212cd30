"""What a server says, and what it means for each recipient."""

import asyncio
from dataclasses import replace

import pytest

from postroad.errors import (
    AuthenticationError,
    DataError,
    Disconnected,
    OutcomeUnknown,
    PostroadError,
    ProtocolError,
    RecipientsRefused,
    SenderRefused,
    Timeout,
    TlsError,
)
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport
from postroad.reply import Phase
from postroad.testing import Gate, ScriptedServer, Step, Then
from postroad.transport.contract import Transport
from postroad.transport.from_url import from_url
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import letter
from tests.transport.road import account, deliver_one, impatient, in_turn, reached, run, verbs

BOB, EVE, JOE = "bob@b.example", "eve@e.example", "joe@j.example"
LOCKSTEP = ("SIZE", "8BITMIME", "ENHANCEDSTATUSCODES")
PIPELINING = ("PIPELINING", *LOCKSTEP)
LARGE = (b"x" * 70 + b"\r\n") * 200_000  # 14 MB: more than sockets and buffers between the two hold
both_ways = pytest.mark.parametrize("extensions", [PIPELINING, LOCKSTEP], ids=["pipelining", "lock-step"])


def told(report: SendReport) -> dict[str, tuple[str, int | None]]:
    return {one.recipient.addr_spec: (str(one.result), one.code) for one in report.outcomes}


@both_ways
def test_everybody_accepted(extensions: tuple[str, ...]) -> None:
    with ScriptedServer(extensions=extensions) as server:
        report = deliver_one(account(server), letter("hello", BOB, EVE))
    assert told(report) == {BOB: ("accepted", 250), EVE: ("accepted", 250)}
    assert report.error is None
    assert report.message_id == "<hello@a.example>"
    (message,) = server.messages
    assert message.content == letter("hello").content
    assert (message.mail_from, message.recipients) == ("ann@a.example", (BOB, EVE))


@both_ways
def test_partial_refusal_is_a_value(extensions: tuple[str, ...]) -> None:
    steps = (
        Step("RCPT", "550 5.1.1 No such mailbox", when="eve@"),
        Step("RCPT", "450 4.2.0 Greylisted", when="joe@"),
    )
    with ScriptedServer(*steps, extensions=extensions) as server:
        report = deliver_one(account(server), letter("hello", EVE, BOB, JOE))
    assert told(report) == {EVE: ("refused", 550), BOB: ("accepted", 250), JOE: ("refused", 450)}
    assert [str(one.recipient) for one in report.outcomes] == [EVE, BOB, JOE]
    assert report.error is None
    refused = report.refused[EVE]
    assert (refused.phase, str(refused.enhanced), refused.text) == (Phase.RCPT, "5.1.1", "No such mailbox")
    assert "RCPT TO:<eve@e.example>" in str([line.text for line in report.transcript])
    assert server.messages[0].recipients == (BOB,)


@both_ways
@pytest.mark.parametrize(
    ("codes", "speaks", "temporary"),
    [
        ((550, 551), 550, False),
        ((550, 450), 450, True),  # while one may be tried again, so may the message
        ((451, 550), 451, True),
        ((450, 452), 450, True),
    ],
)
def test_all_refused(extensions: tuple[str, ...], codes: tuple[int, int], speaks: int, temporary: bool) -> None:
    steps = [Step("RCPT", f"{code} words") for code in codes]
    with ScriptedServer(*steps, extensions=extensions) as server:
        report = deliver_one(account(server), letter("hello", BOB, EVE))
    assert [one.code for one in report.refused] == list(codes)
    assert isinstance(report.error, RecipientsRefused)
    assert (report.error.code, report.error.temporary, report.error.phase) == (speaks, temporary, Phase.RCPT)
    assert report.error.report is report
    assert server.messages == []


@both_ways
@pytest.mark.parametrize(
    ("step", "kind", "phase"),
    [
        (Step("MAIL", "550 5.7.1 not you"), SenderRefused, Phase.MAIL),
        (Step("MAIL", "451 4.7.1 not yet"), SenderRefused, Phase.MAIL),
        (Step("DATA", "554 5.6.0 no"), DataError, Phase.DATA),
        (Step("DATA", "451 4.3.0 later"), DataError, Phase.DATA),
        (Step("DOT", "554 5.7.1 spam"), DataError, Phase.DOT),
        (Step("DOT", "452 4.3.1 full"), DataError, Phase.DOT),
        (Step("DOT", "421 4.3.2 closing", then=Then.CLOSE), DataError, Phase.DOT),
        (Step("DATA", "421 4.3.2 closing", then=Then.CLOSE), DataError, Phase.DATA),
    ],
    ids=lambda value: f"{value.at}-{str(value.reply)[:3]}" if isinstance(value, Step) else None,
)
def test_the_message_is_refused(
    extensions: tuple[str, ...], step: Step, kind: type[PostroadError], phase: Phase
) -> None:
    with ScriptedServer(step, extensions=extensions) as server:
        first, second = in_turn(account(server), letter("one", BOB, EVE), letter("two"))
    assert isinstance(first.error, kind)
    assert first.error.phase is phase
    assert [one.result.value for one in first.outcomes] == ["refused", "refused"]
    assert first.error.temporary == str(step.reply).startswith("4")
    assert first.error.permanent == str(step.reply).startswith("5")
    assert first.error.code == int(str(step.reply)[:3])
    assert first.error.transcript
    assert second.accepted, "the next message is not out of step"
    assert b"two" in server.messages[-1].content


def test_refused_recipients_keep_their_own_reply_when_the_content_is_refused() -> None:
    steps = (Step("RCPT", "550 5.1.1 nobody", when="eve@"), Step("DOT", "554 5.7.1 spam"))
    with ScriptedServer(*steps) as server:
        report = deliver_one(account(server), letter("hello", EVE, BOB))
    assert [(one.phase, str(one.enhanced)) for one in report.refused] == [(Phase.RCPT, "5.1.1"), (Phase.DOT, "5.7.1")]
    assert isinstance(report.error, DataError)


# ── the connection is lost ────────────────────────────────────────────────────────────────────────────────────────────


@both_ways
@pytest.mark.parametrize("then", [Then.CLOSE, Then.RESET])
@pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA", "CONTENT"])
def test_dropped_before_the_dot_is_certainly_not_sent(extensions: tuple[str, ...], at: str, then: Then) -> None:
    # A small content and its dot leave in one write; of a large one the server sees much before the dot is written.
    mail = letter("hello", BOB, EVE)
    if at == "CONTENT":
        mail = replace(mail, content=LARGE)
    with ScriptedServer(Step(at, None, then=then), extensions=extensions) as server:
        report = deliver_one(account(server), mail)
        assert isinstance(report.error, Disconnected)
        assert [one.result.value for one in report.outcomes] == ["refused", "refused"]
        assert all(one.temporary for one in report.outcomes)
        assert not any(message.accepted for message in server.messages)


@both_ways
@pytest.mark.parametrize("then", [Then.CLOSE, Then.RESET])
def test_dropped_after_the_dot_is_unknown(extensions: tuple[str, ...], then: Then) -> None:
    steps = (Step("RCPT", "550 5.1.1 nobody", when="eve@"), Step("DOT", None, then=then))
    with ScriptedServer(*steps, extensions=extensions) as server:
        report = deliver_one(account(server), letter("hello", EVE, BOB))
        assert len(server.messages) == 1
    assert told(report) == {EVE: ("refused", 550), BOB: ("unknown", None)}
    assert isinstance(report.error, OutcomeUnknown)
    assert report.error.ambiguous
    assert report.error.phase is Phase.DOT
    assert "twice" in report.error.advice or "double" in report.error.advice


@pytest.mark.parametrize(
    "step",
    [
        Step("DOT", b"garbage\r\n"),
        Step("DOT", "354 what?"),
        Step("DOT", b"250-half", then=Then.CLOSE),
        Step("DOT", b"250 no line end", then=Then.CLOSE),
        Step("DOT", "250-more", then=Then.REPEAT),
        Step("DOT", b"x" * 5000),
    ],
    ids=["garbage", "354", "half", "no-end", "endless", "long-line"],
)
def test_no_readable_answer_to_the_dot_is_unknown(step: Step) -> None:
    with ScriptedServer(step) as server:
        report = deliver_one(account(server), letter())
    assert [one.result.value for one in report.outcomes] == ["unknown"]
    assert isinstance(report.error, OutcomeUnknown)


def test_a_late_answer_to_the_dot_is_an_answer() -> None:
    gate = Gate()
    with ScriptedServer(Step("DOT", gate=gate)) as server:

        async def work(transport: SmtpTransport) -> SendReport:
            pending = asyncio.ensure_future(transport.deliver(letter()))
            await reached(gate)
            assert not pending.done()
            gate.open()
            return await pending

        assert run(account(server), work).accepted


@pytest.mark.parametrize(
    ("at", "wait"),
    [
        ("GREETING", "greeting"),
        ("EHLO", "command"),
        ("MAIL", "command"),
        ("RCPT", "command"),
        ("DATA", "data"),
        ("DOT", "dot"),
    ],
)
@pytest.mark.parametrize("reply", [b"250 ha", None], ids=["half", "nothing"])
def test_a_server_that_falls_silent(at: str, wait: str, reply: bytes | None) -> None:
    if at == "GREETING":
        reply = reply and b"220 ha"
    timeouts = impatient(wait)
    with ScriptedServer(Step(at, reply, then=Then.STALL)) as server:
        report = deliver_one(account(server, timeouts=timeouts), letter())
    assert report.error is not None
    if at == "DOT":
        assert isinstance(report.error, OutcomeUnknown)
        assert report.unknown
    else:
        assert type(report.error) is Timeout
        assert report.error.phase is Phase(at.lower())
        assert report.error.temporary
    assert f"{getattr(timeouts, wait):g} s" in str(report.error)


@pytest.mark.parametrize("at", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    ("reply", "then", "complaint"),
    [
        ("250-more", Then.REPEAT, "longer than 65536"),
        (b"2" * 3000, Then.CONTINUE, "longer than 2048"),
        (b"250-a\r\n550 b\r\n", Then.CONTINUE, "disagree"),
        (b"\x00\xff garbage\r\n", Then.CONTINUE, "not an SMTP reply"),
        (b"HTTP/1.1 200 OK\r\n\r\n", Then.CONTINUE, "not an SMTP reply"),
        ("334 what?", Then.CONTINUE, "334 in answer to"),
    ],
    ids=["endless", "long-line", "disagreeing", "garbage", "http", "wrong-code"],
)
def test_a_server_that_breaks_the_protocol(at: str, reply: str | bytes, then: Then, complaint: str) -> None:
    if at == "DATA" and reply == "334 what?":
        reply, complaint = "250 what?", "250 in answer to"
    if at == "GREETING" and reply == "250-more":
        reply = "220-more"
    with ScriptedServer(Step(at, reply, then=then), Step("GREETING", connection=1)) as server:
        first, second = in_turn(account(server), letter("one"), letter("two"))
    assert isinstance(first.error, ProtocolError)
    assert complaint in str(first.error)
    assert first.error.phase is Phase(at.lower())
    assert first.error.transcript
    assert second.accepted, "a connection out of step is not used again"
    assert len(server.sessions) == 2


def test_an_unsolicited_word_in_the_middle() -> None:
    with ScriptedServer(Step("MAIL", "250 ok\n250 and another")) as server:
        first, second = in_turn(account(server), letter("one"), letter("two"))
    assert isinstance(first.error, ProtocolError)
    assert second.accepted


def test_replies_octet_by_octet() -> None:
    steps = [Step(at, chunk=1, times=None) for at in ("GREETING", "EHLO", "MAIL", "RCPT", "DATA", "DOT")]
    with ScriptedServer(*steps) as server:
        assert all(report.accepted for report in in_turn(account(server), letter("one"), letter("two")))
        assert len(server.sessions) == 1


# ── 421 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


@both_ways
@pytest.mark.parametrize("then", [Then.CLOSE, Then.STALL, Then.RESET])
def test_a_421_to_a_recipient_ends_the_session(extensions: tuple[str, ...], then: Then) -> None:
    step = Step("RCPT", "421 4.3.2 closing", when="eve@", then=then)
    with ScriptedServer(step, extensions=extensions) as server:
        report = deliver_one(account(server), letter("hello", BOB, EVE, JOE))
    assert isinstance(report.error, PostroadError)
    assert report.error.temporary
    assert report.refused[EVE].code == 421
    assert all(one.temporary for one in report.outcomes)
    assert len(report.refused) == 3


def test_a_421_to_mail_says_nothing_about_the_sender() -> None:
    with ScriptedServer(Step("MAIL", "421 4.3.2 closing", then=Then.CLOSE, times=None)) as server:
        report = deliver_one(account(server), letter())
    assert isinstance(report.error, Disconnected)
    assert (report.error.code, report.error.temporary, report.attempts) == (421, True, 1)
    assert len(server.sessions) == 1, "a new connection is no reason to try again by itself"


@both_ways
def test_a_421_to_mail_on_a_used_connection_costs_no_attempt(extensions: tuple[str, ...]) -> None:
    step = Step("MAIL", "421 4.3.2 idle for too long", skip=1, connection=0, then=Then.CLOSE)
    with ScriptedServer(step, extensions=extensions) as server:
        first, second = in_turn(account(server), letter("one"), letter("two"))
    assert first.accepted
    assert second.accepted
    assert second.attempts == 1
    assert [verbs(session.commands).count("MAIL") for session in server.sessions] == [2, 1]


@pytest.mark.parametrize("word", ["421 4.3.2 idle for too long", "421 4.4.2 timeout\n250 and more"])
@pytest.mark.parametrize("then", [Then.CLOSE, Then.RESET, Then.CONTINUE])
def test_a_421_while_idle_is_not_even_noticed(word: str, then: Then) -> None:
    with ScriptedServer() as server:

        async def work(transport: SmtpTransport) -> list[SendReport]:
            first = await transport.deliver(letter("one"))
            await asyncio.to_thread(server.say, word, then)
            return [first, await transport.deliver(letter("two"))]

        reports = run(account(server), work)
    assert all(report.accepted and report.attempts == 1 and report.error is None for report in reports)
    assert len(server.sessions) == 2
    assert verbs(server.sessions[0].commands).count("MAIL") == 1


@pytest.mark.parametrize("then", [Then.CLOSE, Then.RESET])
def test_an_end_while_idle_is_not_even_noticed(then: Then) -> None:
    with ScriptedServer() as server:

        async def work(transport: SmtpTransport) -> list[SendReport]:
            first = await transport.deliver(letter("one"))
            await asyncio.to_thread(server.say, "", then)
            return [first, await transport.deliver(letter("two"))]

        reports = run(account(server), work)
    assert all(report.accepted for report in reports)


@pytest.mark.parametrize("then", [Then.CLOSE, Then.RESET])
def test_an_end_that_crosses_with_mail_costs_no_attempt(then: Then) -> None:
    with ScriptedServer(Step("MAIL", None, skip=1, connection=0, then=then)) as server:
        reports = in_turn(account(server), letter("one"), letter("two"))
    assert all(report.accepted and report.attempts == 1 for report in reports)
    assert len(server.sessions) == 2


@pytest.mark.parametrize(
    ("reply", "kind", "advice"),
    [
        ("530 5.7.0 Authentication required", AuthenticationError, "user name and password"),
        ("530 5.7.0 Must issue a STARTTLS command first", TlsError, "smtps://"),
        ("552 5.3.4 Message size exceeds fixed limit", DataError, "size"),
        ("552 Too large", DataError, "size"),
        ("552 5.2.2 Over quota", SenderRefused, "SPF"),
        ("550 5.7.1 Not from you", SenderRefused, "SPF"),
    ],
)
def test_what_a_refused_mail_command_is_about(reply: str, kind: type[PostroadError], advice: str) -> None:
    with ScriptedServer(Step("MAIL", reply)) as server:
        report = deliver_one(account(server), letter())
    assert type(report.error) is kind
    assert report.error.phase is Phase.MAIL
    assert advice in report.error.advice


def test_a_road_that_wants_a_log_in_is_left_for_the_next() -> None:
    with ScriptedServer(Step("MAIL", "530 5.7.0 Authentication required", times=None)) as server:
        transport = from_url(f"failover({server.url} memory://)")
        report = asyncio.run(_delivered(transport, letter()))
    assert report.accepted


async def _delivered(transport: Transport, mail: MailObject) -> SendReport:
    try:
        return await transport.deliver(mail)
    finally:
        await transport.aclose()
