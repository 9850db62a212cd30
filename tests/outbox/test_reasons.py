"""The decision about reasons: facts in, a word and the next try out."""

from dataclasses import replace
from typing import Any

import pytest

from postroad.outbox.facts import Door, Facts, Hand, Learnt, Rested, Road
from postroad.outbox.reasons import why
from postroad.outbox.shaping.limits import Limits
from postroad.outbox.shaping.warm_up import DAY
from postroad.outbox.states import DeliveryState as State
from postroad.transport.gcra import Rate

NOW = 10 * DAY + 3600.0
FREE = Hand("w1")
READY = Facts(now=NOW, state=State.READY, due_at=NOW - 5, changed_at=NOW - 5, hands=(FREE,))
TONIGHT = 11.0 * DAY
SLOW = Learnt(NOW + 900, Limits(rate=Rate(1, 3600.0)), "rule slow", "421 too many")
FEW = Learnt(NOW + 900, Limits(connections=1), "rule few", "421 too many")


def door(**more: Any) -> Door:
    usual: dict[str, Any] = {
        "scope": "site", "key": "b.example", "limits": "no limit", "inside": 0, "waiting": 0, "why": None,
        "opens_at": None, "ceiling": None,
    }  # fmt: skip
    return Door(**(usual | more))


def behind(**more: Any) -> tuple[Hand, ...]:
    return (Hand("w1", doors=(door(**more),)),)


def rest(until: float | None, scope: str = "site") -> Rested:
    return Rested(scope, "b.example", until, "ann", "moving")


FAULT = Hand("w2", fault=Rested("route", "smtp://relay", NOW + 300, "worker", "535 no"))
KEPT_OUT = Hand("w3", roads=(Road("smtp://one", NOW + 20, "refused"),))
RATE = {"limits": "60/min", "why": "rate", "opens_at": NOW + 7}
FULL = {"limits": "2 connections", "why": "connections", "inside": 2}
USED_UP = {"why": "allowance", "opens_at": TONIGHT, "ceiling": 50}


@pytest.mark.parametrize(
    ("more", "word", "next_try"),
    [
        ({}, "due", NOW),
        ({"hands": ()}, "no_worker", None),
        ({"expires_at": NOW - 1}, "expired", None),
        ({"expires_at": NOW - 1, "hands": (), "rests": (rest(None),)}, "expired", None),
        ({"listed": "complaint", "rests": (rest(None),)}, "suppressed", None),
        ({"rests": (rest(None),)}, "paused", None),
        ({"rests": (rest(NOW + 60), rest(NOW + 90, "domain"))}, "paused", NOW + 90),
        ({"rests": (rest(NOW + 60),), "hands": ()}, "paused", NOW + 60),
        ({"rests_of_others": (rest(NOW + 60),), "due_at": NOW + 30}, "paused", NOW + 60),
        ({"rests": (rest(NOW + 60),), "due_at": NOW + 90, "state": State.SCHEDULED}, "scheduled", NOW + 90),
        ({"due_at": NOW + 90, "attempts": 1, "reply": "450 later", "phase": "rcpt"}, "retry", NOW + 90),
        ({"due_at": NOW + 90, "attempts": 2, "reply": "MX: timeout", "phase": "dns"}, "dns_trouble", NOW + 90),
        ({"due_at": NOW + 90}, "retry", NOW + 90),
        ({"due_at": NOW + 90, "attempts": 1, "hands": ()}, "retry", NOW + 90),
        ({"due_at": NOW + 90, "attempts": 1, "phase": "connect", "hands": (KEPT_OUT,)}, "breaker_open", NOW + 90),
        ({"due_at": NOW + 90, "attempts": 1, "phase": "rcpt", "hands": (KEPT_OUT,)}, "retry", NOW + 90),
        ({"hands": (FAULT,)}, "route_suspended", NOW + 300),
        ({"hands": (FAULT, FREE)}, "due", NOW),
        ({"hands": (FAULT, *behind(**RATE))}, "limit_rate", NOW + 7),
        ({"hands": (Hand("w1", rests=(rest(NOW + 60, "account"),)),)}, "paused", NOW + 60),
        ({"hands": behind(**RATE)}, "limit_rate", NOW + 7),
        ({"hands": behind(**RATE | {"opens_at": NOW - 1})}, "due", NOW),
        ({"hands": behind(**RATE | {"opens_at": NOW - 1, "waiting": 3})}, "limit_rate", NOW),
        ({"hands": behind(**RATE | {"limits": "1/h"}, learnt=SLOW)}, "override", NOW + 7),
        ({"hands": behind(**RATE | {"limits": "1/day"}, learnt=SLOW)}, "limit_rate", NOW + 7),
        ({"hands": behind(**FULL)}, "limit_connections", None),
        ({"hands": behind(**FULL | {"limits": "1 connection"}, learnt=FEW)}, "override", None),
        ({"hands": behind(**FULL, learnt=SLOW)}, "limit_connections", None),
        ({"hands": behind(why="share")}, "share", None),
        ({"hands": behind(**USED_UP)}, "warm_up", TONIGHT),
        ({"hands": behind(**USED_UP), "due_at": TONIGHT + 0.02}, "warm_up", TONIGHT + 0.02),
        ({"hands": behind(**USED_UP, limits="5/s, 50 a day")}, "allowance", TONIGHT),
        ({"hands": behind(**USED_UP | {"opens_at": NOW - 1})}, "due", NOW),
        ({"state": State.LEASED, "owner": FREE}, "leased", None),
        ({"state": State.LEASED, "owner": FREE, "flying_since": NOW}, "in_flight", None),
        ({"state": State.LEASED, "owner": behind(**RATE, inside=1, ahead=1)[0]}, "limit_rate", NOW + 7),
        ({"state": State.LEASED, "owner": behind(**RATE, inside=1, ahead=0)[0]}, "leased", None),
        ({"state": State.LEASED, "owner": FREE._replace(alive=False)}, "leased", None),
        ({"state": State.LEASED, "owner": FREE._replace(alive=False), "hands": ()}, "no_worker", None),
        ({"state": State.LEASED, "hands": ()}, "no_worker", None),
        ({"state": State.HELD, "rests": (rest(None),)}, "held", None),
        ({"state": State.UNCERTAIN}, "uncertain", None),
        ({"state": State.SENT}, "sent", None),
        ({"state": State.SENT, "assumed": True}, "sent", None),
        ({"state": State.REFUSED}, "refused", None),
        ({"state": State.REFUSED, "phase": "rcpt", "reply": "550 5.1.2 relay says so"}, "refused", None),
        ({"state": State.REFUSED, "phase": "dns", "reply": "556 5.1.10 receives no mail"}, "null_mx", None),
        ({"state": State.REFUSED, "phase": "dns", "reply": "550 5.4.4 no exchanger"}, "no_mx", None),
        ({"state": State.REFUSED, "phase": "dns", "reply": "550 5.1.2 no such domain"}, "no_mx", None),
        ({"state": State.REFUSED, "phase": "dns", "reply": "550 5.4.6 would come back"}, "refused", None),
        ({"state": State.REFUSED, "phase": "dns", "reply": ""}, "refused", None),
        ({"state": State.EXPIRED}, "expired", None),
        ({"state": State.SUPPRESSED, "listed": "complaint"}, "suppressed", None),
        ({"state": State.CANCELLED}, "cancelled", None),
    ],
)
def test_the_reason_and_the_next_try(more: dict[str, Any], word: str, next_try: float | None) -> None:
    said = why(replace(READY, **more))
    assert (said.reason, said.next_try) == (word, next_try)
    assert said.sentence[0].isupper()
    assert said.sentence.endswith(".")
    assert ".." not in said.sentence


def test_what_else_is_so_is_said_beside_it() -> None:
    said = why(replace(READY, rests=(rest(NOW + 7200),), expires_at=NOW + 60, hands=()))
    assert "No worker runs now." in said.sentence
    assert "It expires before that" in said.sentence
    assert "3 of its lane are before it" in why(replace(READY, before=3)).sentence
    assert "No worker runs now." in why(replace(READY, expires_at=NOW, hands=())).sentence
    part = why(replace(READY, hands=(behind(**RATE, scope="account")[0]._replace(alone=False),)))
    assert "(one worker's part)" in part.sentence


@pytest.mark.parametrize(
    ("limits", "inside", "said"),
    [
        ("1 connection", 1, "at its limit of 1 connection;"),
        ("2 connections, 60/min", 5, "at its limit of 2 connections;"),
        ("60/min", 1, "at its limit of 1 connection;"),
        ("no limit", 3, "at its limit of 3 connections;"),
    ],
)
def test_the_limit_of_connections_is_named_and_not_what_is_inside(limits: str, inside: int, said: str) -> None:
    hands = behind(**FULL | {"limits": limits, "inside": inside})
    assert said in why(replace(READY, hands=hands)).sentence


@pytest.mark.parametrize(
    ("who", "said"),
    [("ann", "is paused by ann"), ("", "is paused until"), ("worker", "rests by"), ("rule a", "rests by")],
)
def test_only_what_somebody_has_paused_is_called_so(who: str, said: str) -> None:
    assert f"The site b.example {said}" in why(replace(READY, rests=(rest(NOW + 9)._replace(who=who),))).sentence
