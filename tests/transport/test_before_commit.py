"""``before_commit``: once, with the accepted recipients, before the point of no return."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from postroad.address import Address
from postroad.errors import Abandoned
from postroad.outcome import SendReport
from postroad.reply import Phase
from postroad.testing import ScriptedServer, Step, Then
from postroad.transport.contract import BeforeCommit, Transport
from postroad.transport.smtp.transport import SmtpTransport
from postroad.transport.to_console import ConsoleTransport
from postroad.transport.to_file import FileTransport
from postroad.transport.to_memory import MemoryTransport, NullTransport
from tests.fakes import let_others_run, letter
from tests.transport.road import account, deliver, deliver_one, in_turn, opened, run, verbs

BOB, EVE = "bob@b.example", "eve@e.example"


def recording(answer: bool, asked: list[tuple[str, ...]]) -> BeforeCommit:
    async def before_commit(recipients: tuple[Address, ...]) -> bool:
        asked.append(tuple(one.addr_spec for one in recipients))
        return answer

    return before_commit


@pytest.mark.parametrize("extensions", [("PIPELINING",), ()], ids=["pipelining", "lock-step"])
def test_it_hears_who_was_accepted_before_the_dot_is_out(extensions: tuple[str, ...]) -> None:
    with ScriptedServer(Step("RCPT", "550 5.1.1 nobody", when="eve@"), extensions=extensions) as server:
        arrived: list[int] = []
        asked: list[tuple[str, ...]] = []

        async def before_commit(recipients: tuple[Address, ...]) -> bool:
            arrived.append(len(server.messages))
            return await recording(True, asked)(recipients)

        report = deliver_one(account(server), letter("one", EVE, BOB), before_commit)
    assert asked == [(BOB,)]
    assert arrived == [0]
    assert [str(one.recipient) for one in report.accepted] == [BOB]


@pytest.mark.parametrize(
    "step", [Step("MAIL", "550 no"), Step("RCPT", "550 no"), Step("DATA", "451 no")], ids=["MAIL", "RCPT", "DATA"]
)
def test_it_is_not_asked_where_nothing_can_go_out(step: Step) -> None:
    asked: list[tuple[str, ...]] = []
    with ScriptedServer(step) as server:
        deliver_one(account(server), letter(), recording(True, asked))
    assert asked == []


def test_it_is_not_asked_for_an_empty_content() -> None:
    asked: list[tuple[str, ...]] = []
    with ScriptedServer(Step("RCPT", "550 no"), Step("DATA", "354 go on")) as server:
        deliver_one(account(server), letter(), recording(True, asked))
    assert asked == []


def test_false_means_nothing_was_sent_and_the_connection_is_closed() -> None:
    asked: list[tuple[str, ...]] = []
    with ScriptedServer() as server:

        async def work() -> list[SendReport]:
            async with opened(account(server)) as transport:
                first = await transport.deliver(letter("one"), before_commit=recording(False, asked))
                return [first, await transport.deliver(letter("two"))]

        first, second = asyncio.run(work())
    assert isinstance(first.error, Abandoned)
    assert first.error.phase is Phase.DATA
    assert [one.result.value for one in first.outcomes] == ["refused"]
    assert asked == [(BOB,)]
    assert second.accepted
    assert [message.content for message in server.messages] == [letter("two").content]
    assert len(server.sessions) == 2, "after a 354 there is no way back"
    assert "QUIT" not in verbs(server.sessions[0].commands)


def test_what_it_raises_is_raised_to_the_caller_and_nothing_was_sent() -> None:
    async def before_commit(_: tuple[Address, ...]) -> bool:
        raise LookupError("the database is gone")

    with ScriptedServer() as server:

        async def work() -> SendReport:
            async with opened(account(server)) as transport:
                with pytest.raises(LookupError, match="the database is gone"):
                    await transport.deliver(letter("one"), before_commit=before_commit)
                return await transport.deliver(letter("two"))

        assert asyncio.run(work()).accepted
    assert [message.content for message in server.messages] == [letter("two").content]


def test_what_it_waits_for_may_be_cancelled_without_harm_to_others() -> None:
    async def before_commit(_: tuple[Address, ...]) -> bool:
        raise asyncio.CancelledError

    with ScriptedServer() as server:

        async def work() -> list[SendReport]:
            async with opened(account(server)) as transport:
                first = transport.deliver(letter("one"), before_commit=before_commit)
                others = [transport.deliver(letter(text)) for text in ("two", "three")]
                with pytest.raises(asyncio.CancelledError):
                    await first
                return await asyncio.gather(*others)

        assert all(report.accepted for report in asyncio.run(work()))


def test_each_message_of_a_pipeline_asks_for_itself() -> None:
    asked: list[tuple[str, ...]] = []
    mails = [letter(str(number), f"bob{number}@b.example") for number in range(4)]
    with ScriptedServer() as server:
        reports = deliver(account(server), *mails, before_commit=recording(True, asked))
    assert asked == [(f"bob{number}@b.example",) for number in range(4)]
    assert all(report.accepted for report in reports)


def test_without_it_nobody_is_asked() -> None:
    with ScriptedServer() as server:
        assert in_turn(account(server), letter())[0].accepted


# ── the transports without a server ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "make",
    [
        FileTransport,
        lambda _: MemoryTransport(),
        lambda _: NullTransport(),
        lambda _: ConsoleTransport(),
    ],
    ids=["file", "memory", "null", "console"],
)
@pytest.mark.parametrize("answer", [True, False])
def test_every_transport_asks(
    make: Callable[[Path], Transport], answer: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, ...]] = []
    transport = make(tmp_path / "mail")

    async def work() -> SendReport:
        return await transport.deliver(letter("one", EVE, BOB), before_commit=recording(answer, asked))

    report = asyncio.run(work())
    assert asked == [(EVE, BOB)]
    assert len(report.accepted) == (2 if answer else 0)
    assert isinstance(report.error, Abandoned) is not answer
    if isinstance(transport, MemoryTransport):
        assert len(transport.messages) == answer
    if isinstance(transport, FileTransport):
        assert len(list((tmp_path / "mail").iterdir())) == (2 if answer else 0)
    if isinstance(transport, ConsoleTransport):
        assert bool(capsys.readouterr().out) is answer


def test_what_comes_before_the_dot_is_no_answer_to_it() -> None:
    stray = Step("DATA", b"354 go on\r\n250 2.0.0 stray\r\n")
    with ScriptedServer(stray, Step("DOT", "554 5.7.1 Not wanted")) as server:
        report = deliver_one(account(server), letter())
        assert not server.messages
    assert not report.accepted
    assert not report.unknown
    assert report.error is not None
    assert "250 2.0.0 stray" in report.error.message


def test_a_server_that_leaves_while_the_caller_decides_gets_no_dot() -> None:
    with ScriptedServer() as server:

        async def before_commit(_recipients: tuple[Address, ...]) -> bool:
            await asyncio.to_thread(server.say, "421 4.3.2 Shutting down")
            return True

        report = deliver_one(account(server), letter(), before_commit)
        assert not server.messages
    assert report.refused[0].temporary
    assert report.refused[0].code == 421


def test_a_connection_that_is_lost_asks_nobody_any_more() -> None:
    """Or the caller would write down that a message leaves, behind the report that says it did not."""
    ended: list[str] = []

    async def work(transport: SmtpTransport) -> SendReport:
        asked, never = asyncio.Event(), asyncio.Event()

        async def before_commit(_: tuple[Address, ...]) -> bool:
            asked.set()
            try:
                await never.wait()
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise
            return True

        pending = transport.deliver(letter("hello"), before_commit=before_commit)
        await asked.wait()
        server.say("421 4.3.2 closing", then=Then.CLOSE)
        report = await pending
        await let_others_run()
        assert ended == ["cancelled"]
        return report

    with ScriptedServer() as server:
        report = run(account(server), work)
        assert not any(message.accepted for message in server.messages)
    assert report.refused
