"""The states of a key: which moves there are, and what is done next."""

import pytest

from postroad.errors import ConfigurationError
from postroad.mailauth.dkim.keys import KeyKind
from postroad.mailauth.dkim.rotation import MOVES, Action, KeptKey, KeyState, Pace, Seen, Step, next_steps

DAY = 86_400.0
NOW = 1000 * DAY
PACE = Pace()


def key(state: KeyState, days: float, selector: str = "s1") -> KeptKey:
    """A key that has been in this state for so many days."""
    return KeptKey("acme.example", selector, KeyKind.RSA, state, NOW - days * DAY)


def steps(*keys: KeptKey, seen: Seen = Seen.THERE, renew_now: bool = False) -> list[tuple[Action, KeyState | None]]:
    found = next_steps(keys, {one.selector: seen for one in keys}, NOW, PACE, renew_now=renew_now)
    return [(step.action, step.state) for step in found]


ACTIVE = key(KeyState.ACTIVE, 10, "s0")
MOVE, WAIT, PUBLISH, MAKE, REVOKE = Action.MOVE, Action.WAIT, Action.PUBLISH, Action.MAKE, Action.REVOKE


@pytest.mark.parametrize(
    ("of", "days", "seen", "expected"),
    [
        (KeyState.NEW, 0, Seen.OTHER, (PUBLISH, None)),
        (KeyState.NEW, 0, Seen.UNKNOWN, (WAIT, None)),
        (KeyState.NEW, 0, Seen.THERE, (MOVE, KeyState.PUBLISHED)),
        (KeyState.PUBLISHED, 0.9, Seen.THERE, (WAIT, None)),
        (KeyState.PUBLISHED, 1, Seen.THERE, (MOVE, KeyState.ACTIVE)),
        (KeyState.PUBLISHED, 1, Seen.UNKNOWN, (WAIT, None)),
        (KeyState.PUBLISHED, 1, Seen.OTHER, (MOVE, KeyState.NEW)),
        (KeyState.RETIRING, 13, Seen.THERE, (WAIT, None)),
        (KeyState.RETIRING, 14, Seen.THERE, (MOVE, KeyState.REVOKED)),
        (KeyState.REVOKED, 0, Seen.THERE, (REVOKE, None)),
    ],
)  # fmt: skip
def test_a_key_beside_an_active_one(
    of: KeyState, days: float, seen: Seen, expected: tuple[Action, KeyState | None]
) -> None:
    found = next_steps([ACTIVE, key(of, days)], {"s0": Seen.THERE, "s1": seen}, NOW, PACE)
    assert [(step.action, step.state) for step in found] == [expected]


def test_a_revoked_key_whose_record_says_so_is_done() -> None:
    assert next_steps([ACTIVE, key(KeyState.REVOKED, 0)], {"s0": Seen.THERE, "s1": Seen.REVOKED}, NOW, PACE) == ()


def test_the_first_key_signs_as_soon_as_it_is_seen() -> None:
    assert steps() == [(MAKE, None)]
    assert steps(key(KeyState.PUBLISHED, 0)) == [(MOVE, KeyState.ACTIVE)]


def test_an_active_key_is_left_alone_until_it_is_old() -> None:
    assert steps(key(KeyState.ACTIVE, 179)) == []
    assert steps(key(KeyState.ACTIVE, 180)) == [(MAKE, None)]
    assert steps(key(KeyState.ACTIVE, 1), renew_now=True) == [(MAKE, None)]
    # None is made while one is on its way.
    assert steps(key(KeyState.ACTIVE, 180, "s0"), key(KeyState.NEW, 0), seen=Seen.OTHER, renew_now=True) == [
        (PUBLISH, None), (PUBLISH, None),
    ]  # fmt: skip


def test_the_younger_of_two_active_keys_takes_over() -> None:
    old, new = key(KeyState.ACTIVE, 180, "s0"), key(KeyState.ACTIVE, 0)
    found = next_steps([old, new], {"s0": Seen.THERE, "s1": Seen.THERE}, NOW, PACE)
    assert found == (Step(MOVE, old, KeyState.RETIRING),)


def test_an_active_key_without_its_record_is_told_of() -> None:
    assert steps(key(KeyState.ACTIVE, 1), seen=Seen.OTHER) == [(PUBLISH, None)]
    assert steps(key(KeyState.ACTIVE, 1), seen=Seen.UNKNOWN) == []


@pytest.mark.parametrize("state", [KeyState.PUBLISHED, KeyState.ACTIVE, KeyState.RETIRING])
def test_a_key_whose_record_is_revoked_is_revoked(state: KeyState) -> None:  # RFC 6376 §3.6.1, p=
    found = next_steps([ACTIVE, key(state, 1)], {"s0": Seen.THERE, "s1": Seen.REVOKED}, NOW, PACE)
    assert found == (Step(MOVE, key(state, 1), KeyState.REVOKED),)


def test_after_the_only_key_that_signs_was_revoked_the_next_one_is_made() -> None:
    assert steps(key(KeyState.ACTIVE, 1), seen=Seen.REVOKED) == [(MOVE, KeyState.REVOKED), (MAKE, None)]


def test_a_new_key_is_not_taken_for_revoked() -> None:
    # A domain that sends no mail may have a wildcard: *._domainkey IN TXT "v=DKIM1; p=".
    assert steps(key(KeyState.NEW, 0), seen=Seen.REVOKED) == [(PUBLISH, None)]


def test_every_move_is_made_by_some_step_or_by_people() -> None:
    made = {
        (state, step.state)
        for state in KeyState
        for seen in Seen
        for days in (0, 200)
        for others in ((), (ACTIVE,))
        for step in next_steps([*others, key(state, days)], {"s0": Seen.THERE, "s1": seen}, NOW, PACE)
        if step.action is MOVE
    }
    assert made | {(KeyState.NEW, KeyState.REVOKED)} == {
        (state, to) for state, states in MOVES.items() for to in states
    }


def test_there_is_no_way_back_from_revoked() -> None:
    assert MOVES[KeyState.REVOKED] == frozenset()
    assert set(MOVES) == set(KeyState)
    for state in KeyState:
        with pytest.raises(ConfigurationError, match="s1 is revoked, and cannot become"):
            key(KeyState.REVOKED, 0).moved(state, NOW)


def test_a_move_is_dated() -> None:
    assert key(KeyState.NEW, 5).moved(KeyState.PUBLISHED, NOW) == key(KeyState.PUBLISHED, 0)
