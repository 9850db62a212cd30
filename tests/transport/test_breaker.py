"""The circuit breaker: its table, and the time it keeps a road out."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import ConfigurationError
from postroad.transport.breaker import MOVES, Breaker, BreakerSettings, Move, Standing, Verdict

SETTINGS = BreakerSettings(failures=2, seconds=30.0, fault_seconds=600.0)
NOW = 1000.0
OPEN = Breaker(Standing.OPEN, 2, NOW, NOW + 30)


def after(breaker: Breaker, verdict: Verdict, at: float, began: float | None = None) -> Breaker:
    return breaker.after(verdict, at if began is None else began, at, SETTINGS)


def test_the_table_has_a_move_for_everything() -> None:
    assert set(MOVES) == {(standing, verdict) for standing in Standing for verdict in Verdict}
    assert set(MOVES.values()) == set(Move)


def test_failures_in_a_row_open_it() -> None:
    once = after(Breaker(), Verdict.DOWN, NOW)
    assert (once.standing, once.failures) == (Standing.CLOSED, 1)
    twice = after(once, Verdict.DOWN, NOW + 1)
    assert twice.standing is Standing.OPEN
    assert twice.until == NOW + 31
    assert not twice.admits(NOW + 30.9)
    assert twice.admits(NOW + 31)


def test_a_success_between_them_forgets_them() -> None:
    breaker = Breaker()
    for at, verdict in enumerate((Verdict.DOWN, Verdict.WORKS, Verdict.DOWN, Verdict.SILENT)):
        breaker = after(breaker, verdict, NOW + at)
    assert breaker.standing is Standing.CLOSED
    assert after(breaker, Verdict.DOWN, NOW + 9).standing is Standing.OPEN


def test_many_that_met_one_failure_are_one_failure() -> None:
    breaker = Breaker()
    for number in range(50):
        breaker = after(breaker, Verdict.DOWN, NOW + number / 100, began=NOW - 5)
    assert (breaker.standing, breaker.failures) == (Standing.CLOSED, 1)


def test_a_fault_opens_it_at_once_and_for_long() -> None:
    breaker = after(Breaker(), Verdict.FAULTY, NOW)
    assert breaker.standing is Standing.OPEN
    assert breaker.faulty
    assert breaker.until == NOW + 600


def test_one_probe_at_a_time() -> None:
    assert OPEN.entered(NOW + 29) is OPEN
    probed = OPEN.entered(NOW + 30)
    assert probed.standing is Standing.HALF_OPEN
    assert not probed.admits(NOW + 1000)


@pytest.mark.parametrize(
    ("verdict", "standing", "rest"),
    [
        (Verdict.WORKS, Standing.CLOSED, -math.inf),
        (Verdict.DOWN, Standing.OPEN, 30.0),
        (Verdict.FAULTY, Standing.OPEN, 600.0),
        (Verdict.SILENT, Standing.OPEN, 0.0),
    ],
)
def test_what_the_probe_shows(verdict: Verdict, standing: Standing, rest: float) -> None:
    shown = after(OPEN.entered(NOW + 30), verdict, NOW + 31, began=NOW + 30)
    assert shown.standing is standing
    assert shown.until == NOW + 31 + rest


@pytest.mark.parametrize("verdict", [Verdict.DOWN, Verdict.SILENT])
def test_old_news_changes_nothing(verdict: Verdict) -> None:
    probed = OPEN.entered(NOW + 30)
    assert after(probed, verdict, NOW + 31, began=NOW - 1) is probed
    assert after(OPEN, verdict, NOW + 5, began=NOW - 1) is OPEN


def test_an_old_success_is_a_success() -> None:
    assert after(OPEN, Verdict.WORKS, NOW + 5, began=NOW - 1).standing is Standing.CLOSED


def test_the_other_side_says_how_long() -> None:
    asked = Breaker().asked_to_wait(NOW, 7.0)
    assert not asked.admits(NOW + 6)
    assert asked.admits(NOW + 7)


@pytest.mark.parametrize("make", [lambda: BreakerSettings(failures=0), lambda: BreakerSettings(seconds=math.inf)])
def test_settings_are_above_zero(make: Callable[[], BreakerSettings]) -> None:
    with pytest.raises(ConfigurationError, match="must be above 0"):
        make()


@given(st.lists(st.tuples(st.sampled_from(Verdict), st.floats(0.0, 700.0)), max_size=40))
def test_whatever_happens_it_lets_somebody_try_again(story: list[tuple[Verdict, float]]) -> None:
    breaker, now = Breaker(), NOW
    for verdict, passed in story:
        now += passed
        breaker = breaker.entered(now).after(verdict, now, now, SETTINGS)
        assert breaker.standing is not Standing.HALF_OPEN, "its probe has ended"
        assert breaker.admits(now + SETTINGS.fault_seconds)
