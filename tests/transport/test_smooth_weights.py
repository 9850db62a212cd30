"""Turns by weight: exact shares, no bursts, no chance."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from postroad.transport.smooth_weights import SmoothWeights


def turns(weights: list[int], count: int) -> list[int]:
    smooth = SmoothWeights(weights)
    return [smooth.next(range(len(weights))) for _ in range(count)]


def test_it_goes_round_evenly() -> None:
    assert turns([1, 1, 1], 6) == [0, 1, 2, 0, 1, 2]
    assert turns([5, 1, 1], 7) == [0, 0, 1, 0, 2, 0, 0]


@given(st.lists(st.integers(1, 30), min_size=1, max_size=5))
def test_a_round_has_exact_shares(weights: list[int]) -> None:
    assert Counter(turns(weights, 2 * sum(weights))) == {index: 2 * weight for index, weight in enumerate(weights)}


def test_who_was_away_does_not_catch_up() -> None:
    smooth = SmoothWeights([1, 1])
    assert [smooth.next([1]) for _ in range(5)] == [1] * 5
    assert sorted(smooth.next([0, 1]) for _ in range(4)) == [0, 0, 1, 1]
