"""Whose turn it is: priorities, sites in turn, gates, and nobody left behind."""

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from postroad.outbox.shaping.dispatcher import Dispatcher, Entry
from postroad.outbox.shaping.gate import Gate
from postroad.outbox.shaping.limits import Limits
from postroad.transport.gcra import Rate

URGENT, BULK = 10, 20


class Gates(dict[str, Gate]):
    """The gates of sites, made when they are asked for."""

    def __missing__(self, site: str) -> Gate:
        return self.setdefault(site, Gate())


def entry(item: str, site: str, priority: int = URGENT, stream: str = "s", cost: float = 1.0) -> Entry[str]:
    return Entry(item, site, priority, stream, cost)


def order(dispatcher: Dispatcher[str], now: float = 0.0, most: int = 1000) -> list[str]:
    taken: list[str] = []
    while len(taken) < most and (turn := dispatcher.next(now)).entry is not None:
        taken.append(turn.entry.item)
        dispatcher.leave(turn.entry)
    return taken


def filled(gates: Gates, *entries: Entry[str]) -> Dispatcher[str]:
    dispatcher: Dispatcher[str] = Dispatcher(lambda site: gates[site])
    for one in entries:
        dispatcher.add(one)
    return dispatcher


def test_sites_take_turns_however_much_waits_for_one() -> None:
    dispatcher = filled(Gates(), *(entry("a", "a") for _ in range(50)), *(entry("b", "b") for _ in range(3)))
    assert order(dispatcher, most=6) == ["a", "b"] * 3


def test_urgent_mail_goes_first_and_one_turn_in_ten_is_for_the_rest() -> None:
    dispatcher = filled(
        Gates(), *(entry("bulk", "a", BULK) for _ in range(50)), *(entry("urgent", "b") for _ in range(50))
    )
    assert order(dispatcher, most=20) == [*["urgent"] * 9, "bulk"] * 2


def test_inside_a_site_too_one_turn_in_ten_is_for_the_less_urgent() -> None:
    gates = Gates(a=Gate(Limits(rate=Rate(1))))
    dispatcher = filled(
        gates, *(entry("bulk", "a", BULK) for _ in range(50)), *(entry("urgent", "a") for _ in range(50))
    )
    taken = [name for second in range(40) for name in order(dispatcher, float(second))]
    assert Counter(taken) == {"urgent": 36, "bulk": 4}


def test_streams_of_a_site_take_turns() -> None:
    dispatcher = filled(
        Gates(),
        *(entry("one", "a", BULK, "one") for _ in range(50)),
        *(entry("two", "a", BULK, "two") for _ in range(9)),
    )
    assert Counter(order(dispatcher, most=18)) == {"one": 9, "two": 9}


def test_a_large_message_spends_the_turns_of_its_site() -> None:
    dispatcher = filled(
        Gates(), *(entry("large", "a", cost=4.0) for _ in range(20)), *(entry("small", "b") for _ in range(80))
    )
    taken = Counter(order(dispatcher, most=50))
    assert taken["small"] == 4 * taken["large"]


def test_a_shut_gate_stops_its_site_and_nobody_else() -> None:
    gates = Gates(a=Gate(Limits(connections=1)))
    dispatcher = filled(gates, entry("a1", "a"), entry("a2", "a"), entry("b", "b"))
    first = dispatcher.next(0.0).entry
    assert first is not None
    assert first.item == "a1"
    assert order(dispatcher) == ["b"]
    assert dispatcher.next(0.0).again_at == math.inf
    dispatcher.leave(first)
    assert order(dispatcher) == ["a2"]


def test_a_rate_says_when_the_next_may_go() -> None:
    gates = Gates(a=Gate(Limits(rate=Rate(60, 60.0))))
    dispatcher = filled(gates, entry("1", "a"), entry("2", "a"))
    assert order(dispatcher, 100.0) == ["1"]
    assert dispatcher.next(100.0).again_at == 101.0
    assert order(dispatcher, 100.9) == []
    assert order(dispatcher, 101.0) == ["2"]


def test_a_stream_at_its_limit_holds_up_neither_other_streams_nor_other_priorities() -> None:
    slow = Gate(Limits(rate=Rate(1, 3600.0)))
    dispatcher: Dispatcher[str] = Dispatcher(Gates().__getitem__)
    for number in range(3):
        dispatcher.add(Entry(f"slow{number}", "a", BULK, "slow", 1.0, (slow,)))
        dispatcher.add(entry(f"free{number}", "a", BULK, "free"))
        dispatcher.add(entry(f"urgent{number}", "a"))
    taken = order(dispatcher)
    assert set(taken) == {"urgent0", "urgent1", "urgent2", "free0", "free1", "free2", "slow0"}
    assert dispatcher.next(0.0).again_at == 3600.0
    dispatcher.add(entry("free3", "a", BULK, "free"))  # comes while the others stand aside
    assert order(dispatcher) == ["free3"]
    assert order(dispatcher, 3600.0) == ["slow1"]


def test_what_is_not_wanted_is_withdrawn_and_the_rest_stays() -> None:
    dispatcher = filled(Gates(), entry("1", "a"), entry("2", "b"), entry("3", "a"))
    assert {one.item for one in dispatcher.withdraw(lambda one: one.site == "a")} == {"1", "3"}
    assert len(dispatcher) == 1
    assert dispatcher.waiting_for("b", 10) == 1
    assert order(dispatcher) == ["2"]
    assert len(dispatcher) == 0


Steps = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from((URGENT, BULK)),
        st.sampled_from("xy"),
        st.floats(0.0, 5.0),
        st.booleans(),
    ),
    max_size=60,
)


@given(Steps, st.integers(1, 3), st.integers(1, 5))
def test_no_limit_is_exceeded_and_everybody_goes_in_the_end(
    steps: list[tuple[str, int, str, float, bool]], connections: int, rate: int
) -> None:
    gates = Gates(a=Gate(Limits(connections=connections)), b=Gate(Limits(rate=Rate(rate, 10.0))))
    stream = Gate(Limits(rate=Rate(rate, 5.0)))
    dispatcher: Dispatcher[str] = Dispatcher(lambda site: gates[site])
    now, gone, inside = 0.0, list[tuple[float, Entry[str]]](), list[Entry[str]]()
    for site, priority, name, pause, leaves in steps:
        dispatcher.add(Entry(site, site, priority, name, 1.0, (stream,) if name == "y" else ()))
        now += pause
        if leaves and inside:
            dispatcher.leave(inside.pop())
        while (turn := dispatcher.next(now)).entry is not None:
            gone.append((now, turn.entry))
            inside.append(turn.entry)
        assert sum(one.site == "a" for one in inside) <= connections
    while len(dispatcher):
        for one in inside:
            dispatcher.leave(one)
        inside.clear()
        turn = dispatcher.next(now)
        if turn.entry is None:
            assert now < turn.again_at < math.inf
            now = turn.again_at
            continue
        gone.append((now, turn.entry))
        inside.append(turn.entry)
    assert len(gone) == len(steps)
    for window, counted in (
        (10.0, [at for at, one in gone if one.site == "b"]),
        (5.0, [at for at, one in gone if one.gates]),
    ):
        for first in counted:
            assert sum(first <= at < first + window * 0.999999 for at in counted) <= rate


def test_a_clock_that_was_set_back_keeps_nobody_aside() -> None:
    dispatcher = filled(Gates(a=Gate(Limits(rate=Rate(1)))), *(entry(f"{number}", "a") for number in range(3)))
    assert order(dispatcher, 100_000.0) == ["0"]
    assert order(dispatcher, 10_000.0) == []
    assert order(dispatcher, 10_001.0) == ["1"]
    assert order(dispatcher, 10_002.0) == ["2"]
