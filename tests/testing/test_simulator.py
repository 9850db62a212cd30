"""A day of mixed traffic, and many small worlds, on the simulator: limits kept, nobody starved, retries on time."""

import random  # noqa: TID251 - seeded, so that what happened happens again
from collections.abc import Iterator
from datetime import date
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad import ConfigurationError
from postroad.outbox.shaping.in_force import laid_over, shipped_rules
from postroad.outbox.shaping.limits import Limits, Scope
from postroad.outbox.shaping.rules import NO_RULES, Rules, Site
from postroad.outbox.shaping.rules_file import rules_in
from postroad.outbox.shaping.warm_up import WarmUp
from postroad.outbox.states import DeliveryState
from postroad.outbox.stream import Stream, StreamKind
from postroad.retry import JITTER
from postroad.testing import Simulated, SimulatedPause, SimulatedProvider, Traffic, simulate
from postroad.testing.simulator_result import SimulatedDelivery
from postroad.transport.gcra import Rate

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0  # seconds
PASSWORDS, NEWS = Stream("passwords"), Stream("news", StreamKind.BULK)
A_TRY = 0.5  # seconds, as long as a provider is not said to be slower

# Ours keep rated.example below what it allows; busy.example allows as little, and nobody has told us.
RULES = b"""
[site."rated.example"]
rate = "30/min"

[site."narrow.example"]
connections = 2

[stream.news]
rate = "1200/min"

[[reply]]
id = "busy"
site = "busy.example"
code = 421
enhanced = "4.7.0"
for = "2h"
connections = 1
rate = "20/min"
"""
SOUND = tuple(f"sound{number}.example" for number in range(14))
OUTAGE = (2 * HOUR, 5 * HOUR)
PAUSE = SimulatedPause(Scope.SITE, "paused.example", 6 * HOUR, 8 * HOUR)
PROVIDERS = (
    SimulatedProvider("rated.example", rate=30),
    SimulatedProvider("busy.example", rate=30),
    SimulatedProvider("narrow.example", connections=2, latency=3.0),
    SimulatedProvider("down.example", outages=(OUTAGE,)),
    SimulatedProvider("greylisting.example", greylisting=5 * MINUTE, refuses=0.1),
    SimulatedProvider("paused.example"),
    *map(SimulatedProvider, SOUND),
)
SITES = tuple(provider.site for provider in PROVIDERS)
TRAFFIC = (
    *(Traffic(site, PASSWORDS, 60, 0.0, DAY) for site in SITES),
    *(Traffic(site, NEWS, 120, 2.1 * HOUR, 2 * MINUTE) for site in SITES),
    Traffic("down.example", Stream("codes"), 30, OUTAGE[0], HOUR, life=30 * MINUTE),
)


@cache
def day() -> Simulated:
    rules = laid_over(shipped_rules(), rules_in(RULES, "rules.toml"))
    return simulate(TRAFFIC, PROVIDERS, chance=random.Random(7).random, limits=rules, pauses=[PAUSE])


def between(times: tuple[float, ...], since: float, until: float) -> list[float]:
    return [time for time in times if since <= time < until]


def gaps(deliveries: tuple[SimulatedDelivery, ...]) -> Iterator[tuple[int, float]]:
    """The number of each failed try, from 1, and the seconds until the next one."""
    for delivery in deliveries:
        for number, (earlier, later) in enumerate(pairwise(delivery.tries), start=1):
            yield number, later.began - earlier.ended


def test_everybody_is_served_in_the_end() -> None:
    assert len(SITES) == 20
    states = {one.state for one in day().deliveries}
    assert states == {DeliveryState.SENT, DeliveryState.REFUSED, DeliveryState.EXPIRED}
    for tally in day().tallies:
        assert tally.left == 0
        if tally.site != "greylisting.example":
            assert tally.refused == 0
        if tally.stream != "codes":
            assert tally.sent + tally.refused == tally.messages


def test_no_limit_is_exceeded() -> None:
    assert day().most_within(MINUTE, site="rated.example") == 30
    assert all(each.code == 250 for one in day().of(site="rated.example") for each in one.tries)
    assert day().most_at_once(site="narrow.example") == 2
    assert day().most_within(MINUTE, stream="news") <= 1200
    assert day().most_at_once() <= 20


def test_a_site_that_says_421_is_slowed_down_and_gets_everything_more_slowly() -> None:
    measures = [one for one in day().measures if one.who == "rule busy"]
    first = measures[0]
    assert (first.scope, first.key, first.limits) == (
        Scope.SITE,
        "busy.example",
        Limits(connections=1, rate=Rate(20, 60)),
    )
    assert "Too many messages" in first.why
    # Where its minute was full when we slowed down, it says so a few times more; after that, never again.
    assert all(one.since < first.since + MINUTE for one in measures)
    settled = first.since + A_TRY  # what was under way then had set out before
    held = between(day().starts(site="busy.example"), settled, first.until)
    assert len(held) > 100
    assert all(later - earlier >= 3 - 1e-6 for earlier, later in pairwise(held))
    assert all(one.state is DeliveryState.SENT for one in day().of(site="busy.example"))


def test_no_site_is_starved_by_another() -> None:
    for site in SOUND:
        passwords, news = day().of(site=site, stream="passwords"), day().of(site=site, stream="news")
        assert max(one.waited for one in passwords) <= 5.0
        # 2,400 newsletters come within two minutes, and their stream may send 1,200 a minute.
        assert max(one.waited for one in news) <= 2 * MINUTE


def test_what_was_greylisted_is_tried_again_as_scheduled() -> None:
    found = list(gaps(day().of(site="greylisting.example", stream="passwords")))
    assert {number for number, _ in found} == {1, 2}
    for number, gap in found:
        delay = PASSWORDS.retries.delays[number - 1]
        assert delay * (1 - JITTER) <= gap <= delay * (1 + JITTER) + 2.0


def test_nothing_is_tried_sooner_than_scheduled() -> None:
    for number, gap in gaps(day().deliveries):
        assert gap >= PASSWORDS.retries.delays[number - 1] * (1 - JITTER) - 1e-6


def test_a_pause_costs_no_attempt() -> None:
    assert between(day().starts(site=PAUSE.key), PAUSE.since, PAUSE.until) == []
    passwords = day().of(site=PAUSE.key, stream="passwords")
    waited = [one for one in passwords if one.waited > MINUTE]
    assert len(waited) == 5  # of 60 a day, those of two hours
    assert all(len(one.tries) == 1 for one in passwords)


def test_a_site_that_is_down_rests_and_nothing_is_tried_meanwhile() -> None:
    rests = [one for one in day().measures if one.limits is None]
    assert {one.key for one in rests} == {"down.example"}
    under_way = 30.0  # seconds, of those that had set out when it began to rest
    starts = day().starts(site="down.example")
    assert all(between(starts, rest.since + 1e-6, rest.until) == [] for rest in rests)
    asleep = sum(rest.until - rest.since for rest in rests)
    assert asleep >= 0.8 * (OUTAGE[1] - rests[0].since - under_way)
    # 140 messages and more waited for three hours; each rest ends with a try or a few.
    during = between(starts, *OUTAGE)
    assert len(during) <= 100


def test_what_has_its_time_used_up_expires_then_and_is_not_tried_any_more() -> None:
    codes = day().of(stream="codes")
    assert {one.state for one in codes} == {DeliveryState.EXPIRED}
    for one in codes:
        assert one.took <= 30 * MINUTE
        assert all(each.began < one.arrived + 30 * MINUTE for each in one.tries)


def test_the_same_chance_makes_the_same_day() -> None:
    def brief() -> Simulated:
        traffic = [Traffic("ann.example", NEWS, 20), Traffic("bob.example", PASSWORDS, 20, 0.0, HOUR)]
        providers = [SimulatedProvider("ann.example", refuses=0.5, greylisting=90.0), SimulatedProvider("bob.example")]
        return simulate(traffic, providers, chance=random.Random(1).random)

    assert brief() == brief()


def test_the_tables_tell_what_came_of_it() -> None:
    lines = str(day()).splitlines()
    headings, first = lines[0].split(), lines[1].split()
    assert headings[:8] == ["site", "stream", "messages", "sent", "refused", "expired", "left", "tries"]
    assert first[:2] == ["busy.example", "news"]
    assert first[2:4] == ["120", "120"]
    assert any("site down.example" in line and "suspended" in line for line in lines)
    assert any("rule busy: 421 Too many messages from your address" in line for line in lines)


def test_a_days_allowance_is_kept_to_day_by_day() -> None:
    rules = Rules(sites={"slow.example": Site("slow.example", limits=Limits(per_day=10))})
    traffic = [Traffic("slow.example", NEWS, 25)]
    found = simulate(traffic, [SimulatedProvider("slow.example")], chance=random.Random(1).random, limits=rules)
    starts = found.starts()
    assert [len(between(starts, number * DAY, (number + 1) * DAY)) for number in range(3)] == [10, 10, 5]


def test_a_plan_of_warm_up_lets_more_through_day_by_day() -> None:
    plan = WarmUp(Scope.SENDER, "new.example", date(2026, 12, 2), ((1, 5), (2, 10)))
    traffic = [Traffic("slow.example", NEWS, 30, sender="new.example"), Traffic("slow.example", PASSWORDS, 3)]
    providers = [SimulatedProvider("slow.example")]
    chance, rules = random.Random(1).random, Rules(warm_ups=(plan,))
    found = simulate(traffic, providers, chance=chance, limits=rules, begins=date(2026, 12, 1))
    starts = found.starts(stream="news")
    assert [len(between(starts, number * DAY, (number + 1) * DAY)) for number in range(4)] == [0, 5, 10, 15]
    assert max(one.waited for one in found.of(stream="passwords")) == 0


@pytest.mark.parametrize(
    ("wrong", "setting"),
    [
        ({"rate": 0}, "rate"),
        ({"connections": 0}, "connections"),
        ({"latency": 0.0}, "latency"),
        ({"greylisting": -1.0}, "greylisting"),
        ({"refuses": 1.5}, "refuses"),
        ({"outages": ((5.0, 2.0),)}, "outages"),
    ],
)
def test_a_provider_that_cannot_be_is_refused(wrong: dict[str, object], setting: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SimulatedProvider("ann.example", **wrong)  # type: ignore[arg-type]  # wrong on purpose
    assert caught.value.setting == setting


def test_traffic_to_nobody_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"no provider for ann\.example"):
        simulate([Traffic("ann.example", NEWS, 1)], [], chance=random.Random(1).random)


# ── many small worlds ─────────────────────────────────────────────────────────────────────────────────────────────────

NAMES = ("ann.example", "bob.example", "eve.example")
RATES = st.none() | st.builds(Rate, st.integers(1, 30), st.just(MINUTE), st.integers(1, 3))
LIMITS = st.builds(Limits, connections=st.none() | st.integers(1, 3), rate=RATES)
SPANS = st.tuples(st.floats(0, 2 * DAY), st.floats(1, DAY)).map(lambda span: (span[0], span[0] + span[1]))


@st.composite
def providers(draw: st.DrawFn, site: str) -> SimulatedProvider:
    return SimulatedProvider(
        site,
        connections=draw(st.none() | st.integers(1, 4)),
        rate=draw(st.none() | st.integers(1, 30)),
        greylisting=draw(st.sampled_from((0.0, 30.0, HOUR))),
        outages=tuple(draw(st.lists(SPANS, max_size=2))),
        latency=draw(st.sampled_from((0.1, 1.0, 20.0))),
        refuses=draw(st.sampled_from((0.0, 0.3, 1.0))),
    )


TRAFFICS = st.builds(
    Traffic,
    st.sampled_from(NAMES),
    st.sampled_from((PASSWORDS, NEWS)),
    st.integers(1, 15),
    st.floats(0, DAY),
    st.sampled_from((0.0, MINUTE, DAY)),
    st.sampled_from((None, 1.0, HOUR, 2 * DAY)),
)
PAUSES = st.builds(
    lambda place, span: SimulatedPause(*place, *span),
    st.sampled_from(
        [(Scope.SITE, NAMES[0]), (Scope.DOMAIN, NAMES[1]), (Scope.STREAM, "news"), (Scope.ACCOUNT, "simulation")]
    ),
    SPANS,
)


def concerns(pause: SimulatedPause, delivery: SimulatedDelivery) -> bool:
    return pause.scope is Scope.ACCOUNT or pause.key in (delivery.site, delivery.domain, delivery.stream)


@given(
    st.tuples(*map(providers, NAMES)),
    st.tuples(LIMITS, LIMITS, LIMITS),
    LIMITS,
    st.lists(TRAFFICS, min_size=1, max_size=4),
    st.none() | PAUSES,
    st.integers(1, 20),
    st.integers(0, 1000),
)
def test_in_any_world_limits_are_kept_pauses_hold_and_everything_ends(
    world: tuple[SimulatedProvider, ...],
    limits: tuple[Limits, ...],
    news: Limits,
    traffic: list[Traffic],
    pause: SimulatedPause | None,
    concurrency: int,
    seed: int,
) -> None:
    sites = {name: Site(name, limits=one) for name, one in zip(NAMES, limits, strict=True)}
    rules = Rules(sites=sites, streams={"news": news}, replies=NO_RULES.replies)
    chance = random.Random(seed).random
    pauses = [] if pause is None else [pause]
    found = simulate(traffic, world, chance=chance, limits=rules, pauses=pauses, concurrency=concurrency)
    assert found.most_at_once() <= concurrency
    for name, one in zip(NAMES, limits, strict=True):
        _is_kept(one, found.most_within(MINUTE, site=name), found.most_at_once(site=name))
    _is_kept(news, found.most_within(MINUTE, stream="news"), found.most_at_once(stream="news"))
    for delivery in found.deliveries:
        assert delivery.state.final
        if pause is not None and concerns(pause, delivery):
            assert not any(pause.since <= each.began < pause.until for each in delivery.tries)
    for number, gap in gaps(found.deliveries):
        delays = NEWS.retries.delays
        assert gap >= delays[min(number, len(delays)) - 1] * (1 - JITTER) - 1e-6
    for rest in (one for one in found.measures if one.limits is None):
        assert between(found.starts(site=rest.key), rest.since + 1e-6, rest.until) == []


def _is_kept(limits: Limits, within_a_minute: int, at_once: int) -> None:
    assert limits.connections is None or at_once <= limits.connections
    assert limits.rate is None or within_a_minute <= limits.rate.messages + limits.rate.burst - 1


def test_what_has_expired_takes_no_turn_of_a_rate() -> None:
    rules = rules_in(b'[site."slow.example"]\nrate = "1/min"\n', "own rules")
    traffic = [
        Traffic("slow.example", PASSWORDS, 60, life=90.0),
        Traffic("slow.example", PASSWORDS, 1, since=100.0),
    ]
    found = simulate(traffic, [SimulatedProvider("slow.example")], limits=rules, chance=random.Random(1).random)
    (late,) = [one for one in found.deliveries if one.arrived == 100.0]
    assert late.state == DeliveryState.SENT
    assert late.ended_at is not None
    assert late.ended_at <= 100.0 + 2 * MINUTE


def test_what_cannot_be_is_refused_before_anything_happens() -> None:
    with pytest.raises(ConfigurationError, match="messages"):
        Traffic("a.example", PASSWORDS, -1)
    with pytest.raises(ConfigurationError, match="pause"):
        SimulatedPause(Scope.SITE, "a.example", 60.0, 30.0)
    twice = [SimulatedProvider("a.example"), SimulatedProvider("a.example")]
    with pytest.raises(ConfigurationError, match="two providers"):
        simulate([Traffic("a.example", PASSWORDS, 1)], twice, chance=random.Random(1).random)
