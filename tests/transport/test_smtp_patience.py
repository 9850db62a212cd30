"""How long each answer is waited for, to the second, by a clock that is told; and what is said when it does not come.

The figures are ``Timeouts``' own, RFC 5321 §4.5.3.2's.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from postroad.address import Address
from postroad.errors import OutcomeUnknown, PostroadError, Timeout
from postroad.message.envelope import MailObject
from postroad.net.tls import Tls
from postroad.outcome import SendReport
from postroad.reply import Phase
from postroad.testing import Gate, ScriptedServer, Step
from postroad.transport.contract import BeforeCommit
from postroad.transport.smtp.settings import PoolLimits, Protocol, Smtp, Timeouts
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import letter
from tests.transport.memory_network import SteppedLoop
from tests.transport.memory_server import Answer, Books, MemoryServer
from tests.transport.road import ANSWERS, account, deliver, deliver_one, impatient

MAIL = letter("1", "r0.1@b.example", "r1.1@b.example", sender="s.1@a.example")
LARGE = replace(MAIL, content=b"Subject: 1\r\n\r\n" + (b"x" * 62 + b"\r\n") * 8_192)  # three blocks
WORDS = {"pipelining": ("PIPELINING",), "lock-step": (), "chunks": ("PIPELINING", "CHUNKING")}


class Road:
    """One message on its way to a server that answers when it is told."""

    def __init__(
        self,
        *offers: str,
        mail: MailObject = MAIL,
        before_commit: BeforeCommit | None = None,
        wait: float = 1e6,
        **settings: Any,
    ) -> None:
        self.loop = SteppedLoop(lambda: MemoryServer(Books(), offers))
        limits = PoolLimits(connections=1, wait=wait, age=1e6)
        self.transport = SmtpTransport(
            Smtp("192.0.2.1", 25, tls=Tls.NONE, ehlo="us.example", limits=limits, **settings)
        )
        self.pending = self.within(lambda: self.transport.deliver(mail, before_commit=before_commit))
        self.within(lambda: self.loop.dials[0].set_result(None))
        self.server = self.loop.servers[0]

    def within(self, act: Callable[[], Any]) -> Any:
        results: list[Any] = []
        self.loop.call_soon(lambda: results.append(act()))
        self.loop.settle()
        return results[0]

    def answered_until(self, verb: str) -> None:
        """Everything has an answer but the first of these."""
        while self.server.due[0][0] != verb:
            self.within(lambda: self.server.answer(Answer.YES))

    def ends_after(self, seconds: float) -> SendReport:
        """The report, which is there after so many seconds and not before."""
        self.loop.advance(seconds - 0.5)
        assert not self.pending.done(), "too early"
        self.loop.advance(1.0)
        assert self.pending.done(), "too late"
        report: SendReport = self.pending.result()
        assert not self.loop.faults
        return report

    def close(self) -> None:
        closing = self.within(lambda: self.loop.create_task(self.transport.aclose()))
        self.loop.advance(10.0)
        assert closing.done()
        self.loop.close()


def error_of(report: SendReport) -> PostroadError:
    assert report.error is not None
    return report.error


@pytest.mark.parametrize("offers", WORDS.values(), ids=WORDS)
@pytest.mark.parametrize(
    ("verb", "seconds", "phase"),
    [
        ("GREETING", 30, Phase.GREETING),
        ("EHLO", 300, Phase.EHLO),
        ("MAIL", 300, Phase.MAIL),
        ("RCPT", 300, Phase.RCPT),
        ("DATA", 120, Phase.DATA),
    ],
)
def test_before_the_content(offers: tuple[str, ...], verb: str, seconds: float, phase: Phase) -> None:
    if verb == "DATA" and "CHUNKING" in offers:
        return
    road = Road(*offers)
    road.answered_until(verb)
    error = error_of(road.ends_after(seconds))
    assert type(error) is Timeout
    assert error.phase is phase
    said = "greeting" if verb == "GREETING" else verb
    assert error.message == f"192.0.2.1:25 did not answer {said} within {seconds} s"
    assert error.temporary
    assert error.transcript
    road.close()


@pytest.mark.parametrize("offers", WORDS.values(), ids=WORDS)
def test_after_the_content_for_ten_minutes_and_then_nobody_knows(offers: tuple[str, ...]) -> None:
    road = Road(*offers)
    last, words = ("BDAT", "BDAT LAST") if "CHUNKING" in offers else ("DOT", "final dot")
    road.answered_until(last)
    report = road.ends_after(600)
    error = error_of(report)
    assert type(error) is OutcomeUnknown
    assert isinstance(error.__cause__, Timeout)
    assert f"192.0.2.1:25 did not answer {words} within 600 s" in error.message
    assert (error.phase, error.__cause__.phase) == (Phase.DOT, Phase.DOT)
    assert len(report.unknown) == 2
    road.close()


def test_a_chunk_that_others_follow_is_not_the_end() -> None:
    road = Road(*WORDS["chunks"], mail=LARGE)
    road.answered_until("BDAT")
    report = road.ends_after(600)
    assert type(report.error) is Timeout
    assert report.error.phase is Phase.DATA
    assert len(report.refused) == 2
    road.close()


def test_each_answer_is_waited_for_anew() -> None:
    road = Road("PIPELINING")
    for verb, nearly in (("GREETING", 29), ("EHLO", 299), ("MAIL", 299), ("RCPT", 299), ("RCPT", 299), ("DATA", 119)):
        road.answered_until(verb)
        road.loop.advance(nearly)
        road.within(lambda: road.server.answer(Answer.YES))
        assert not road.pending.done(), verb
    road.answered_until("DOT")
    road.loop.advance(599)
    road.within(lambda: road.server.answer(Answer.YES))
    assert len(road.pending.result().accepted) == 2
    road.close()


def test_half_an_answer_is_none() -> None:
    road = Road("PIPELINING")
    road.answered_until("MAIL")
    road.loop.advance(200)
    road.within(lambda: road.server.say("250-2.1.0 more to"))
    error = error_of(road.ends_after(100))
    assert (type(error), error.phase) == (Timeout, Phase.MAIL)
    road.close()


@pytest.mark.parametrize("offers", WORDS.values(), ids=WORDS)
def test_the_caller_may_take_his_time(offers: tuple[str, ...]) -> None:
    """While ``before_commit`` thinks, nothing is owed by the server."""
    decision: list[asyncio.Future[bool]] = []

    async def before_commit(_: tuple[Address, ...]) -> bool:
        decision.append(asyncio.get_running_loop().create_future())
        return await decision[0]

    road = Road(*offers, before_commit=before_commit)
    while not decision:
        road.within(lambda: road.server.answer(Answer.YES))
    road.loop.advance(10_000)
    assert not road.pending.done()
    road.within(lambda: decision[0].set_result(True))
    assert error_of(road.ends_after(600)).ambiguous
    road.close()


def test_a_queue_that_moves_is_slow_and_not_stuck() -> None:
    """Who waits for a connection waits for all before him; what is bounded is the time in which nothing moves."""
    road = Road(wait=10.0)
    late = [road.within(lambda: road.transport.deliver(MAIL)) for _ in range(3)]
    for pending in (road.pending, *late):
        road.loop.advance(8.0)
        while not pending.done():
            road.within(lambda: road.server.answer(Answer.YES))
        assert pending.result().all_accepted
    road.close()


def test_one_recipient_after_the_other_over_lmtp() -> None:
    """The clock of the last answers begins with each of them."""
    gate = Gate()
    timeouts = replace(Timeouts(), dot=ANSWERS)
    with ScriptedServer(Step("DOT", gate=gate, skip=1, connection=0), lmtp=True) as server:
        report = deliver_one(account(server, protocol=Protocol.LMTP, timeouts=timeouts), MAIL)
        gate.open()
    assert [str(one.result) for one in report.outcomes] == ["accepted", "unknown"]
    assert isinstance(report.unknown[0].error, OutcomeUnknown)


@pytest.mark.parametrize("chunks", [(), ("CHUNKING",)], ids=["DATA", "BDAT"])
def test_a_server_that_takes_no_content(chunks: tuple[str, ...]) -> None:
    gate = Gate()
    huge = replace(MAIL, content=(b"x" * 70 + b"\r\n") * 200_000)  # 14 MB: more than the sockets hold
    timeouts = replace(Timeouts(), block=ANSWERS, dot=ANSWERS)
    with ScriptedServer(Step("CONTENT", gate=gate, connection=0), extensions=("PIPELINING", *chunks)) as server:
        first, second = deliver(account(server, timeouts=timeouts), huge, letter("2"))
        gate.open()
    error = error_of(first)
    assert (type(error), error.phase) == (Timeout, Phase.DATA)
    assert ("took no content for 1 s" if not chunks else "did not answer BDAT within 1 s") in error.message
    assert error.temporary
    assert second.accepted


@pytest.mark.parametrize("chunks", [(), ("CHUNKING",)], ids=["DATA", "BDAT"])
def test_a_server_that_resets_for_ever(chunks: tuple[str, ...]) -> None:
    """It is the connection's fault and no message's: the next one goes elsewhere."""
    gate = Gate()
    steps = (Step("RCPT", "550 5.1.1 nobody"), Step("RSET", gate=gate))
    with ScriptedServer(*steps, extensions=("PIPELINING", *chunks)) as server:
        first, second = deliver(account(server, timeouts=impatient("command")), letter("1"), letter("2"))
        gate.open()
    assert first.refused[0].code == 550
    error = error_of(second)
    assert (type(error), error.phase, error.temporary) == (Timeout, Phase.RSET, True)
