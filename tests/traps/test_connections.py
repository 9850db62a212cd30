"""What goes wrong with connections: sharing, reuse, trying again, secrets, and what is told of them."""

import asyncio
import base64
import logging
from dataclasses import replace

import pytest

from postroad import AsyncMailer, Email, Mailer
from postroad.errors import ConnectError, OutcomeUnknown, PoolTimeout, RecipientsRefused, Timeout
from postroad.outcome import SendReport
from postroad.retry import Schedule
from postroad.secret import Secret
from postroad.testing import Gate, ScriptedServer, Step, Then
from postroad.transport.from_url import from_url
from postroad.transport.smtp.settings import PoolLimits, Smtp, Timeouts
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import let_others_run, letter
from tests.peers.endpoint import free_endpoint
from tests.transport.road import account, deliver, deliver_one, impatient, in_turn, reached, run, verbs

HELLO = Email(from_="ann@a.example", to="bob@b.example", subject="hello", text="x")
AT_ONCE = Schedule((0.0, 0.0), jitter=0.0)


def route(server: ScriptedServer) -> str:
    return f"smtp://{server.host}:{server.port}"


def test_p08_after_the_final_dot_nothing_is_tried_again() -> None:
    """Trying again although the server may have the message: a double (RFC 1047)."""
    drop = Step("DOT", None, then=Then.CLOSE, times=None)
    with ScriptedServer(drop) as server, Mailer(route(server), retry=AT_ONCE) as mailer:
        with pytest.raises(OutcomeUnknown) as unknown:
            mailer.send(HELLO)
        assert verbs(server.commands).count("DATA") == 1
    assert unknown.value.ambiguous
    assert unknown.value.report is not None
    assert [one.result.value for one in unknown.value.report.outcomes] == ["unknown"]


def test_p09_a_connection_that_timed_out_is_not_used_again() -> None:
    """Going on after a timeout: every reply answers the command before (RFC 5321 §4.1.1 pairs them by order alone)."""
    gate = Gate()
    with ScriptedServer(Step("RCPT", gate=gate, connection=0)) as server:

        async def work(transport: SmtpTransport) -> list[SendReport]:
            first = await transport.deliver(letter("one"))
            gate.open()  # the late answer comes now
            return [first, await transport.deliver(letter("two"))]

        first, second = run(account(server, timeouts=impatient("command")), work)
    assert type(first.error) is Timeout
    assert second.accepted
    assert [(message.connection, message.content) for message in server.messages] == [(1, letter("two").content)]


def test_p10_no_question_before_every_message_and_no_idling_into_the_servers_deadline() -> None:
    """NOOP before each message, which servers count as abuse; or a connection kept longer than the server keeps it
    (RFC 5321 §4.5.3.2.7; Amazon SES hangs up after 10 seconds).
    """
    with ScriptedServer() as server:
        in_turn(account(server), letter("one"), letter("two"), letter("three"))
    assert not {"NOOP", "RSET"} & set(verbs(server.commands))
    assert len(server.sessions) == 1
    assert PoolLimits().idle < 10


@pytest.mark.parametrize("then", [Then.STALL, Then.CLOSE, Then.RESET])
def test_p11_a_failed_goodbye_changes_no_outcome(then: Then) -> None:
    """A QUIT or RSET that fails, told as if the mail had failed, or waited for (RFC 5321 §4.1.1.10)."""
    with ScriptedServer(Step("QUIT", None, then=then)) as server:
        settings = account(server, timeouts=replace(Timeouts(), quit=0.05))
        assert deliver_one(settings, letter()).accepted
    refused = (Step("RCPT", "550 5.1.1 no"), Step("RSET", "421 4.3.0 no", then=Then.CLOSE))
    with ScriptedServer(*refused) as server:
        first, second = in_turn(account(server), letter("one"), letter("two"))
    assert type(first.error) is RecipientsRefused
    assert second.accepted


def through(first: ScriptedServer, second: ScriptedServer, messages: int = 1) -> list[SendReport]:
    """What became of messages by failover."""

    async def work() -> list[SendReport]:
        async with AsyncMailer(f"failover({route(first)} {route(second)})", retry=None) as mailer:
            return [report async for report in mailer.send_many([HELLO] * messages)]

    return asyncio.run(work())


def test_p17_a_refused_recipient_is_no_dead_route_and_an_unknown_outcome_no_reason_to_move() -> None:
    """Failover that takes a recipient's refusal for a dead route, or doubles what may have been sent (RFC 1047)."""
    with ScriptedServer(Step("RCPT", "550 5.1.1 no")) as first, ScriptedServer() as second:
        reports = through(first, second, 2)
        assert sorted(len(report.accepted) for report in reports) == [0, 1]
        assert (len(first.messages), len(second.sessions)) == (1, 0)
    with ScriptedServer(Step("DOT", None, then=Then.CLOSE)) as first, ScriptedServer() as second:
        (report,) = through(first, second)
        assert type(report.error) is OutcomeUnknown
        assert second.sessions == []


def test_p18_the_cap_counts_every_connection() -> None:
    """A pool's "maximum" that bounds only those that are parked: the provider answers 421, too many connections."""
    gate = Gate()
    with ScriptedServer(Step("DOT", gate=gate, times=None)) as server:

        async def work(transport: SmtpTransport) -> None:
            pending = [transport.deliver(letter(str(number))) for number in range(12)]
            await reached(gate)
            await let_others_run(50)
            gate.open()
            await asyncio.gather(*pending)

        run(account(server, connections=2), work)
    assert 1 <= len(server.sessions) <= 2


def test_p19_nobody_waits_for_ever() -> None:
    """Those who wait for a connection are not woken when there will be none, or wait without bound."""
    reports = deliver(Smtp(*free_endpoint()), *(letter(str(number)) for number in range(5)))
    assert {type(report.error) for report in reports} == {ConnectError}
    gate = Gate()
    with ScriptedServer(Step("MAIL", gate=gate)) as server:

        async def work(transport: SmtpTransport) -> SendReport:
            first, second = transport.deliver(letter("one")), transport.deliver(letter("two"))
            late = await second
            gate.open()
            await first
            return late

        late = run(account(server, limits=PoolLimits(connections=1, wait=0.05)), work)
    assert type(late.error) is PoolTimeout
    assert PoolLimits().wait <= 300


def test_p20_neither_log_nor_transcript_nor_error_shows_a_secret_or_a_body(caplog: pytest.LogCaptureFixture) -> None:
    """Protocol logs with AUTH lines or bodies in them (RFC 4954 §4: what AUTH says is the password, hardly veiled)."""
    caplog.set_level(logging.DEBUG)
    password = "hunter2-is-secret"
    body = "nobody-else-may-read-this"
    with ScriptedServer(Step("DOT", "554 5.7.1 no"), credentials={"ann": password}) as server:
        settings = account(server, username="ann", password=password)
        report = deliver_one(settings, replace(letter(body), message_id="<1@a.example>"))
    assert report.error is not None
    shown = "\n".join(
        (str(report), repr(report), str(report.error), repr(report.error), *map(str, report.transcript), caplog.text)
    )
    assert "AUTH" in shown, "that it was said is worth knowing"
    encoded = base64.b64encode(f"\0ann\0{password}".encode()).decode()
    assert not [secret for secret in (password, encoded, body) if secret in shown]


@pytest.mark.parametrize("password", ["p@ss", "a/b", "a:b", "50%", "x#y?z", "a+b c", "%41"])
def test_p27_no_password_is_percent_encoded_by_hand(password: str) -> None:
    """Passwords that must be encoded to fit a URL, and are not, or twice (RFC 3986 §2.1)."""
    transport = from_url("smtp://mail.example.com", username="ann@a.example", password=password)
    assert isinstance(transport, SmtpTransport)
    assert isinstance(transport.settings.password, Secret)
    assert transport.settings.password.reveal() == password
    assert transport.settings.username == "ann@a.example"


def test_p28_connections_belong_to_the_mailer_that_opened_them() -> None:
    """A cache of connections for the whole process, found by credentials, without a lock."""
    with ScriptedServer() as server, Mailer(route(server)) as one, Mailer(route(server)) as other:
        one.send(HELLO)
        other.send(HELLO)
        one.send(HELLO)
        assert [message.connection for message in server.messages] == [0, 1, 0]
