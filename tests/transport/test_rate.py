"""Rates: what the algorithm lets through, and messages that wait for their turn."""

import asyncio
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import Abandoned, ConfigurationError, Throttled
from postroad.outcome import SendReport
from postroad.testing import ScriptedServer
from postroad.transport.from_url import from_url
from postroad.transport.gcra import Rate
from postroad.transport.pace import Pace
from postroad.transport.smtp.settings import PoolLimits, Smtp
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import FakeClock, let_others_run, letter
from tests.transport.road import account

# ── the algorithm ─────────────────────────────────────────────────────────────────────────────────────────────────────


def departures(rate: Rate, arrivals: list[float]) -> list[float]:
    due, gone = -math.inf, []
    for now in arrivals:
        wait, due = rate.reserve(due, now)
        gone.append(now + wait)
    return gone


def test_messages_are_spaced_evenly() -> None:
    assert departures(Rate(10, 1.0), [0.0] * 4) == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert departures(Rate(10, 1.0), [0.0, 5.0, 5.0]) == pytest.approx([0.0, 5.0, 5.1])


def test_a_burst_goes_at_once_and_then_it_is_even() -> None:
    assert departures(Rate(60, 60.0, burst=3), [0.0] * 5) == pytest.approx([0.0, 0.0, 0.0, 1.0, 2.0])
    assert departures(Rate(60, 60.0, burst=3), [0.0, 0.0, 0.0, 10.0, 10.0, 10.0]) == pytest.approx(
        [0, 0, 0, 10, 10, 10]
    )


@given(
    st.integers(1, 50),
    st.floats(0.1, 1000),
    st.integers(1, 10),
    st.lists(st.floats(0, 500), min_size=1, max_size=60).map(sorted),
)
def test_no_window_holds_more_than_allowed(messages: int, seconds: float, burst: int, arrivals: list[float]) -> None:
    gone = departures(Rate(messages, seconds, burst), arrivals)
    assert gone == sorted(gone), "first come, first served"
    allowed = messages + burst - 1
    for first, later in zip(gone, gone[allowed:], strict=False):
        assert later - first >= seconds * (1 - 1e-6)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("10/s", Rate(10, 1.0)),
        ("100/min", Rate(100, 60.0)),
        ("500/h", Rate(500, 3600.0)),
        ("10000/day", Rate(10_000, 86400.0)),
    ],
)
def test_how_it_is_written(text: str, rate: Rate) -> None:
    assert Rate.read(text) == rate
    assert str(rate) == text
    assert rate.interval == rate.seconds / rate.messages


@pytest.mark.parametrize("text", ["", "10", "10/m", "0/s", "-1/s", "1.5/s", "10 / s", "١/s", "10/s ", "99999999999/s"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is no rate"):
        Rate.read(text)


@pytest.mark.parametrize(
    "make", [lambda: Rate(0), lambda: Rate(1, 0.0), lambda: Rate(1, math.inf), lambda: Rate(1, 1.0, 0)]
)
def test_numbers_are_above_zero(make: Callable[[], Rate]) -> None:
    with pytest.raises(ConfigurationError, match="rate: "):
        make()


# ── waiting ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_waits_for_its_turn() -> None:
    clock = FakeClock()
    pace = Pace(Rate(2, 60.0), 300.0, clock)

    async def work() -> list[bool]:
        return [await pace.turn() for _ in range(3)]

    assert asyncio.run(work()) == [True] * 3
    assert clock.slept == [30.0, 30.0]


def test_who_would_wait_too_long_is_told_how_long() -> None:
    pace = Pace(Rate(1, 60.0), 59.0, FakeClock())

    async def work() -> None:
        assert await pace.turn()
        for _ in range(3):  # being told costs no turn
            with pytest.raises(Throttled, match="1/min is used up for 60 s") as caught:
                await pace.turn()
            assert caught.value.retry_after == 60.0
            assert caught.value.temporary

    asyncio.run(work())


# ── the transport ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_account_keeps_to_its_rate() -> None:
    clock = FakeClock()
    with ScriptedServer() as server:

        async def work() -> list[SendReport]:
            transport = SmtpTransport(account(server, rate="4/min"), clock=clock)
            reports = [await transport.deliver(letter(str(number))) for number in range(3)]
            await transport.aclose()
            return reports

        reports = asyncio.run(work())
        assert len(server.messages) == 3
    assert all(report.accepted for report in reports)
    assert clock.slept == [15.0, 15.0]


def test_what_comes_too_fast_is_refused_for_now() -> None:
    with ScriptedServer() as server:

        async def work() -> SendReport:
            limits = PoolLimits(connections=1, wait=10.0)
            transport = SmtpTransport(account(server, rate="1/min", limits=limits), clock=FakeClock())
            await transport.deliver(letter("one"))
            report = await transport.deliver(letter("two"))
            await transport.aclose()
            return report

        report = asyncio.run(work())
        assert len(server.messages) == 1
    assert isinstance(report.error, Throttled)
    assert report.error.retry_after == 60.0
    assert report.refused[0].temporary


class Standing(FakeClock):
    """A clock by which nobody who sleeps wakes up."""

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.Event().wait()


def test_closing_drops_those_who_wait() -> None:
    clock = Standing()

    async def work() -> SendReport:
        transport = SmtpTransport(Smtp("localhost", 1, rate=Rate(1, 60.0)), clock=clock)
        await transport.deliver(letter("one"))  # nobody listens there; its turn counts all the same
        waiting = transport.deliver(letter("two"))
        await let_others_run(3)
        await transport.aclose()
        return await waiting

    report = asyncio.run(work())
    assert clock.slept == [60.0]
    assert isinstance(report.error, Abandoned)


def test_who_is_cancelled_waits_no_longer() -> None:
    async def work() -> None:
        transport = SmtpTransport(Smtp("localhost", 1, rate="1/min"), clock=Standing())
        await transport.deliver(letter("one"))
        waiting = transport.deliver(letter("two"))
        await let_others_run(3)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await transport.aclose()

    asyncio.run(work())


@pytest.mark.parametrize(
    ("query", "rate"),
    [
        ("", None),
        ("?rate=100/min", Rate(100, 60.0)),
        ("?rate=100/min&burst=20", Rate(100, 60.0, burst=20)),
        ("?burst=20&rate=14/s", Rate(14, 1.0, burst=20)),
    ],
)
def test_a_url_says_the_rate(query: str, rate: Rate | None) -> None:
    transport = from_url(f"smtp://mail.example{query}")
    assert isinstance(transport, SmtpTransport)
    assert transport.settings.spacing == rate


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("rate=fast", "rate='fast' is no rate"),
        ("burst=2", "burst is given and rate is not"),
        ("rate=1/s&burst=0", "burst"),
    ],
)
def test_a_wrong_rate_is_named(query: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        from_url(f"smtp://mail.example?{query}")
