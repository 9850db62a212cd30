"""What the pool does next, as tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.transport.smtp.pool_policy import PoolState, Wake, on_waiting, opening_failed_for_all, worn_out
from postroad.transport.smtp.settings import PoolLimits

LIMITS = PoolLimits(connections=3, messages=10, age=60.0)
CALM = PoolState(waiting=0, idle=0, woken=0, opening=0, members=0, proven=True, holding_back=False)


@pytest.mark.parametrize(
    ("changes", "wake"),
    [
        # nobody waits
        ({}, Wake.NOTHING),
        ({"idle": 2, "members": 2}, Wake.NOTHING),
        # somebody does
        ({"waiting": 1}, Wake.OPEN),
        ({"waiting": 1, "idle": 1, "members": 1}, Wake.IDLE_MEMBER),
        ({"waiting": 1, "idle": 1, "members": 2, "opening": 1}, Wake.IDLE_MEMBER),  # idle is quicker than opening
        ({"waiting": 1, "members": 2}, Wake.OPEN),
        ({"waiting": 9, "members": 3}, Wake.NOTHING),  # the cap
        ({"waiting": 9, "members": 3, "idle": 1}, Wake.IDLE_MEMBER),
        # and is being served already
        ({"waiting": 1, "woken": 1, "members": 1}, Wake.NOTHING),
        ({"waiting": 1, "woken": 1, "idle": 1, "members": 2}, Wake.NOTHING),
        ({"waiting": 1, "opening": 1, "members": 1}, Wake.NOTHING),
        ({"waiting": 2, "opening": 1, "members": 1}, Wake.OPEN),
        ({"waiting": 2, "woken": 1, "opening": 1, "members": 2}, Wake.NOTHING),
        # five connections with a wrong password are five failed log-ins
        ({"waiting": 5, "opening": 1, "members": 1, "proven": False}, Wake.NOTHING),
        ({"waiting": 5, "proven": False}, Wake.OPEN),
        # the server refused one more a moment ago
        ({"waiting": 5, "members": 1, "holding_back": True}, Wake.NOTHING),
        ({"waiting": 5, "members": 1, "idle": 1, "holding_back": True}, Wake.IDLE_MEMBER),
        ({"waiting": 5, "holding_back": True}, Wake.OPEN),  # but nobody is left to serve them
    ],
)
def test_on_waiting(changes: dict[str, int], wake: Wake) -> None:
    assert on_waiting(CALM._replace(**changes), LIMITS.connections) is wake  # type: ignore[arg-type]  # a table of some fields


@given(
    st.builds(
        PoolState,
        waiting=st.integers(0, 9),
        idle=st.integers(0, 3),
        woken=st.integers(0, 3),
        opening=st.integers(0, 3),
        members=st.integers(0, 3),
        proven=st.booleans(),
        holding_back=st.booleans(),
        leaving=st.just(0),
    ).filter(lambda state: state.idle + state.woken + state.opening <= state.members)
)
def test_whoever_waits_is_served_and_the_cap_holds(state: PoolState) -> None:
    wake = on_waiting(state, LIMITS.connections)
    if wake is Wake.OPEN:
        assert state.waiting
        assert state.members < LIMITS.connections
        assert not state.idle
    if wake is Wake.IDLE_MEMBER:
        assert state.idle
    if wake is Wake.NOTHING and state.waiting:
        assert state.members, "nothing would ever happen"


@pytest.mark.parametrize(
    ("served", "age", "worn"),
    [(0, 0.0, False), (9, 59.9, False), (10, 0.0, True), (1, 60.0, True), (0, 60.0, False)],
)
def test_worn_out(served: int, age: float, worn: bool) -> None:
    assert worn_out(served, age, LIMITS.messages, LIMITS.age) is worn


def test_one_failed_opening_is_the_end_only_when_no_connection_is_left() -> None:
    assert opening_failed_for_all(CALM)
    assert not opening_failed_for_all(CALM._replace(members=1))
