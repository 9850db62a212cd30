"""CHUNKING (RFC 3030): content as it is, a way back until the last chunk, and the next opening behind that."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

import pytest

from postroad.address import Address
from postroad.errors import (
    Abandoned,
    DataError,
    Disconnected,
    MessageError,
    OutcomeUnknown,
    RecipientsRefused,
    SenderRefused,
)
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport
from postroad.reply import Phase
from postroad.testing import Gate, ScriptedServer, Step, Then
from postroad.transport.contract import BeforeCommit
from postroad.transport.smtp.session import BLOCK
from postroad.transport.smtp.settings import PoolLimits, Smtp
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import let_others_run, letter
from tests.transport.road import account, deliver, deliver_one, in_turn, opened, reached, run, verbs

CHUNKING = ("PIPELINING", "CHUNKING", "SIZE", "8BITMIME", "ENHANCEDSTATUSCODES")
LOCKSTEP = CHUNKING[1:]
ONE = PoolLimits(connections=1)
A, B, C = letter("aa"), letter("bb"), letter("cc")
LARGE = replace(letter("large"), content=(b"." * 62 + b"\r\n") * 16_384)  # 1 MiB, which is four chunks
both_ways = pytest.mark.parametrize("extensions", [CHUNKING, LOCKSTEP], ids=["pipelining", "lock-step"])


def contents(server: ScriptedServer) -> list[bytes]:
    """What was accepted, in order."""
    return [message.content for message in server.messages if message.accepted]


def chunks(server: ScriptedServer) -> list[str]:
    return [line for line in server.commands if line.startswith("BDAT")]


# ── the good way ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_chunk_is_the_last_and_the_next_opening_stands_behind_it() -> None:
    with ScriptedServer(extensions=CHUNKING) as server:
        assert all(report.accepted for report in deliver(account(server), A, B, C))
    assert verbs(server.commands) == ["EHLO", *["MAIL", "RCPT", "BDAT"] * 3, "QUIT"]
    assert chunks(server) == [f"BDAT {len(mail.content)} LAST" for mail in (A, B, C)]
    assert contents(server) == [A.content, B.content, C.content]


async def _answers_when_the_next_has_come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 hello\r\n")
    await reader.readline()
    writer.write(b"250-hello\r\n250-PIPELINING\r\n250 CHUNKING\r\n")
    for mail, opening_is_there in ((A, False), (B, True)):
        for _ in range(0 if opening_is_there else 2):
            await reader.readline()
        writer.write(b"250 ok\r\n" * 2)
        assert await reader.readline() == b"BDAT %d LAST\r\n" % len(mail.content)
        assert await reader.readexactly(len(mail.content)) == mail.content
        if mail is A:
            assert (await reader.readline()).startswith(b"MAIL FROM"), "before A's last chunk is answered"
            assert (await reader.readline()).startswith(b"RCPT TO")
        writer.write(b"250 taken\r\n")
    await reader.readline()
    writer.close()


def test_the_server_has_the_next_opening_before_it_answers_the_last_chunk() -> None:
    async def work() -> list[SendReport]:
        server = await asyncio.start_server(_answers_when_the_next_has_come, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        async with server, opened(Smtp(host, port, limits=ONE)) as transport:
            pending = [transport.deliver(mail) for mail in (A, B)]
            return await asyncio.wait_for(asyncio.gather(*pending), 60)

    assert all(report.accepted for report in asyncio.run(work()))


@both_ways
def test_no_dot_is_stuffed(extensions: tuple[str, ...]) -> None:
    dots = replace(A, content=b".\r\n..\r\n.a\r\n\r\n.\r\n")
    with ScriptedServer(extensions=extensions) as server:
        assert deliver_one(account(server), dots).accepted
    assert contents(server) == [dots.content]


@both_ways
def test_a_large_content_goes_in_chunks(extensions: tuple[str, ...]) -> None:
    with ScriptedServer(extensions=extensions) as server:
        assert all(report.accepted for report in deliver(account(server), LARGE, A))
    assert chunks(server) == [f"BDAT {BLOCK}"] * 3 + [f"BDAT {BLOCK} LAST", f"BDAT {len(A.content)} LAST"]
    assert contents(server) == [LARGE.content, A.content]
    assert len(server.sessions) == 1


@pytest.mark.parametrize("octets", [0, BLOCK, BLOCK + 2])
def test_contents_at_the_edge_of_a_chunk(octets: int) -> None:
    mail = replace(A, content=(b"x" * octets)[2:] + b"\r\n" * bool(octets))
    with ScriptedServer(extensions=CHUNKING) as server:
        assert deliver_one(account(server), mail).accepted
    assert contents(server) == [mail.content]
    assert len(chunks(server)) == (2 if octets > BLOCK else 1)


def test_a_chunk_waits_for_the_answer_to_the_one_before() -> None:
    gate, asked = Gate(), list[int]()
    with ScriptedServer(Step("BDAT", gate=gate), extensions=CHUNKING) as server:

        async def before_commit(_: tuple[Address, ...]) -> bool:
            asked.append(len(chunks(server)))
            return True

        async def work(transport: SmtpTransport) -> SendReport:
            pending = asyncio.ensure_future(transport.deliver(LARGE, before_commit=before_commit))
            await reached(gate)
            await let_others_run(20)
            assert asked == []
            gate.open()
            return await pending

        assert run(account(server), work).accepted
    assert asked == [3], "asked right before the last chunk"


def test_partial_refusal() -> None:
    steps = (Step("RCPT", "550 5.1.1 nobody", when="eve@"), Step("RCPT", "450 4.2.0 later", when="joe@"))
    with ScriptedServer(*steps, extensions=CHUNKING) as server:
        report = deliver_one(account(server), letter("aa", "eve@e.example", "bob@b.example", "joe@j.example"))
    assert [str(one.result) for one in report.outcomes] == ["refused", "accepted", "refused"]
    assert server.messages[0].taken == ("bob@b.example",)


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@both_ways
def test_nothing_goes_where_everybody_was_refused(extensions: tuple[str, ...]) -> None:
    with ScriptedServer(Step("RCPT", "550 5.1.1 nobody"), extensions=extensions) as server:
        first, second = deliver(account(server), A, B)
    assert isinstance(first.error, RecipientsRefused)
    assert second.accepted
    assert verbs(server.commands) == ["EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "BDAT", "QUIT"]


@both_ways
def test_nothing_goes_where_the_sender_was_refused(extensions: tuple[str, ...]) -> None:
    with ScriptedServer(Step("MAIL", "550 5.7.1 not you"), extensions=extensions) as server:
        first, second = deliver(account(server), A, B)
    assert isinstance(first.error, SenderRefused)
    assert second.accepted
    assert len(chunks(server)) == len(server.sessions) == 1


@both_ways
@pytest.mark.parametrize("skip", [0, 2], ids=["first", "third"])
def test_a_refused_chunk(extensions: tuple[str, ...], skip: int) -> None:
    with ScriptedServer(Step("BDAT", "452 4.3.1 disk full", skip=skip), extensions=extensions) as server:
        first, second, third = deliver(account(server), LARGE, A, B)
    assert isinstance(first.error, DataError)
    assert (first.error.code, first.error.phase, first.error.temporary) == (452, Phase.DATA, True)
    assert [bool(second.accepted), bool(third.accepted)] == [True, True]
    assert verbs(server.commands).count("RSET") == len(server.sessions) == 1, "the connection goes on after RSET"
    assert len(chunks(server)) == skip + 1 + 2
    assert contents(server) == [A.content, B.content]


def test_a_connection_that_rests_after_a_refused_chunk_is_reset_for_the_next() -> None:
    with ScriptedServer(Step("BDAT", "552 5.3.4 too big"), extensions=CHUNKING) as server:
        first, second = in_turn(account(server), LARGE, A)
    assert isinstance(first.error, DataError)
    assert first.error.permanent
    assert second.accepted
    assert verbs(server.commands).count("RSET") == len(server.sessions) == 1


@pytest.mark.parametrize("mail", [A, LARGE], ids=["alone", "behind others"])
@both_ways
def test_a_refused_last_chunk(extensions: tuple[str, ...], mail: MailObject) -> None:
    with ScriptedServer(Step("BDAT LAST", "554 5.7.1 spam"), extensions=extensions) as server:
        first, second = deliver(account(server), mail, B)
    assert isinstance(first.error, DataError)
    assert (first.error.code, first.error.phase) == (554, Phase.DOT)
    assert second.accepted
    assert contents(server) == [B.content]
    assert len(server.sessions) == 1


def test_a_chunk_refused_with_421_ends_the_connection() -> None:
    with ScriptedServer(Step("BDAT", "421 4.3.2 closing", connection=0), extensions=CHUNKING) as server:
        first, second = deliver(account(server), LARGE, B)
    assert isinstance(first.error, DataError)
    assert first.error.temporary
    assert second.accepted
    assert len(server.sessions) == 2


def test_a_bare_line_end_goes_in_no_chunk() -> None:
    with ScriptedServer(extensions=CHUNKING) as server:
        first, second = in_turn(account(server), replace(A, content=b"a\n.\r\nb\r\n"), B)
    assert isinstance(first.error, MessageError)
    assert second.accepted
    assert contents(server) == [B.content]


# ── a lost connection ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("then", [Then.CLOSE, Then.RESET])
@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize("reply", [None, "250 2.0.0 Taken"], ids=["unanswered", "answered"])
def test_lost_between_chunks_is_not_unknown(then: Then, skip: int, reply: str | None) -> None:
    with ScriptedServer(Step("BDAT", reply, skip=skip, then=then, connection=0), extensions=CHUNKING) as server:
        first, second = deliver(account(server), LARGE, B)
    assert isinstance(first.error, Disconnected)
    assert first.refused[0].temporary
    assert second.accepted
    assert contents(server) == [B.content]


@pytest.mark.parametrize("then", [Then.CLOSE, Then.RESET])
@pytest.mark.parametrize("mail", [A, LARGE], ids=["alone", "behind others"])
@pytest.mark.parametrize("reply", [None, b"250-2.0.0 Tak", b"garbage\r\n"], ids=["nothing", "half", "garbage"])
def test_lost_after_the_last_chunk_is_unknown(then: Then, mail: MailObject, reply: bytes | None) -> None:
    with ScriptedServer(Step("BDAT LAST", reply, then=then, connection=0), extensions=CHUNKING) as server:
        first, second = deliver(account(server), mail, B)
    assert isinstance(first.error, OutcomeUnknown)
    assert first.unknown[0].phase is Phase.DOT
    assert second.accepted
    assert [message.content for message in server.messages] == [mail.content, B.content]


# ── the caller decides ────────────────────────────────────────────────────────────────────────────────────────────────


def answering(may_go: bool) -> BeforeCommit:
    async def before_commit(_: tuple[Address, ...]) -> bool:
        return may_go

    return before_commit


@both_ways
@pytest.mark.parametrize("mail", [A, LARGE], ids=["small", "large"])
def test_taken_back_before_the_last_chunk_the_connection_goes_on(extensions: tuple[str, ...], mail: MailObject) -> None:
    with ScriptedServer(extensions=extensions) as server:

        async def work(transport: SmtpTransport) -> list[SendReport]:
            taken_back = transport.deliver(mail, before_commit=answering(False))
            return list(await asyncio.gather(taken_back, transport.deliver(B, before_commit=answering(True))))

        first, second = run(account(server), work)
    assert isinstance(first.error, Abandoned)
    assert second.accepted
    assert contents(server) == [B.content]
    assert verbs(server.commands).count("RSET") == len(server.sessions) == 1


def test_what_comes_while_the_caller_decides_is_no_answer() -> None:
    with ScriptedServer(extensions=CHUNKING) as server:

        async def before_commit(_: tuple[Address, ...]) -> bool:
            await asyncio.to_thread(server.say, "250 2.0.0 Taken")
            return True

        report = deliver_one(account(server), A, before_commit)
    assert report.refused
    assert server.messages == []


async def gone(pending: Awaitable[SendReport]) -> None:
    """Cancel, and see that it takes effect at once."""
    sending = asyncio.ensure_future(pending)
    sending.cancel()
    await let_others_run(3)
    assert sending.done()
    assert sending.cancelled()


@both_ways
@pytest.mark.parametrize(
    ("at", "skip"), [("MAIL", 0), ("RCPT", 0), ("BDAT", 0), ("BDAT", 1), ("BDAT", 2), ("BDAT LAST", 0)]
)
def test_cancelled_while_the_server_is_silent(extensions: tuple[str, ...], at: str, skip: int) -> None:
    gate = Gate()
    with ScriptedServer(Step(at, gate=gate, skip=skip, connection=0), extensions=extensions) as server:

        async def work(transport: SmtpTransport) -> SendReport:
            pending = transport.deliver(LARGE)
            await reached(gate)
            await gone(pending)
            gate.open()
            return await transport.deliver(B)

        report = run(account(server), work)
        assert [message.content for message in server.messages if message.connection == 1] == [B.content]
    assert report.accepted
    assert report.attempts == 1
    arrived = [message for message in server.messages if message.connection == 0]
    assert len(arrived) == (1 if at == "BDAT LAST" else 0)


def test_cancelled_while_it_decides_ends_the_decision_too() -> None:
    asked, ended = asyncio.Event(), asyncio.Event()

    async def before_commit(_: tuple[Address, ...]) -> bool:
        asked.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()
        return True

    with ScriptedServer(extensions=CHUNKING) as server:

        async def work(transport: SmtpTransport) -> SendReport:
            pending = transport.deliver(A, before_commit=before_commit)
            await asked.wait()
            await gone(pending)
            assert ended.is_set(), "else it would go on to say that a message leaves which does not"
            return await transport.deliver(B)

        assert run(account(server), work).accepted
    assert contents(server) == [B.content]


@pytest.mark.parametrize("refused", [False, True])
def test_withdrawn_behind_a_last_chunk_the_connection_is_kept(refused: bool) -> None:
    gate = Gate()
    steps = (Step("BDAT LAST", gate=gate), *[Step("RCPT", "550 5.1.1 nobody", skip=1)] * refused)
    with ScriptedServer(*steps, extensions=CHUNKING) as server:

        async def work(transport: SmtpTransport) -> list[SendReport]:
            first, second = transport.deliver(A), transport.deliver(B)
            await reached(gate)
            await gone(second)  # its MAIL and RCPT are on the way
            third = transport.deliver(C)
            gate.open()
            return [await first, await third]

        assert all(report.accepted for report in run(account(server), work))
    assert contents(server) == [A.content, C.content]
    assert len(server.sessions) == 1
    assert verbs(server.commands).count("RSET") == 1
