"""What is made of replies and of trouble with connections, on a clock that costs no time."""

from collections import Counter

import pytest

from postroad.address import Address
from postroad.errors import Throttled
from postroad.outbox.destination import Destinations
from postroad.outbox.override import Override
from postroad.outbox.shaping.hearing import Measure
from postroad.outbox.shaping.limits import Limits, Scope
from postroad.outbox.shaping.rules import NO_RULES
from postroad.outbox.shaping.rules_file import rules_in
from postroad.outbox.shaping.shaper import Road, Shaper
from postroad.outbox.stream import Stream
from postroad.outcome import Outcome, Result, SendReport, failed
from postroad.reply import Code, Phase, Reply
from postroad.testing import SimulatedProvider, Traffic, simulate
from postroad.transport.gcra import Rate
from tests.fakes import middle

RULES = rules_in(
    b"""
[[reply]]
id = "too-many"
code = 421
text = 'too many'
example = "421 too many connections"
for = "10min"
halve = true
""",
    "own rules",
)
BOB = Address("bob@b.example")


def too_many() -> SendReport:
    reply = Reply(Code(421), ("too many connections",))
    return failed((BOB,), Throttled("too many", reply=reply, phase=Phase.GREETING))


def heard(shaper: Shaper, at: float) -> Measure:
    """What follows from a refusal of a message that was begun just then; it holds from then on."""
    (measure,) = shaper.hear(BOB.domain, too_many(), at, at)
    assert measure.limits is not None
    override = Override(*measure[:4], measure.limits, measure.who, measure.why)
    shaper.learn([override], at)
    return measure


def test_what_comes_again_within_a_minute_makes_a_measure_no_longer() -> None:
    shaper = Shaper(RULES, Destinations(RULES), Road("direct", direct=True))
    assert heard(shaper, 1000.0).until == 1600.0
    for at in (1002.0, 1010.0, 1059.0):
        assert heard(shaper, at).until == at + 600.0
    assert heard(shaper, 1061.0).until == 1061.0 + 1200.0
    assert heard(shaper, 1100.0).until == 1061.0 + 1200.0
    assert heard(shaper, 1122.0).until == 1122.0 + 1200.0


@pytest.mark.parametrize("road", [Road("smtp://relay"), Road("direct", direct=True)], ids=["relay", "direct"])
def test_after_a_rest_one_try_finds_out_whether_it_works_again(road: Road) -> None:
    site, down = "b.example", 3000.0
    outcome = simulate(
        [Traffic(site, Stream("transactional"), 100)],
        [SimulatedProvider(site, outages=((0.0, down),))],
        chance=middle,
        limits=NO_RULES,
        road=road,
    )
    begun = Counter(one.began for delivery in outcome.deliveries for one in delivery.tries if one.began < down)
    rests = sorted(measure.until for measure in outcome.measures if measure.limits is None)
    assert rests
    assert {number for at, number in begun.items() if at >= rests[0]} == {1}
    assert {str(delivery.state) for delivery in outcome.deliveries} == {"sent"}


STRICT_THEN_MILD = rules_in(
    b"""
[[reply]]
id = "far-too-fast"
code = 421
text = 'far too fast'
example = "421 far too fast"
for = "60min"
rate = "1/min"

[[reply]]
id = "rather-fast"
code = 421
text = 'rather fast'
example = "421 rather fast"
for = "20min"
connections = 4
rate = "10/min"
burst = 5
""",
    "own rules",
)


def refused_with(*texts: str) -> SendReport:
    outcomes = [
        Outcome(Address(f"{number}@b.example"), Result.REFUSED, Phase.RCPT, Reply(Code(421), (text,)))
        for number, text in enumerate(texts)
    ]
    return SendReport(tuple(outcomes))


def learnt(shaper: Shaper, measure: Measure, at: float) -> None:
    assert measure.limits is not None
    shaper.learn([Override(*measure[:4], measure.limits, measure.who, measure.why)], at)


def test_a_milder_reply_takes_back_nothing_of_what_is_held() -> None:
    shaper = Shaper(STRICT_THEN_MILD, Destinations(STRICT_THEN_MILD), Road("direct", direct=True))
    (strict,) = shaper.hear(BOB.domain, refused_with("far too fast"), 1000.0, 1000.0)
    learnt(shaper, strict, 1000.0)
    (milder,) = shaper.hear(BOB.domain, refused_with("rather fast"), 1100.0, 1100.0)
    assert milder.limits == Limits(connections=4, rate=Rate(1, 60.0))
    assert milder.until == strict.until


def test_two_replies_to_one_message_hold_together() -> None:
    shaper = Shaper(STRICT_THEN_MILD, Destinations(STRICT_THEN_MILD), Road("direct", direct=True))
    (measure,) = shaper.hear(BOB.domain, refused_with("far too fast", "rather fast"), 1000.0, 1000.0)
    assert measure.limits == Limits(connections=4, rate=Rate(1, 60.0))
    assert measure.until == 1000.0 + 3600.0


def test_a_clock_that_was_set_back_makes_nobody_deaf() -> None:
    shaper = Shaper(RULES, Destinations(RULES), Road("direct", direct=True))
    heard(shaper, 100_000.0)
    shaper.learn([], 10_000.0)
    assert heard(shaper, 10_000.0).until == 10_600.0


def test_half_of_a_source_is_half_of_what_that_has() -> None:
    rules = rules_in(
        b"[[reply]]\nid = 'own'\ncode = 421\nexample = '421 x'\nfor = '10min'\nhalve = true\nscope = 'source'\n", "own"
    )
    shaper = Shaper(rules, Destinations(rules), Road("direct", direct=True, source="203.0.113.7"))
    shaper.gate((Scope.SOURCE, "203.0.113.7")).inside = 20
    shaper.site_gate(BOB.domain).inside = 2
    (measure,) = shaper.hear(BOB.domain, too_many(), 1000.0, 1000.0)
    assert measure.scope is Scope.SOURCE
    assert measure.limits == Limits(connections=10)


def test_a_measure_for_the_whole_of_a_direct_route_holds() -> None:
    rules = rules_in(
        b"[[reply]]\nid = 'own'\ncode = 421\nexample = '421 x'\nfor = '10min'\nconnections = 3\nscope = 'account'\n",
        "own",
    )
    shaper = Shaper(rules, Destinations(rules), Road("direct://", direct=True))
    (measure,) = shaper.hear(BOB.domain, too_many(), 1000.0, 1000.0)
    learnt(shaper, measure, 1000.0)
    assert shaper.gate((Scope.ACCOUNT, "direct://")).limits.connections == 3
