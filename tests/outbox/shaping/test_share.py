"""Dividing a limit between workers that come and go: the parts together never exceed it."""

from hypothesis import given
from hypothesis import strategies as st

from postroad.outbox.shaping.limits import Limits
from postroad.outbox.shaping.share import NOTHING_YET, Share
from postroad.transport.gcra import Rate


@given(st.integers(1, 40), st.lists(st.sampled_from("abcdef"), unique=True, max_size=6), st.data())
def test_the_parts_never_exceed_the_whole(limit: int, joining: list[str], data: st.DataObject) -> None:
    """As the workers do it: whoever has less to use says so before anybody uses more."""
    kept: dict[str, int] = {}
    using: dict[str, int] = {}
    for _ in range(40):
        here = [name for name in joining if name in kept]
        what = data.draw(st.sampled_from(["join", "leave", "ask", "ask", "ask"]))
        if what == "join" and len(here) < len(joining):
            kept[next(name for name in joining if name not in kept)] = 0
        elif what == "leave" and here:
            gone = data.draw(st.sampled_from(here))
            del kept[gone]
            using.pop(gone, None)
        elif here:
            name = data.draw(st.sampled_from(here))
            if name in using and using[name] <= Share.among(name, kept.items()).number(limit):
                kept[name] = max(kept[name], len(kept))
            part = Share.among(name, kept.items())
            if part.useful and (kept[name] == 0 or kept[name] > part.of):
                kept[name] = part.of
            using[name] = part.number(limit)
        assert sum(using.values()) <= limit


def test_all_of_it_is_used_once_everybody_has_settled() -> None:
    divisors = [("a", 3), ("b", 3), ("c", 3)]
    assert [Share.among(name, divisors).number(10) for name, _ in divisors] == [4, 3, 3]
    part = Share.among("a", divisors).part(Limits(connections=10, rate=Rate(90, 60.0), messages_per_connection=7))
    assert part == Limits(connections=4, rate=Rate(30, 60.0), messages_per_connection=7)


def test_a_rate_that_cannot_be_divided_evenly_is_kept_to_all_the_same() -> None:
    divisors = [("a", 3), ("b", 3), ("c", 3)]
    shares = [Share.among(name, divisors) for name, _ in divisors]
    assert [share.rate(Rate(5, 2.0, burst=6)) for share in shares] == [
        Rate(2, 2.0, burst=2),
        Rate(2, 2.0, burst=2),
        Rate(1, 2.0, burst=2),
    ]
    assert [share.part(Limits(rate=Rate(1, 60.0))) for share in shares] == [Limits(rate=Rate(1, 60.0)), None, None]


def test_a_newcomer_waits_until_the_others_keep_to_less() -> None:
    assert Share.among("b", [("a", 1), ("b", 0)]).part(Limits(connections=10)) is None
    assert Share.among("b", [("a", 1), ("b", 0)]).part(Limits(rate=Rate(10))) is None
    assert Share.among("b", [("a", 2), ("b", 0)]).part(Limits(connections=10)) == Limits(connections=5)


def test_a_limit_below_the_number_of_workers_leaves_some_out() -> None:
    divisors = [("a", 2), ("b", 2)]
    assert Share.among("a", divisors).part(Limits(connections=1)) == Limits(connections=1)
    assert Share.among("b", divisors).part(Limits(connections=1)) is None


def test_who_is_alone_has_all() -> None:
    limits = Limits(connections=3, rate=Rate(5))
    assert Share.among("a", [("a", 0)]).part(limits) == limits


def test_one_that_has_not_heard_of_the_others_uses_nothing() -> None:
    assert NOTHING_YET.part(Limits(connections=10)) is None
    assert NOTHING_YET.part(Limits(rate=Rate(10))) is None
