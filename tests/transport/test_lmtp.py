"""LMTP (RFC 2033): an answer for each recipient behind the content, and what is known of each when some are missing."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from postroad.errors import Disconnected, OutcomeUnknown, RecipientsRefused
from postroad.outcome import SendReport
from postroad.reply import Phase
from postroad.testing import Gate, ScriptedServer, Step, Then
from postroad.transport.from_url import from_url
from postroad.transport.smtp.settings import PoolLimits, Protocol, Smtp
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import letter
from tests.transport.road import account, deliver, deliver_one, reached, run, verbs

PIPELINING = ("PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME")
WAYS = {
    "pipelining": PIPELINING,
    "lock-step": PIPELINING[1:],
    "chunks": (*PIPELINING, "CHUNKING"),
}
every_way = pytest.mark.parametrize("extensions", WAYS.values(), ids=WAYS)
ANN, BOB, CY, DAN = "ann@b.example", "bob@b.example", "cy@b.example", "dan@b.example"
FOUR = letter("four", ANN, BOB, CY, DAN)
OTHER = letter("other")


def lmtp(server: ScriptedServer) -> Smtp:
    return account(server, protocol=Protocol.LMTP)


def serving(*steps: Step, extensions: tuple[str, ...]) -> ScriptedServer:
    """LMTP; a step at ``END`` is one behind the content."""
    return ScriptedServer(*steps, lmtp=True, extensions=extensions)


def end(extensions: tuple[str, ...]) -> str:
    return "BDAT LAST" if "CHUNKING" in extensions else "DOT"


def told(report: SendReport) -> list[str]:
    return [f"{one.result} {one.code or ''}".strip() for one in report.outcomes]


@every_way
def test_each_recipient_has_an_answer(extensions: tuple[str, ...]) -> None:
    at = end(extensions)
    steps = (
        Step("RCPT", "550 5.1.1 nobody", when="ann@"),
        Step(at, "552 5.2.2 full", when="cy@"),
        Step(at, "450 4.2.1 later", when="dan@"),
    )
    with serving(*steps, extensions=extensions) as server:
        report, other = deliver(lmtp(server), FOUR, OTHER)
    assert told(report) == ["refused 550", "accepted 250", "refused 552", "refused 450"]
    assert [one.phase for one in report.outcomes] == [Phase.RCPT, Phase.DOT, Phase.DOT, Phase.DOT]
    assert [one.temporary for one in report.outcomes] == [False, False, False, True]
    assert report.error is None
    assert other.accepted
    assert [message.taken for message in server.messages] == [(BOB,), (BOB,)]
    assert verbs(server.commands)[0] == "LHLO"
    assert len(server.sessions) == 1


@every_way
def test_all_refused_behind_the_content(extensions: tuple[str, ...]) -> None:
    steps = (Step(end(extensions), "552 5.2.2 full", times=3), Step(end(extensions), "450 4.2.1 later"))
    with serving(*steps, extensions=extensions) as server:
        report, other = deliver(lmtp(server), FOUR, OTHER)
    assert told(report) == ["refused 552"] * 3 + ["refused 450"]
    assert isinstance(report.error, RecipientsRefused)
    assert (report.error.phase, report.error.code, report.error.temporary) == (Phase.DOT, 450, True)
    assert report.error.report is report
    assert other.accepted


@every_way
@pytest.mark.parametrize("then", [Then.CLOSE, Then.RESET])
@pytest.mark.parametrize("answered", [1, 2, 3])
def test_lost_after_some_answers(extensions: tuple[str, ...], then: Then, answered: int) -> None:
    at = end(extensions)
    steps = (Step(at, "552 5.2.2 full", when="ann@"), Step(at, None, skip=answered - 1, then=then, connection=0))
    with serving(*steps, extensions=extensions) as server:
        report, other = deliver(lmtp(server), FOUR, OTHER)
    # A reset may overtake what was said before it.
    known = ["refused 552", "accepted 250", "accepted 250"][:answered]
    assert told(report) == known + ["unknown"] * (4 - answered) or then is Then.RESET
    assert told(report)[answered:] == ["unknown"] * (4 - answered)
    for one in report.accepted:
        assert str(one.recipient) in server.messages[0].taken
    if answered == 1:
        assert isinstance(report.error, OutcomeUnknown), "that nobody knows outweighs a refusal"
    assert other.accepted
    assert [message.connection for message in server.messages] == [0, 1]


@every_way
def test_421_for_one_of_them(extensions: tuple[str, ...]) -> None:
    with serving(
        Step(end(extensions), "421 4.3.2 closing", when="bob@", connection=0), extensions=extensions
    ) as server:
        report, other = deliver(lmtp(server), FOUR, OTHER)
    assert told(report)[:2] == ["accepted 250", "refused 421"]
    assert [str(one.result) for one in report.outcomes[2:]] == ["unknown"] * 2
    assert other.accepted
    assert len(server.sessions) == 2


def test_one_recipient_has_one_answer() -> None:
    with serving(extensions=PIPELINING) as server:
        assert all(report.accepted for report in deliver(lmtp(server), OTHER, letter("x"), letter("y")))
    assert verbs(server.commands) == ["LHLO", *["MAIL", "RCPT", "DATA"] * 3, "QUIT"]


def test_the_next_message_stands_behind_the_dot() -> None:
    gate = Gate()
    with serving(Step("MAIL", gate=gate, skip=1), extensions=PIPELINING) as server:

        async def work(transport: SmtpTransport) -> list[SendReport]:
            pending = [transport.deliver(mail) for mail in (FOUR, OTHER)]
            report = await pending[0]
            await reached(gate)
            assert not pending[1].done()
            gate.open()
            return [report, await pending[1]]

        first, second = run(lmtp(server), work)
    assert told(first) == ["accepted 250"] * 4
    assert second.accepted


def test_a_next_one_that_was_not_answered_goes_elsewhere() -> None:
    with serving(Step("MAIL", None, skip=1, then=Then.CLOSE, connection=0), extensions=PIPELINING) as server:
        first, second = deliver(lmtp(server), FOUR, OTHER)
    assert told(first) == ["accepted 250"] * 4
    assert second.accepted
    assert second.attempts == 1


@pytest.mark.parametrize("extensions", [PIPELINING, PIPELINING[1:]], ids=["pipelining", "lock-step"])
def test_354_although_nobody_was_accepted(extensions: tuple[str, ...]) -> None:
    """RFC 2033 §4.2: it had to be 503. Nobody would answer a dot, so the connection ends."""
    steps = (Step("RCPT", "550 5.1.1 nobody", times=4), Step("DATA", "354 go on"))
    with serving(*steps, extensions=extensions) as server:
        report, other = deliver(lmtp(server), FOUR, OTHER)
    assert told(report) == ["refused 550"] * 4
    assert isinstance(report.error, RecipientsRefused)
    assert other.accepted
    assert [message.taken for message in server.messages] == [(BOB,)]


@every_way
def test_many_recipients(extensions: tuple[str, ...]) -> None:
    everybody = [f"r{number}@b.example" for number in range(230)]
    step = Step(end(extensions), "552 5.2.2 full", when="r(7|107|207)@", times=None)
    with serving(step, extensions=extensions) as server:
        report = deliver_one(lmtp(server), letter("many", *everybody))
    assert [len(message.recipients) for message in server.messages] == [100, 100, 30]
    assert [str(one.recipient) for one in report.outcomes] == everybody
    assert [number for number, one in enumerate(report.outcomes) if one.refused] == [7, 107, 207]
    assert [name for message in server.messages for name in message.taken] == [
        str(x.recipient) for x in report.accepted
    ]


@every_way
def test_refused_for_all_the_rest_is_tried_all_the_same(extensions: tuple[str, ...]) -> None:
    """Each answer is one recipient's own, and says nothing about those of the next transaction."""
    step = Step(end(extensions), "552 5.2.2 full", times=2)
    with serving(step, extensions=(*extensions, "LIMITS RCPTMAX=2")) as server:
        report = deliver_one(lmtp(server), FOUR)
    assert told(report) == ["refused 552"] * 2 + ["accepted 250"] * 2


@every_way
def test_unknown_in_the_first_transaction_the_rest_is_not_sent(extensions: tuple[str, ...]) -> None:
    step = Step(end(extensions), None, skip=1, then=Then.CLOSE)
    with serving(step, extensions=(*extensions, "LIMITS RCPTMAX=2")) as server:
        report = deliver_one(lmtp(server), FOUR)
    assert told(report) == ["accepted 250", "unknown", "refused", "refused"]
    assert all(one.temporary and isinstance(one.error, Disconnected) for one in report.refused)


@pytest.fixture
def socket_server(tmp_path: Path) -> Iterator[ScriptedServer]:
    step = Step("DOT", "552 5.2.2 full", when="cy@")
    with ScriptedServer(step, lmtp=True, socket_path=tmp_path / "lmtp socket") as server:
        yield server


def test_over_a_unix_socket(socket_server: ScriptedServer) -> None:
    async def work() -> list[SendReport]:
        transport = from_url(socket_server.url)
        try:
            return list(await asyncio.gather(transport.deliver(FOUR), transport.deliver(OTHER)))
        finally:
            await transport.aclose()

    report, other = asyncio.run(work())
    assert told(report) == ["accepted 250", "accepted 250", "refused 552", "accepted 250"]
    assert other.accepted


def test_over_a_unix_socket_with_one_connection(socket_server: ScriptedServer, tmp_path: Path) -> None:
    path = str(tmp_path / "lmtp socket")
    settings = Smtp(socket_path=path, protocol=Protocol.LMTP, limits=PoolLimits(connections=1))
    report, other = deliver(settings, FOUR, OTHER)
    assert told(report)[2] == "refused 552"
    assert other.accepted
    assert len(socket_server.sessions) == 1
