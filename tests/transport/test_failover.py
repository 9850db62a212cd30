"""Routes made of several roads: when a message takes another one, and when never."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import pytest

from postroad.address import Address
from postroad.errors import (
    Abandoned,
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    DataError,
    Disconnected,
    MessageError,
    OutcomeUnknown,
    PoolTimeout,
    PostroadError,
    ProtocolError,
    RecipientsRefused,
    SecretUnavailable,
    SenderRefused,
    SendError,
    Throttled,
    Timeout,
    TlsError,
    Unsupported,
)
from postroad.outcome import SendReport
from postroad.reply import Phase
from postroad.transport.breaker import BreakerSettings, Standing
from postroad.transport.contract import Ability
from postroad.transport.failover import ComposedTransport
from tests.fakes import FakeClock, let_others_run, letter
from tests.transport.several import Road, accepted, down, each, reply

BOB, EVE = "bob@b.example", "eve@e.example"


def failover(*roads: Road, clock: FakeClock | None = None, **breaker: Any) -> ComposedTransport:
    return ComposedTransport("failover", roads, breaker=BreakerSettings(**breaker), clock=clock or FakeClock())


def send(composed: ComposedTransport, *recipients: str, count: int = 1) -> list[SendReport]:
    async def work() -> list[SendReport]:
        return [await composed.deliver(letter("hello", *recipients)) for _ in range(count)]

    return asyncio.run(work())


def roads_of(report: SendReport) -> list[str]:
    return [tried.route for tried in report.routes]


# ── another road or none ──────────────────────────────────────────────────────────────────────────────────────────────

ELSEWHERE: list[PostroadError] = [
    down(),
    Timeout("slow"),
    PoolTimeout("full"),
    Throttled("busy", reply=reply(421)),
    Disconnected("gone", phase=Phase.MAIL),
    ProtocolError("what was that?"),
    TlsError("expired"),
    AuthenticationError("no", reply=reply(535)),
    AuthenticationError("not now", reply=reply(454)),
    ConfigurationError("no such file"),
    SecretUnavailable("the vault is closed"),
    Unsupported("no SMTPUTF8", phase=Phase.MAIL),
    SendError("the disk is full", phase=Phase.STORE),
    ConnectError("go away", reply=reply(554), phase=Phase.GREETING),
    SenderRefused("later", reply=reply(421), phase=Phase.MAIL),
    SenderRefused("disk full", reply=reply(452), phase=Phase.MAIL),
    DataError("maintenance", reply=reply(451, enhanced="4.3.2"), phase=Phase.DOT),
]
FINAL: list[PostroadError] = [
    MessageError("too large"),
    Abandoned("taken back"),
    OutcomeUnknown("no answer"),
    SenderRefused("not you", reply=reply(550), phase=Phase.MAIL),
    SenderRefused("not now", reply=reply(450), phase=Phase.MAIL),
    SenderRefused("too many", reply=reply(452, enhanced="4.5.3"), phase=Phase.MAIL),
    DataError("spam", reply=reply(550), phase=Phase.DOT),
    DataError("greylisted", reply=reply(451, enhanced="4.7.1"), phase=Phase.DOT),
    DataError("broken", reply=reply(554, enhanced="5.3.0"), phase=Phase.DOT),
    RecipientsRefused("nobody", reply=reply(550), phase=Phase.RCPT),
]


def title(error: PostroadError) -> str:
    return f"{type(error).__name__}-{error.message}".replace(" ", "-")


@pytest.mark.parametrize("error", ELSEWHERE, ids=title)
@pytest.mark.parametrize("raises", [False, True], ids=["reported", "raised"])
def test_a_road_that_fails_is_left_for_the_next(error: PostroadError, raises: bool) -> None:
    first, second = Road("a", error, raises=raises), Road("b")
    (report,) = send(failover(first, second), BOB, EVE)
    assert len(report.accepted) == 2
    assert report.error is None
    assert roads_of(report) == ["a", "b"]
    assert report.routes[0].error is error
    assert report.routes[1].error is None
    assert "by a: " in str(report)


@pytest.mark.parametrize("error", FINAL, ids=title)
def test_what_was_judged_or_is_unknown_stays(error: PostroadError) -> None:
    first, second = Road("a", error), Road("b")
    (report,) = send(failover(first, second))
    assert second.carried == []
    assert report.error is error
    assert error.report is report
    assert not report.accepted


def test_a_refused_recipient_stays_refused_beside_one_that_goes_on() -> None:
    first = Road("a", each(bob=reply(550), eve=down(), ann=None))
    second = Road("b")
    (report,) = send(failover(first, second), BOB, EVE, "ann@a.example")
    assert second.carried == [(EVE,)]
    assert [one.recipient.local for one in report.outcomes] == ["bob", "eve", "ann"]
    assert [one.result.value for one in report.outcomes] == ["refused", "accepted", "accepted"]
    assert report.error is None


def test_a_recipient_that_may_come_later_is_no_reason_to_move() -> None:
    first, second = Road("a", each(bob=reply(450))), Road("b")
    (report,) = send(failover(first, second))
    assert report.refused[0].temporary
    assert second.carried == []


def test_who_may_not_be_mailed_alone_stays() -> None:
    """Some were accepted, and the next road can only mail everybody in the header."""
    first = Road("a", each(bob=None, eve=down()))
    whole = Road("b", abilities=frozenset({Ability.REMOTE}))
    (report,) = send(failover(first, whole), BOB, EVE)
    assert whole.carried == []
    assert [one.recipient.local for one in report.refused] == ["eve"]
    assert send(failover(Road("a", down()), whole), BOB, EVE)[0].accepted, "all of them are a different matter"


def test_the_error_of_all_roads_leaves_most_hope() -> None:
    wrong = AuthenticationError("no", reply=reply(535))
    gone = down()
    for order in ([wrong, gone], [gone, wrong]):
        (report,) = send(failover(*(Road(str(n), error) for n, error in enumerate(order))))
        assert report.error is gone
        assert report.refused[0].temporary
        assert {type(tried.error) for tried in report.routes} == {AuthenticationError, ConnectError}


def test_a_servers_word_on_the_last_road_is_the_answer() -> None:
    refused = RecipientsRefused("nobody", reply=reply(550), phase=Phase.RCPT)
    (report,) = send(failover(Road("a", down()), Road("b", refused)))
    assert report.error is refused
    assert report.refused[0].permanent


def test_a_road_that_cannot_is_not_a_road_that_is_down() -> None:
    composed = failover(Road("a", Unsupported("no SMTPUTF8", phase=Phase.MAIL)), Road("b"))
    for report in send(composed, count=5):
        assert roads_of(report) == ["a", "b"]


# ── before_commit ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Asked:
    """A ``before_commit`` that remembers."""

    def __init__(self, answer: bool | Exception = True) -> None:
        self.heard: list[tuple[str, ...]] = []
        self._answer = answer

    async def __call__(self, recipients: tuple[Address, ...]) -> bool:
        self.heard.append(tuple(one.addr_spec for one in recipients))
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class Late(Road):
    """Asks, and only then fails for certain, as a server's answer to the final dot does."""

    async def deliver(self, mail, *, before_commit=None):  # type: ignore[no-untyped-def]  # as above
        assert before_commit is not None
        assert await before_commit(mail.envelope.recipients)
        return await super().deliver(mail)


def test_each_recipient_is_asked_for_once() -> None:
    asked = Asked()
    composed = failover(Late("a", DataError("full", reply=reply(452), phase=Phase.DOT)), Road("b"))
    report = asyncio.run(composed.deliver(letter("x", BOB, EVE), before_commit=asked))
    assert len(report.accepted) == 2
    assert asked.heard == [(BOB, EVE)]


def test_who_comes_later_is_asked_for_then() -> None:
    asked = Asked()
    composed = failover(Road("a", each(bob=None, eve=down())), Road("b"))
    asyncio.run(composed.deliver(letter("x", BOB, EVE), before_commit=asked))
    assert asked.heard == [(EVE,)], "the first road's report came without asking"


def test_what_was_taken_back_goes_nowhere() -> None:
    first, second = Road("a"), Road("b")
    report = asyncio.run(failover(first, second).deliver(letter(), before_commit=Asked(answer=False)))
    assert isinstance(report.error, Abandoned)
    assert second.carried == []


@pytest.mark.parametrize("error", [LookupError("the database is gone"), ConfigurationError("no such table")])
def test_what_it_raises_is_raised(error: Exception) -> None:
    first, second = Road("a"), Road("b")
    with pytest.raises(type(error)) as caught:
        asyncio.run(failover(first, second).deliver(letter(), before_commit=Asked(answer=error)))
    assert caught.value is error
    assert second.carried == []


# ── the breaker ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_dead_road_is_kept_out_and_probed_later(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    first, second = Road("a", down(), down(), None), Road("b")
    composed = failover(first, second, clock=clock, failures=2, seconds=30)
    with caplog.at_level(logging.INFO, "postroad.transport"):
        assert [roads_of(report) for report in send(composed, count=3)] == [["a", "b"], ["a", "b"], ["b"]]
        assert [str(state) for state in composed.roads] == [
            "a: breaker open, 30 s left: it was not reached",
            "b: in use",
        ]
        clock.at += 30
        assert [roads_of(report) for report in send(composed, count=2)] == [["a"], ["a"]]
    assert composed.roads[0].standing is Standing.CLOSED
    assert composed.roads[0].error is None
    assert [record.getMessage() for record in caplog.records] == [
        "a is not used for 30 s: ConnectError: it was not reached",
        "a works again",
    ]


def test_while_one_probes_the_others_go_another_way() -> None:
    clock = FakeClock()
    first, second = Road("a", down()), Road("b")
    composed = failover(first, second, clock=clock, failures=1)

    async def work() -> tuple[SendReport, SendReport]:
        await composed.deliver(letter())
        clock.at += 30
        first.gate, first.answers = asyncio.Event(), [None]
        probe = asyncio.ensure_future(composed.deliver(letter("probe")))
        await let_others_run()
        other = await composed.deliver(letter("other"))
        assert composed.roads[0].standing is Standing.HALF_OPEN
        first.gate.set()
        return await probe, other

    probe, other = asyncio.run(work())
    assert roads_of(probe) == ["a"]
    assert roads_of(other) == ["b"]
    assert composed.roads[0].standing is Standing.CLOSED


def test_a_probe_that_is_cancelled_lets_the_next_one_probe() -> None:
    clock = FakeClock()
    first = Road("a", down())
    composed = failover(first, Road("b"), clock=clock, failures=1)

    async def work() -> SendReport:
        await composed.deliver(letter())
        clock.at += 30
        first.gate, first.answers = asyncio.Event(), [None]
        probe = asyncio.ensure_future(composed.deliver(letter("probe")))
        await let_others_run()
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        first.gate.set()
        return await composed.deliver(letter("next"))

    assert roads_of(asyncio.run(work())) == ["a"]


def test_with_all_roads_out_the_one_that_is_due_first_is_tried() -> None:
    clock = FakeClock()
    first, second = Road("a", down("a")), Road("b", down("b"), None)
    composed = failover(first, second, clock=clock, failures=1)
    send(composed)
    clock.at += 1
    first.answers = [None]
    assert roads_of(send(composed)[0]) == ["a"]


def test_a_refused_account_is_not_shown_again_for_long(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    first = Road("a", AuthenticationError("wrong password", reply=reply(535)))
    composed = failover(first, clock=clock, fault_seconds=600)
    with caplog.at_level(logging.WARNING, "postroad.transport"):
        reports = send(composed, count=50)
    assert len(first.carried) == 1, "accounts are locked for that"
    assert "a is not used for 600 s: AuthenticationError: wrong password" in caplog.text
    for report in reports:
        assert isinstance(report.error, AuthenticationError)
        assert report.error.report is report
        assert [outcome.result.value for outcome in report.outcomes] == ["refused"]
    clock.at += 600
    assert roads_of(send(composed)[0]) == ["a"]


def test_who_is_told_to_wait_waits_as_long_as_told() -> None:
    clock = FakeClock()
    first = Road("a", Throttled("slow down", retry_after=7.0), None)
    composed = failover(first, Road("b"), clock=clock)
    assert [roads_of(report) for report in send(composed, count=2)] == [["a", "b"], ["b"]]
    clock.at += 7
    assert roads_of(send(composed)[0]) == ["a"]


# ── turns ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_roads_take_turns() -> None:
    roads = [Road("a"), Road("b"), Road("c")]
    composed = ComposedTransport("roundrobin", roads, weights=[1, 1, 1])
    send(composed, count=9)
    assert [len(road.carried) for road in roads] == [3, 3, 3]


def test_turns_follow_the_weights_and_pass_over_the_dead() -> None:
    clock = FakeClock()
    roads = [Road("a"), Road("b")]
    composed = ComposedTransport("weighted", roads, weights=[9, 1], breaker=BreakerSettings(failures=1), clock=clock)
    send(composed, count=20)
    assert [len(road.carried) for road in roads] == [18, 2]
    roads[0].answers = [down()]
    reports = send(composed, count=20)
    assert all(report.accepted for report in reports)
    assert [len(road.carried) for road in roads] == [19, 22]


# ── what it says of itself ────────────────────────────────────────────────────────────────────────────────────────────


def test_it_promises_what_all_of_them_can() -> None:
    small = Road("a", concurrency=2, max_size=10, abilities=frozenset({Ability.REMOTE}))
    large = Road("b", concurrency=8, max_size=20)
    assert failover(small, large).abilities == {Ability.REMOTE}
    assert failover(small, large).concurrency == 2
    assert failover(small, large, Road("c")).max_size == 10
    assert failover(Road("c")).max_size is None
    turns = ComposedTransport("weighted", [small, large], weights=[1, 4])
    assert turns.concurrency == 10
    assert turns.name == "weighted(a=1 b=4)"
    assert failover(small, large).name == "failover(a b)"


def test_check_names_every_road_and_fails_only_if_all_do() -> None:
    report = asyncio.run(failover(Road("a", down("a")), Road("b")).check())
    assert report.seen[0].startswith("a does not work: a was not reached")
    assert report.seen[1] == "b: it works"
    with pytest.raises(ConnectError, match="a was not reached"):
        asyncio.run(failover(Road("a", down("a")), Road("b", down("b"))).check())


def test_every_road_is_closed() -> None:
    roads = [Road("a", raises=True), Road("b")]
    with pytest.raises(OSError, match="a does not close"):
        asyncio.run(failover(*roads).aclose())
    assert [road.closed for road in roads] == [1, 1]


def test_compositions_hold_compositions() -> None:
    inner = failover(Road("a", down()), Road("b", down()))
    outer = ComposedTransport("failover", [inner, Road("c")])

    def work() -> Coroutine[Any, Any, SendReport]:
        return outer.deliver(letter())

    report = asyncio.run(work())
    assert roads_of(report) == ["a", "b", "c"]
    assert report.accepted
    assert accepted(Address(BOB))[0].recipient == report.accepted[0].recipient
