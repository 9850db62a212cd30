"""The table of legal moves, looked at from every side."""

from itertools import product

import pytest

from postroad.outbox.states import EVENTS, FINAL, MOVES, DeliveryState, IllegalMove, Move, after, allowed, state_at

S, M = DeliveryState, Move

# Written out a second time, by the words of the specification, so that a slip in the table is seen here.
LEGAL = {
    S.SCHEDULED: {
        M.CLAIM: S.LEASED,
        M.EXPIRE: S.EXPIRED,
        M.CANCEL: S.CANCELLED,
        M.HOLD: S.HELD,
        M.SUPPRESS: S.SUPPRESSED,
    },
    S.READY: {
        M.CLAIM: S.LEASED,
        M.EXPIRE: S.EXPIRED,
        M.CANCEL: S.CANCELLED,
        M.TRY_AGAIN: S.READY,
        M.HOLD: S.HELD,
        M.SUPPRESS: S.SUPPRESSED,
    },
    S.LEASED: {
        M.GIVE_BACK: S.READY,
        M.DEFER: S.READY,
        M.SUCCEED: S.SENT,
        M.REFUSE: S.REFUSED,
        M.EXPIRE: S.EXPIRED,
        M.LOSE_SIGHT: S.UNCERTAIN,
        M.CANCEL: S.CANCELLED,
        M.HOLD: S.HELD,
        M.SUPPRESS: S.SUPPRESSED,
    },
    S.HELD: {
        M.EXPIRE: S.EXPIRED,
        M.CANCEL: S.CANCELLED,
        M.TRY_AGAIN: S.READY,
        M.RELEASE: S.READY,
        M.RELEASE_UNTIL_DUE: S.SCHEDULED,
        M.SUPPRESS: S.SUPPRESSED,
    },
    S.UNCERTAIN: {
        M.TRY_AGAIN: S.READY,
        M.ASSUME_SENT: S.SENT,
        M.SUCCEED: S.SENT,
        M.REFUSE: S.REFUSED,
        M.DEFER: S.READY,
        M.CANCEL: S.CANCELLED,
    },
}


@pytest.mark.parametrize(("state", "move"), list(product(DeliveryState, Move)), ids=lambda one: one.value)
def test_every_pair_of_state_and_move(state: DeliveryState, move: Move) -> None:
    target = LEGAL.get(state, {}).get(move)
    assert allowed(state, move) == (target is not None)
    if target is not None:
        assert after(state, move) is target
    else:
        with pytest.raises(IllegalMove, match=f"{state} cannot {move.value}"):
            after(state, move)


def test_nothing_leads_out_of_a_final_state() -> None:
    assert {S.SENT, S.REFUSED, S.EXPIRED, S.SUPPRESSED, S.CANCELLED} == FINAL
    assert not any(allowed(state, move) for state, move in product(FINAL, Move))
    assert all(state.final == (state in FINAL) for state in DeliveryState)


def test_every_state_that_is_not_final_can_end() -> None:
    def can_end(state: DeliveryState, seen: frozenset[DeliveryState]) -> bool:
        targets = {target for (source, _), target in MOVES.items() if source is state} - seen
        return any(target.final or can_end(target, seen | {target}) for target in targets)

    assert all(can_end(state, frozenset({state})) for state in DeliveryState if not state.final)


def test_an_uncertain_delivery_never_expires_and_a_held_one_does() -> None:
    assert not allowed(S.UNCERTAIN, M.EXPIRE)
    assert allowed(S.HELD, M.EXPIRE)


def test_every_move_that_people_should_hear_of_has_an_event() -> None:
    assert set(Move) - set(EVENTS) == {M.CLAIM, M.GIVE_BACK}


def test_time_alone_makes_the_scheduled_ready() -> None:
    assert state_at(S.SCHEDULED, 100.0, 99.9) is S.SCHEDULED
    assert state_at(S.SCHEDULED, 100.0, 100.0) is S.READY
    assert all(state_at(state, 100.0, 200.0) is state for state in DeliveryState if state is not S.SCHEDULED)


def test_a_state_equals_its_text() -> None:
    assert str(S.SENT) == "sent"
    assert {"sent": 1}[S.SENT] == 1
