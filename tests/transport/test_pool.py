"""The pool, as the server sees it."""

import asyncio
import math
from dataclasses import replace

import pytest

from postroad.errors import Abandoned, AuthenticationError, ConnectError, OutcomeUnknown, PoolTimeout, PostroadError
from postroad.outcome import SendReport
from postroad.reply import Phase
from postroad.testing import Gate, ScriptedServer, Step, Then
from postroad.transport.smtp import pool
from postroad.transport.smtp.connection import SmtpConnection
from postroad.transport.smtp.pool import Pool
from postroad.transport.smtp.settings import PoolLimits, Smtp
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import let_others_run, letter
from tests.peers.endpoint import free_endpoint
from tests.peers.waiting import wait_until
from tests.transport.road import account, deliver, in_turn, reached, run, verbs


def letters(count: int) -> list[str]:
    return [f"letter-{number}" for number in range(count)]


async def until_sessions(server: ScriptedServer, count: int, verb: str = "EHLO") -> None:
    """So many sessions have said so."""

    def seen() -> bool | None:
        return sum(verb in verbs(session.commands) for session in server.sessions) >= count or None

    await asyncio.to_thread(wait_until, seen, f"{count} sessions with {verb}")


def test_one_message_opens_one_connection() -> None:
    with ScriptedServer() as server:
        in_turn(account(server, connections=5), *map(letter, letters(5)))
        assert len(server.sessions) == 1
        assert verbs(server.commands).count("EHLO") == 1


def test_the_cap_is_never_exceeded() -> None:
    gate = Gate()
    with ScriptedServer(Step("DOT", gate=gate, times=None)) as server:

        async def work(transport: SmtpTransport) -> list[SendReport]:
            pending = [transport.deliver(letter(text)) for text in letters(20)]
            await until_sessions(server, 3, "DATA")
            await let_others_run(20)
            assert len(server.sessions) == 3
            gate.open()
            return await asyncio.gather(*pending)

        reports = run(account(server, connections=3), work)
        assert all(report.accepted for report in reports)
        assert len(server.sessions) == 3
        assert len(server.messages) == 20


def test_a_waiting_message_costs_one_connection_at_most() -> None:
    gate = Gate()
    with ScriptedServer(Step("DOT", gate=gate, times=None)) as server:

        async def work(transport: SmtpTransport) -> None:
            pending = [transport.deliver(letter(text)) for text in letters(2)]
            await until_sessions(server, 1, "DATA")
            gate.open()
            await asyncio.gather(*pending)

        run(account(server, connections=5), work)
        assert len(server.sessions) <= 2


def test_messages_of_one_connection_go_in_order() -> None:
    with ScriptedServer() as server:
        deliver(account(server), *map(letter, letters(12)))
    assert [message.content for message in server.messages] == [letter(text).content for text in letters(12)]


def test_so_many_messages_and_no_more_go_over_a_connection() -> None:
    with ScriptedServer() as server:
        reports = in_turn(account(server, limits=PoolLimits(connections=1, messages=3)), *map(letter, letters(7)))
    assert all(report.accepted for report in reports)
    assert [message.connection for message in server.messages] == [0, 0, 0, 1, 1, 1, 2]
    assert all(verbs(session.commands)[-1] == "QUIT" for session in server.sessions)


def test_a_connection_that_is_too_old_is_not_used_again() -> None:
    with ScriptedServer() as server:
        limits = PoolLimits(connections=1, age=1e-9)
        assert all(report.accepted for report in in_turn(account(server, limits=limits), *map(letter, letters(3))))
        assert [message.connection for message in server.messages] == [0, 1, 2]


def test_an_idle_connection_says_goodbye() -> None:
    with ScriptedServer() as server:

        async def work(transport: SmtpTransport) -> SendReport:
            await transport.deliver(letter("one"))
            await asyncio.to_thread(wait_until, lambda: server.sessions[0].closed or None, "the goodbye")
            assert verbs(server.sessions[0].commands)[-1] == "QUIT"
            return await transport.deliver(letter("two"))

        limits = PoolLimits(connections=1, idle=0.5)
        assert run(account(server, limits=limits), work).accepted
        assert len(server.sessions) == 2


def test_a_message_that_comes_as_an_idle_connection_retires_goes_over_another() -> None:
    """In the very turn of the loop in which its time is over, before anybody has said QUIT."""
    with ScriptedServer() as server:

        async def work(transport: SmtpTransport) -> SendReport:
            loop = asyncio.get_running_loop()
            second: asyncio.Future[asyncio.Future[SendReport]] = loop.create_future()
            await transport.deliver(letter("one"))
            assert transport._pool is not None
            (idle,) = transport._pool._idle
            assert idle.idle_timer is not None
            loop.call_at(
                math.nextafter(idle.idle_timer.when(), math.inf),
                lambda: second.set_result(transport.deliver(letter("two"))),
            )
            async with asyncio.timeout(60.0):
                return await (await second)

        assert run(account(server, limits=PoolLimits(connections=1, idle=0.5)), work).accepted
        assert [message.connection for message in server.messages] == [0, 1]


@pytest.mark.parametrize(
    ("step", "sessions"),
    [
        (Step("VRFY"), 1),
        (Step("NOOP", "421 4.3.2 closing"), 2),
        (Step("NOOP", None, then=Then.CLOSE), 2),
        (Step("NOOP", b"garbage\r\n"), 2),
    ],
    ids=["lives", "421", "closed", "garbage"],
)
def test_after_a_long_idle_a_connection_is_asked_whether_it_lives(
    step: Step, sessions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PROBE_AFTER", 0.0)
    with ScriptedServer(step) as server:
        reports = in_turn(account(server), letter("one"), letter("two"))
    assert all(report.accepted and report.attempts == 1 for report in reports)
    assert len(server.sessions) == sessions
    assert "NOOP" in verbs(server.sessions[0].commands)


def test_a_short_idle_costs_no_question() -> None:
    with ScriptedServer() as server:
        in_turn(account(server), letter("one"), letter("two"))
    assert "NOOP" not in verbs(server.commands)


def test_the_connection_used_last_is_used_again() -> None:
    gate = Gate()
    with ScriptedServer(Step("DOT", gate=gate, times=None)) as server:

        async def work(transport: SmtpTransport) -> None:
            pending = [transport.deliver(letter(text)) for text in letters(6)]
            await until_sessions(server, 2, "DATA")
            gate.open()
            await asyncio.gather(*pending)
            for text in letters(3):
                await transport.deliver(letter(text))

        run(account(server, connections=2), work)
        assert len(server.sessions) == 2
    assert len({message.connection for message in server.messages[-3:]}) == 1


# ── failures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_waits_when_the_host_is_not_there() -> None:
    reports = deliver(Smtp(*free_endpoint()), *map(letter, letters(5)))
    errors = [report.error for report in reports]
    assert all(type(error) is ConnectError for error in errors)
    assert len({id(error) for error in errors}) == 5


def test_a_refused_connection_beside_a_working_one_fails_nobody() -> None:
    gate = Gate()
    steps = (
        Step("DOT", gate=gate, connection=0),
        *(Step("GREETING", "421 4.7.0 too many connections", connection=number, then=Then.CLOSE) for number in (1, 2)),
    )
    with ScriptedServer(*steps) as server:

        async def work(transport: SmtpTransport) -> list[SendReport]:
            pending = [transport.deliver(letter(text)) for text in letters(6)]
            await reached(gate)
            await asyncio.to_thread(wait_until, lambda: server.sessions[-1].closed or None, "the refusal")
            await let_others_run(20)
            gate.open()
            return await asyncio.gather(*pending)

        reports = run(account(server, connections=3), work)
        assert all(report.accepted and report.attempts == 1 for report in reports)
        assert len(server.messages) == 6
        assert {message.connection for message in server.messages} == {0}


def test_a_failed_opening_does_not_spoil_the_next() -> None:
    with ScriptedServer(Step("GREETING", "554 5.7.1 not today")) as server:
        first, second = in_turn(account(server), letter("one"), letter("two"))
    assert type(first.error) is ConnectError
    assert second.accepted


def test_a_wrong_password_is_one_login_for_each_time_somebody_asks() -> None:
    with ScriptedServer(credentials={"ann": "another"}) as server:
        settings = account(server, connections=5, username="ann", password="hunter2")

        async def work(transport: SmtpTransport) -> None:
            for _ in range(2):
                reports = await asyncio.gather(*(transport.deliver(letter(text)) for text in letters(10)))
                assert all(type(report.error) is AuthenticationError for report in reports)

        run(settings, work)
        assert verbs(server.commands).count("AUTH") == 2


def test_nobody_waits_for_ever_for_a_connection() -> None:
    gate = Gate()
    with ScriptedServer(Step("DOT", gate=gate)) as server:

        async def work(transport: SmtpTransport) -> list[SendReport]:
            pending = [transport.deliver(letter(text)) for text in letters(4)]
            await reached(gate)
            # The first is at its dot, the second behind it; the others wait for a connection.
            late = [await pending[2], await pending[3]]
            gate.open()
            return [await pending[0], await pending[1], *late]

        reports = run(account(server, limits=PoolLimits(connections=1, wait=0.5)), work)
    assert [bool(report.accepted) for report in reports] == [True, True, False, False]
    for report in reports[2:]:
        assert type(report.error) is PoolTimeout
        assert (report.error.phase, report.error.temporary) == (Phase.POOL, True)
        assert "0.5 s" in str(report.error)
    assert len(server.messages) == 2


def test_an_unexpected_failure_while_opening_reaches_those_who_wait() -> None:
    class Surprise(Exception):
        pass

    async def opener() -> SmtpConnection:
        raise Surprise

    async def work() -> None:
        pool = Pool(opener, PoolLimits(connections=2))
        results = await asyncio.gather(
            *(pool.submit(letter(text), None) for text in letters(3)), return_exceptions=True
        )
        assert [type(result) for result in results] == [Surprise] * 3
        await pool.aclose()

    asyncio.run(work())


# ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_closing_lets_dots_be_answered_and_drops_what_waits() -> None:
    gate = Gate()
    with ScriptedServer(Step("DOT", gate=gate)) as server:

        async def work() -> list[SendReport]:
            transport = SmtpTransport(account(server))
            pending = [transport.deliver(letter(text)) for text in letters(4)]
            await reached(gate)
            closing = asyncio.create_task(transport.aclose())
            dropped = [await pending[2], await pending[3]]
            gate.open()
            await closing
            return [await pending[0], await pending[1], *dropped]

        reports = asyncio.run(work())
    assert [bool(report.accepted) for report in reports] == [True, True, False, False]
    assert {type(report.error) for report in reports[2:]} == {Abandoned}
    assert verbs(server.commands)[-1] == "QUIT"
    assert len(server.messages) == 2


def test_closing_answers_everybody_even_when_the_connection_is_lost_meanwhile() -> None:
    gate = Gate()
    with ScriptedServer(Step("DOT", None, gate=gate, then=Then.CLOSE)) as server:

        async def work() -> list[SendReport]:
            transport = SmtpTransport(account(server))
            pending = [transport.deliver(letter(text)) for text in letters(3)]
            await reached(gate)
            closing = asyncio.create_task(transport.aclose())
            await let_others_run()
            gate.open()
            await closing
            return await asyncio.gather(*pending)

        first, *others = asyncio.run(work())
    assert type(first.error) is OutcomeUnknown
    assert {type(report.error) for report in others} == {Abandoned}


@pytest.mark.parametrize("at", ["GREETING", "EHLO"])
def test_closing_does_not_wait_for_what_is_still_being_opened(at: str) -> None:
    gate = Gate()
    with ScriptedServer(Step(at, gate=gate)) as server:

        async def work() -> SendReport:
            transport = SmtpTransport(account(server))
            pending = transport.deliver(letter())
            await reached(gate)
            await transport.aclose()
            gate.open()
            return await pending

        assert type(asyncio.run(work()).error) is Abandoned


def test_closing_twice_or_unused_is_nothing_and_afterwards_it_starts_anew() -> None:
    with ScriptedServer() as server:

        async def work() -> None:
            transport = SmtpTransport(account(server))
            await transport.aclose()
            assert (await transport.deliver(letter("one"))).accepted
            await transport.aclose()
            await transport.aclose()
            assert (await transport.deliver(letter("two"))).accepted
            await transport.aclose()

        asyncio.run(work())
    assert len(server.sessions) == 2


@pytest.mark.parametrize("step", [Step("QUIT", None, then=Then.STALL), Step("QUIT", None, then=Then.CLOSE)])
def test_a_server_that_does_not_say_goodbye_holds_nobody_up(step: Step) -> None:
    with ScriptedServer(step) as server:
        settings = account(server)
        settings = replace(settings, timeouts=replace(settings.timeouts, quit=0.05))
        assert in_turn(settings, letter())[0].accepted


def test_a_loop_may_end_without_closing() -> None:
    gate = Gate()
    with ScriptedServer(Step("DOT", gate=gate, skip=1)) as server:
        transport = SmtpTransport(account(server, connections=2))

        async def work() -> None:
            await transport.deliver(letter("one"))
            transport.deliver(letter("two"))
            await reached(gate)

        asyncio.run(work())
        gate.open()

        async def again() -> SendReport:
            report = await transport.deliver(letter("three"))
            await transport.aclose()
            return report

        assert asyncio.run(again()).accepted, "another loop may have it then"
        wait_until(lambda: all(session.closed for session in server.sessions) or None, "the connections' end")


def test_the_pool_shows_what_it_does() -> None:
    async def opener() -> SmtpConnection:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async def work() -> None:
        pool = Pool(opener, PoolLimits(connections=2))
        pending = pool.submit(letter(), None)
        assert repr(pool) == "<Pool 0 busy, 0 idle, 1 opening, 1 waiting>"
        await pool.aclose()
        assert isinstance((await pending).error, PostroadError)

    asyncio.run(work())
