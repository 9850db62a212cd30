"""A message over several transactions: everybody once, in order, and what stops one transaction stops the rest."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from postroad.address import Address
from postroad.errors import (
    Abandoned,
    DataError,
    Disconnected,
    OutcomeUnknown,
    PostroadError,
    SenderRefused,
    Unsupported,
)
from postroad.message.envelope import MailObject
from postroad.outcome import Result, SendReport
from postroad.testing import Gate, ScriptedServer, Step, Then
from postroad.transport.smtp.settings import PoolLimits
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import let_others_run, letter
from tests.transport.road import account, deliver, deliver_one, reached, run, verbs

PIPELINING = ("PIPELINING", "ENHANCEDSTATUSCODES")
WAYS = {
    "pipelining": PIPELINING,
    "lock-step": PIPELINING[1:],
    "chunks": (*PIPELINING, "CHUNKING"),
    "chunks in lock-step": (*PIPELINING[1:], "CHUNKING"),
}
every_way = pytest.mark.parametrize("extensions", WAYS.values(), ids=WAYS)
HUNDREDS = tuple(f"r{number}@b.example" for number in range(250))
FEW = HUNDREDS[:7]
THREE = "LIMITS RCPTMAX=3"


def to(*recipients: str, text: str = "many") -> MailObject:
    return letter(text, *recipients)


def groups(server: ScriptedServer) -> list[tuple[str, ...]]:
    """Whom each content that arrived was for."""
    return [message.recipients for message in server.messages]


def end(extensions: tuple[str, ...]) -> str:
    """The point where the content is answered."""
    return "BDAT LAST" if "CHUNKING" in extensions else "DOT"


def addresses(report: SendReport) -> list[str]:
    return [str(one.recipient) for one in report.outcomes]


def results(report: SendReport) -> str:
    """One letter for each recipient, in the report's order."""
    return "".join(str(one.result)[0] for one in report.outcomes)


def shares(*sizes: int) -> list[tuple[str, ...]]:
    """The first recipients in groups of these sizes."""
    found, start = [], 0
    for size in sizes:
        found.append(HUNDREDS[start : start + size])
        start += size
    return found


# ── how they are shared out ───────────────────────────────────────────────────────────────────────────────────────────


@every_way
def test_250_are_100_and_100_and_50_in_order(extensions: tuple[str, ...]) -> None:
    with ScriptedServer(extensions=extensions) as server:
        report, other = deliver(account(server), to(*HUNDREDS), letter("other"))
    assert addresses(report) == list(HUNDREDS)
    assert results(report) == "a" * 250
    assert report.error is None
    assert other.accepted
    assert groups(server) == [*shares(100, 100, 50), ("bob@b.example",)]
    assert {message.content for message in server.messages[:3]} == {to().content}
    assert len(server.sessions) == 1


def test_the_next_transaction_stands_behind_the_dot() -> None:
    asked = Gate()
    with ScriptedServer(Step("MAIL", gate=asked, skip=1), Step("DOT", then=Then.CONTINUE)) as server:

        async def work(transport: SmtpTransport) -> SendReport:
            pending = asyncio.ensure_future(transport.deliver(to(*HUNDREDS)))
            await reached(asked)
            assert len(server.messages) == 1
            assert not pending.done()
            asked.open()
            return await pending

        assert results(run(account(server), work)) == "a" * 250
    assert verbs(server.commands).count("RSET") == 0


@every_way
@pytest.mark.parametrize(
    ("limits", "sizes", "connections"),
    [
        ("RCPTMAX=10", (10,) * 3, [0] * 3),
        ("RCPTMAX=1000", (30,), [0]),
        ("RCPTMAX=0 MAILMAX=x", (30,), [0]),
        ("MAILMAX=3 RCPTMAX=5", (5,) * 6, [0] * 3 + [1] * 3),
        ("MAILMAX=1 RCPTMAX=12", (12, 12, 6), [0, 1, 2]),
    ],
)
def test_limits(extensions: tuple[str, ...], limits: str, sizes: tuple[int, ...], connections: list[int]) -> None:
    with ScriptedServer(extensions=(*extensions, f"LIMITS {limits}")) as server:
        report = deliver_one(account(server), to(*HUNDREDS[:30]))
    assert results(report) == "a" * 30
    assert groups(server) == shares(*sizes)
    assert [message.connection for message in server.messages] == connections


def test_so_many_domains_a_transaction() -> None:
    everybody = ("a@x.example", "b@X.example", "c@y.example", "d@z.example", "e@y.example", "f@x.example")
    with ScriptedServer(extensions=(*PIPELINING, "LIMITS RCPTDOMAINMAX=2")) as server:
        assert results(deliver_one(account(server), to(*everybody))) == "aaaaaa"
    assert [len(group) for group in groups(server)] == [3, 2, 1]


def test_a_message_in_pieces_goes_on_where_others_also_wait() -> None:
    with ScriptedServer(extensions=(*PIPELINING, "LIMITS RCPTMAX=3 MAILMAX=2")) as server:
        reports = deliver(account(server, connections=3), *[to(*FEW, text=f"many{number}") for number in range(6)])
    assert [results(report) for report in reports] == ["aaaaaaa"] * 6
    got = Counter((message.content, one) for message in server.messages for one in message.recipients)
    assert set(got.values()) == {1}
    assert len(got) == 6 * 7
    for session in server.sessions:
        assert verbs(session.commands).count("MAIL") <= 2


# ── 452: too many, or too full ────────────────────────────────────────────────────────────────────────────────────────


@every_way
@pytest.mark.parametrize("word", ["452 too many recipients", "452 4.5.3 too many recipients", "552 too many"])
def test_those_that_were_too_many_go_in_the_next_transaction(extensions: tuple[str, ...], word: str) -> None:
    steps = [Step("RCPT", word, skip=5 + 3 * turn, times=2, connection=0) for turn in (0,)]
    with ScriptedServer(*steps, extensions=extensions) as server:
        report = deliver_one(account(server), to(*FEW))
    assert results(report) == "a" * 7
    assert addresses(report) == list(FEW)
    assert groups(server) == [FEW[:5], FEW[5:]]


def test_a_server_that_takes_two_at_a_time_gets_everybody_once() -> None:
    steps = [
        Step("RCPT", "452 4.5.3 too many", skip=first, times=left) for first, left in ((2, 5), (2 + 2, 3), (4 + 2, 1))
    ]
    with ScriptedServer(*steps) as server:
        assert results(deliver_one(account(server), to(*FEW))) == "a" * 7
    assert Counter(one for group in groups(server) for one in group) == Counter(FEW)
    assert groups(server)[0] == FEW[:2]


@every_way
@pytest.mark.parametrize("word", ["452 4.2.2 mailbox full", "552 5.2.2 mailbox full", "450 4.5.3 no 452"])
def test_a_full_mailbox_is_that_recipients_own(extensions: tuple[str, ...], word: str) -> None:
    with ScriptedServer(Step("RCPT", word, when="r4@"), extensions=extensions) as server:
        report = deliver_one(account(server), to(*FEW))
    assert results(report) == "aaaaraa"
    assert len(server.messages) == 1


def test_452_for_the_first_is_no_count() -> None:
    with ScriptedServer(Step("RCPT", "452 4.5.3 too many", times=None)) as server:
        report = deliver_one(account(server), to(*FEW))
    assert results(report) == "r" * 7
    assert all(one.temporary for one in report.outcomes)
    assert verbs(server.commands).count("MAIL") == 1


@every_way
def test_too_many_and_then_refused(extensions: tuple[str, ...]) -> None:
    """Those that were left had no outcome of the first transaction, whatever becomes of it."""
    steps = (
        Step("RCPT", "452 4.5.3 too many", skip=5, times=2),
        Step(end(extensions), "554 5.7.1 spam"),
    )
    with ScriptedServer(*steps, extensions=extensions) as server:
        report = deliver_one(account(server), to(*FEW))
    behind = "PIPELINING" in extensions  # then their transaction was under way when the first was refused
    assert results(report) == "rrrrr" + ("aa" if behind else "rr")
    assert len(server.messages) == 1 + behind
    assert all(one.error is not None and one.code == 554 for one in report.outcomes[:5])


# ── what stops one stops the rest ─────────────────────────────────────────────────────────────────────────────────────


@every_way
@pytest.mark.parametrize("at", ["MAIL", "DATA"])
def test_refused_before_the_content_the_rest_is_not_tried(extensions: tuple[str, ...], at: str) -> None:
    at = "BDAT" if at == "DATA" and "CHUNKING" in extensions else at
    large = replace(to(*FEW), content=(b"x" * 62 + b"\r\n") * 5_000)  # more than a chunk
    with ScriptedServer(Step(at, "554 5.7.1 not you"), extensions=(*extensions, THREE)) as server:
        report, other = deliver(account(server), large, letter("other"))
    assert results(report) == "r" * 7
    assert isinstance(report.error, SenderRefused if at == "MAIL" else DataError)
    assert {one.code for one in report.outcomes} == {554}
    assert {one.error for one in report.outcomes} == {report.error}
    assert other.accepted
    assert verbs(server.commands).count("MAIL") == 2


@every_way
def test_refused_at_the_end_of_the_content_nothing_more_is_begun(extensions: tuple[str, ...]) -> None:
    with ScriptedServer(Step(end(extensions), "554 5.7.1 spam"), extensions=(*extensions, THREE)) as server:
        report, other = deliver(account(server), to(*FEW), letter("other"))
    # With PIPELINING the second transaction was under way behind the dot, and has an answer of its own.
    assert results(report) == ("rrraaar" if "PIPELINING" in extensions else "rrrrrrr")
    assert {(one.code, type(one.error)) for one in report.refused} == {(554, DataError)}
    assert other.accepted
    assert len(server.sessions) == 1


@every_way
def test_the_first_refused_and_the_rest_of_them_all_accepted(extensions: tuple[str, ...]) -> None:
    """A transaction whose recipients are all refused says nothing about the recipients of the next."""
    with ScriptedServer(Step("RCPT", "550 5.1.1 nobody", times=3), extensions=(*extensions, THREE)) as server:
        report = deliver_one(account(server), to(*FEW))
    assert results(report) == "rrraaaa"
    assert groups(server) == [FEW[3:6], FEW[6:]]


@every_way
@pytest.mark.parametrize("then", [Then.CLOSE, Then.RESET])
def test_after_an_unknown_one_the_rest_is_not_sent(extensions: tuple[str, ...], then: Then) -> None:
    with ScriptedServer(Step(end(extensions), None, then=then), extensions=(*extensions, THREE)) as server:
        report = deliver_one(account(server), to(*FEW))
    assert results(report) == "uuurrrr"
    assert isinstance(report.error, OutcomeUnknown)
    assert all(one.temporary and isinstance(one.error, Disconnected) for one in report.refused)
    assert groups(server) == [FEW[:3]]
    assert len(server.sessions) == 1


@every_way
def test_an_unknown_second_leaves_the_first_accepted(extensions: tuple[str, ...]) -> None:
    step = Step(end(extensions), None, skip=1, then=Then.CLOSE)
    with ScriptedServer(step, extensions=(*extensions, THREE)) as server:
        report = deliver_one(account(server), to(*FEW))
    assert results(report) == "aaauuur"
    assert report.error is None
    with pytest.raises(PostroadError):
        report.raise_for_refused()
    assert groups(server) == [FEW[:3], FEW[3:6]]


@every_way
@pytest.mark.parametrize("then", [Then.CLOSE, Then.RESET])
def test_lost_before_the_second_was_answered_the_rest_goes_elsewhere_once(
    extensions: tuple[str, ...], then: Then
) -> None:
    step = Step("MAIL", None, skip=1, then=then, connection=0)
    with ScriptedServer(step, extensions=(*extensions, THREE)) as server:
        report = deliver_one(account(server), to(*FEW))
    assert results(report) == "a" * 7
    assert report.attempts == 1
    assert groups(server) == [FEW[:3], FEW[3:6], FEW[6:]]
    assert [message.connection for message in server.messages] == [0, 1, 1]


@every_way
def test_lost_within_the_second_the_rest_is_temporary(extensions: tuple[str, ...]) -> None:
    step = Step("RCPT", None, skip=4, then=Then.CLOSE)
    with ScriptedServer(step, extensions=(*extensions, THREE)) as server:
        report = deliver_one(account(server), to(*FEW))
    assert results(report) == "aaarrrr"
    assert all(one.temporary for one in report.refused)
    assert groups(server) == [FEW[:3]]


def test_the_rest_over_a_new_connection_that_cannot_be_had() -> None:
    steps = (
        Step("MAIL", None, skip=1, then=Then.CLOSE, connection=0),
        Step("GREETING", "554 5.7.1 go away", connection=1),
    )
    with ScriptedServer(*steps, extensions=(*PIPELINING, THREE)) as server:
        report = deliver_one(account(server), to(*FEW))
    assert results(report) == "aaarrrr"
    assert {one.code for one in report.refused} == {554}


def test_the_rest_over_a_new_connection_that_can_do_less() -> None:
    steps = (
        Step("MAIL", None, skip=1, then=Then.CLOSE, connection=0),
        Step("EHLO", "250-less\n250 PIPELINING", connection=1),
    )
    mail = replace(to(*FEW), smtputf8=True, content="Subject: ü\r\nDKIM-Signature: v=1\r\n\r\nü\r\n".encode())
    with ScriptedServer(*steps, extensions=(*PIPELINING, "SMTPUTF8", "8BITMIME", THREE)) as server:
        report = deliver_one(account(server), mail)
    assert results(report) == "aaarrrr"
    assert all(isinstance(one.error, Unsupported) for one in report.refused)


# ── the caller ────────────────────────────────────────────────────────────────────────────────────────────────────────


@every_way
def test_before_commit_is_asked_once_a_transaction_for_its_recipients(extensions: tuple[str, ...]) -> None:
    asked: list[tuple[str, ...]] = []

    async def before_commit(recipients: tuple[Address, ...]) -> bool:
        asked.append(tuple(map(str, recipients)))
        return True

    steps = (Step("RCPT", "550 5.1.1 nobody", when="r1@"), Step("RCPT", "452 4.5.3 too many", when="r5@"))
    with ScriptedServer(*steps, extensions=(*extensions, THREE)) as server:
        report = deliver_one(account(server), to(*FEW), before_commit)
    assert results(report) == "araaaaa"
    assert addresses(report) == list(FEW)
    assert asked == groups(server)
    assert asked[0] == (FEW[0], FEW[2])


@every_way
def test_taken_back_in_the_second_the_rest_is_not_sent(extensions: tuple[str, ...]) -> None:
    answers = iter((True, False))

    async def before_commit(_: tuple[Address, ...]) -> bool:
        return next(answers)

    with ScriptedServer(extensions=(*extensions, THREE)) as server:
        report = deliver_one(account(server), to(*FEW), before_commit)
    assert results(report) == "aaarrrr"
    assert all(isinstance(one.error, Abandoned) for one in report.refused)
    assert groups(server) == [FEW[:3]]


def cancel_and_send_another(server: ScriptedServer, gate: Gate) -> None:
    async def work(transport: SmtpTransport) -> SendReport:
        pending = asyncio.ensure_future(transport.deliver(to(*FEW)))
        await reached(gate)
        pending.cancel()
        await let_others_run(3)
        assert pending.cancelled()
        gate.open()
        return await transport.deliver(letter("other"))

    assert run(account(server), work).accepted


@every_way
@pytest.mark.parametrize("at", ["MAIL", "RCPT", "dot"])
def test_cancelled_in_the_second(extensions: tuple[str, ...], at: str) -> None:
    gate = Gate()
    point = end(extensions) if at == "dot" else at
    step = Step(point, gate=gate, skip=3 if at == "RCPT" else 1, connection=0)
    with ScriptedServer(step, extensions=(*extensions, THREE)) as server:
        cancel_and_send_another(server, gate)
    sent = [group for group in groups(server) if group != ("bob@b.example",)]
    assert sent == shares(3, 3)[: 2 if at == "dot" else 1]
    assert server.messages[-1].connection == 1


def test_cancelled_while_the_rest_waits_for_a_new_connection() -> None:
    gate = Gate()
    with ScriptedServer(
        Step("GREETING", gate=gate, connection=1), extensions=(*PIPELINING, f"{THREE} MAILMAX=1")
    ) as server:
        cancel_and_send_another(server, gate)
    assert groups(server) == [FEW[:3], ("bob@b.example",)]


def test_a_transport_that_closes_finishes_what_is_under_way_and_fails_what_would_need_a_connection() -> None:
    gate = Gate()
    with ScriptedServer(Step("DOT", gate=gate), extensions=(*PIPELINING, f"{THREE} MAILMAX=1")) as server:

        async def work(transport: SmtpTransport) -> SendReport:
            pending = asyncio.ensure_future(transport.deliver(to(*FEW)))
            await reached(gate)
            closing = asyncio.ensure_future(transport.aclose())
            await let_others_run(3)
            gate.open()
            await closing
            return await pending

        report = run(account(server), work)
    assert results(report) == "aaarrrr"
    assert all(isinstance(one.error, Abandoned) for one in report.refused)
    assert report.error is None


def test_the_rest_does_not_go_before_the_last_one_is_answered() -> None:
    """Whoever is refused at the first dot is refused; another connection may not have begun with the rest."""
    gate = Gate()
    steps = (Step("DOT", "554 5.7.1 spam", gate=gate, when=r"\.", connection=0),)
    with ScriptedServer(*steps, extensions=(*PIPELINING, f"{THREE} MAILMAX=1")) as server:

        async def work(transport: SmtpTransport) -> list[SendReport]:
            first = asyncio.ensure_future(transport.deliver(to(*FEW)))
            await reached(gate)
            second = await transport.deliver(letter("other"))  # over another connection, while the first one waits
            gate.open()
            return [await first, second]

        first, second = run(account(server, limits=PoolLimits(connections=2)), work)
    assert second.accepted
    assert results(first) == "r" * 7
    assert isinstance(first.error, DataError)
    assert groups(server) == [FEW[:3], ("bob@b.example",)] or groups(server) == [("bob@b.example",), FEW[:3]]
    assert Result.UNKNOWN not in {one.result for one in first.outcomes}
