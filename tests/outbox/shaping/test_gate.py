"""A gate: connections, rates, a day's allowance."""

import math

from postroad.outbox.shaping.gate import Gate
from postroad.outbox.shaping.limits import Limits
from postroad.outbox.shaping.warm_up import DAY
from postroad.transport.gcra import Rate


def test_a_slower_rate_that_has_ended_holds_nobody_up() -> None:
    gate = Gate(Limits(rate=Rate(100)))
    gate.hold_to(Limits(rate=Rate(1, 3600.0)), 0.0)
    gate.enter(0.0)
    assert gate.opens(1.0) == 3600.0
    gate.hold_to(Limits(rate=Rate(100)), 1.0)
    assert gate.opens(1.0) <= 1.01


def test_room_is_what_may_go_soon_less_what_is_at_hand() -> None:
    assert Gate().room(0.0, 5.0, 0) == math.inf
    gate = Gate(Limits(rate=Rate(2)))
    assert gate.room(0.0, 5.0, 0) == 11
    assert gate.room(0.0, 5.0, 4) == 7
    gate.shut = True
    assert gate.room(0.0, 5.0, 0) == 0
    assert Gate(Limits(connections=3)).room(0.0, 5.0, 0) == 12


def test_a_days_allowance_is_asked_for_and_used_up() -> None:
    gate, day = Gate(), 20_000
    gate.counted = True
    gate.begin_day(day)
    now = day * DAY + 10.0
    assert gate.opens(now) == math.inf  # until something is granted
    assert gate.asks(2)
    assert not gate.asks(2)  # asked already
    gate.grant(2, day)
    for _ in range(2):
        assert gate.opens(now) == now
        gate.enter(now)
        gate.inside -= 1
    assert gate.opens(now) == math.inf
    assert gate.asks(2)
    gate.grant(0, day)
    assert gate.opens(now) == (day + 1) * DAY
    gate.begin_day(day + 1)
    assert gate.asks(2)
    gate.grant(5, day)  # an answer of yesterday
    assert gate.granted == 0


def test_a_clock_that_was_set_back_holds_nobody_up() -> None:
    gate = Gate(Limits(rate=Rate(60, 60.0, burst=2)))
    gate.enter(100_000.0)
    gate.enter(100_000.0)
    assert gate.opens(10_000.0) == 10_001.0
    assert gate.opens(10_000.5) == 10_001.0  # it comes nearer
    gate.enter(10_001.0)
    assert gate.opens(10_001.0) == 10_002.0


def test_of_two_rates_the_slower_holds_with_the_smaller_burst() -> None:
    both = Limits(rate=Rate(10, 1.0)).and_also(Limits(rate=Rate(1, 1.0, burst=100)))
    assert both == Limits(rate=Rate(1, 1.0, burst=1))
