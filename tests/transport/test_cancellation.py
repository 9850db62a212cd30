"""Cancellation at every await: at once, with the connection closed, and nothing out of step afterwards."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

import pytest

from postroad.address import Address
from postroad.outcome import SendReport
from postroad.testing import Gate, ScriptedServer, Step
from postroad.transport.smtp.settings import Smtp
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import let_others_run, letter
from tests.peers.certificates import Certificates
from tests.peers.waiting import wait_until
from tests.transport.road import account, opened, reached, verbs

POINTS = ("GREETING", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "DOT")


def all_closed(server: ScriptedServer) -> bool:
    """Every connection has come to its end; no event tells."""
    return wait_until(lambda: all(session.closed for session in server.sessions) or None, "the connections' end")


async def cancelled(pending: Awaitable[SendReport]) -> None:
    """Cancel, and see that it takes effect although the server says nothing."""
    sending = asyncio.ensure_future(pending)
    sending.cancel()
    await let_others_run(3)
    assert sending.done(), "the cancellation waited for something"
    with pytest.raises(asyncio.CancelledError):
        await sending


@pytest.mark.parametrize("at", POINTS)
@pytest.mark.parametrize("extensions", [("PIPELINING",), ()], ids=["pipelining", "lock-step"])
def test_while_the_server_is_silent(at: str, extensions: tuple[str, ...]) -> None:
    gate = Gate()
    step = Step(at, gate=gate, connection=0)
    with ScriptedServer(step, extensions=extensions, credentials={"ann": "hunter2"}) as server:

        async def work() -> SendReport:
            async with opened(account(server, username="ann", password="hunter2")) as transport:
                pending = transport.deliver(letter("one"))
                await reached(gate)
                await cancelled(pending)
                gate.open()  # what the server says now must not be taken for an answer to what comes next
                return await transport.deliver(letter("two"))

        report = asyncio.run(work())
        assert all_closed(server)
    assert report.accepted
    assert report.attempts == 1
    assert [message.content for message in server.messages if message.connection == 1] == [letter("two").content]
    arrived = [message for message in server.messages if message.connection == 0]
    assert len(arrived) == (1 if at == "DOT" else 0), "unless the dot was out, nothing of it arrives"


def test_while_waiting_for_a_connection() -> None:
    gate = Gate()
    with ScriptedServer(Step("DOT", gate=gate)) as server:

        async def work() -> list[SendReport]:
            async with opened(account(server)) as transport:
                first = transport.deliver(letter("one"))
                await reached(gate)  # its dot is out; the second follows behind it, the third waits
                others = [transport.deliver(letter("two")), transport.deliver(letter("three"))]
                await let_others_run(3)
                for other in others:
                    await cancelled(other)
                gate.open()
                return [await first, await transport.deliver(letter("four"))]

        reports = asyncio.run(work())
    assert all(report.accepted for report in reports), "others are not harmed"
    assert [message.content for message in server.messages] == [letter("one").content, letter("four").content]
    assert len(server.sessions) == 1


def test_of_the_one_that_follows_behind_the_dot() -> None:
    gate = Gate()
    with ScriptedServer(Step("DOT", gate=gate, connection=0)) as server:

        async def work() -> list[SendReport]:
            async with opened(account(server)) as transport:
                first, second = transport.deliver(letter("one")), transport.deliver(letter("two"))
                await reached(gate)
                await cancelled(second)  # its MAIL, RCPT and DATA are on the way
                third = transport.deliver(letter("three"))
                gate.open()
                return [await first, await third]

        reports = asyncio.run(work())
        assert all_closed(server)
    assert all(report.accepted for report in reports)
    assert [message.content for message in server.messages] == [letter("one").content, letter("three").content]
    # After its 354 there was no way back: the connection was closed, and the third went over another one.
    assert [message.connection for message in server.messages] == [0, 1]


def test_of_one_does_not_harm_the_one_behind_it() -> None:
    gate = Gate()
    with ScriptedServer(Step("DOT", gate=gate, connection=0)) as server:

        async def work() -> SendReport:
            async with opened(account(server)) as transport:
                first, second = transport.deliver(letter("one")), transport.deliver(letter("two"))
                await reached(gate)
                await cancelled(first)
                gate.open()
                return await second

        report = asyncio.run(work())
    assert report.accepted
    assert report.attempts == 1
    assert [message.connection for message in server.messages] == [0, 1]


def test_in_before_commit() -> None:
    asked, allowed = asyncio.Event(), asyncio.Event()

    async def before_commit(_: tuple[Address, ...]) -> bool:
        asked.set()
        await allowed.wait()
        return True

    with ScriptedServer() as server:

        async def work() -> SendReport:
            async with opened(account(server)) as transport:
                pending = transport.deliver(letter("one"), before_commit=before_commit)
                await asked.wait()
                await cancelled(pending)
                allowed.set()
                return await transport.deliver(letter("two"))

        assert asyncio.run(work()).accepted
        assert all_closed(server)
    assert [message.content for message in server.messages] == [letter("two").content]


def test_before_anything_happened() -> None:
    with ScriptedServer() as server:

        async def work() -> None:
            async with opened(account(server)) as transport:
                await cancelled(transport.deliver(letter("one")))
                assert (await transport.deliver(letter("two"))).accepted

        asyncio.run(work())
    assert [message.content for message in server.messages] == [letter("two").content]


def test_of_check() -> None:
    gate = Gate()
    with ScriptedServer(Step("EHLO", gate=gate)) as server:

        async def work() -> None:
            async with opened(account(server)) as transport:
                checking = asyncio.create_task(transport.check())
                await reached(gate)
                checking.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await checking
                gate.open()

        asyncio.run(work())
        assert all_closed(server)
    assert verbs(server.commands) == ["EHLO"]


# ── every single step ─────────────────────────────────────────────────────────────────────────────────────────────────


class Steps:
    """Counts the awaits of all tasks of a loop, and does something at one of them."""

    def __init__(self, at: int, act: Callable[[], object]) -> None:
        self.passed = 0
        self._at = at
        self._act = act

    def task(
        self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any] | Generator[Any, None, Any], **rest: Any
    ) -> "asyncio.Task[Any]":
        return asyncio.Task(_Counted(self, work), loop=loop, **rest)

    def step(self) -> None:
        self.passed += 1
        if self.passed == self._at:
            self._act()


class _Counted(Coroutine[Any, Any, Any]):
    """A coroutine that tells when it waits."""

    def __init__(self, steps: Steps, work: Any) -> None:
        self._steps, self._work = steps, work

    def send(self, value: Any) -> Any:
        yielded = self._work.send(value)
        self._steps.step()
        return yielded

    def throw(self, *error: Any) -> Any:
        yielded = self._work.throw(*error)
        self._steps.step()
        return yielded

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        awaited: Generator[Any, Any, Any] = self._work.__await__()
        return awaited


def attempt(settings: Smtp, server: ScriptedServer, at: int) -> bool:
    """Send, cancel at the given await, send another; whether the first was through before."""

    async def work() -> bool:
        loop = asyncio.get_running_loop()
        async with opened(settings) as transport:
            sending: asyncio.Task[bool] = asyncio.Task(accepted(transport, f"one-{at}"))
            steps = Steps(at, lambda: loop.call_soon(sending.cancel))
            loop.set_task_factory(steps.task)
            try:
                through = await sending
            except asyncio.CancelledError:
                through = False
            loop.set_task_factory(None)
            assert await accepted(transport, f"two-{at}")
        own = asyncio.current_task()
        assert asyncio.all_tasks() == {own}, "a task was left behind"
        return through

    async def accepted(transport: SmtpTransport, text: str) -> bool:
        return bool((await transport.deliver(letter(text))).accepted)

    return asyncio.run(work())


@pytest.mark.parametrize("extensions", [("PIPELINING",), ()], ids=["pipelining", "lock-step"])
def test_at_every_await_from_connecting_to_the_last_reply(
    certificates: Certificates, extensions: tuple[str, ...]
) -> None:
    tls = certificates.good.server_context()
    with ScriptedServer(tls=tls, credentials={"ann": "hunter2"}, extensions=extensions) as server:
        settings = account(server, ca=str(certificates.ca), username="ann", password="hunter2", host="localhost")
        at = 1
        while not attempt(settings, server, at):
            at += 1
            assert at < 100, "it is never through"
        assert at > 10, "connecting, TLS, EHLO, AUTH and a transaction are more awaits than that"
        assert all_closed(server)
        received = [message.content for message in server.messages]
    sent = [(letter(f"one-{number}").content, letter(f"two-{number}").content) for number in range(1, at + 1)]
    for one, two in sent:
        assert received.count(two) == 1
        assert received[: received.index(two)].count(one) == received.count(one) <= 1
    assert set(received) <= {content for pair in sent for content in pair}
