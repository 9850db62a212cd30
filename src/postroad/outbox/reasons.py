"""Why a delivery is where it is: facts in, a reason and the next try out. Pure.

Rules of this file:

1. What became of a delivery, and what somebody has to decide, is said first; nothing else matters then.
2. A leased one waits only for its own worker: it is being tried, or in hand until a limit lets it go.
3. One that waits may be kept by several things at once. The reason is the one that keeps it longest; of equals, the
   first of ``OBSTACLES``. What ends when something happens that nobody can date (a free connection) counts as ending
   now, what somebody has to end counts as endless.
4. Of several workers it takes one that can; if none can now, the reason is that of the one that can first.
"""

import math
from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple

from postroad.clock import as_datetime
from postroad.outbox.facts import Door, Facts, Hand, Rested
from postroad.outbox.shaping.limits import Limits, Scope
from postroad.outbox.shaping.warm_up import DAY
from postroad.outbox.states import DeliveryState

CLOSE: Final = 60.0  # seconds: what is due so soon after a day's end was put off until that
_OPENING: Final = ("connect", "tls", "greeting", "ehlo")
_DNS: Final = "dns"  # the phase


class Reason(StrEnum):
    """Why, in one stable word."""

    SENT = "sent"
    REFUSED = "refused"
    NO_MX = "no_mx"
    NULL_MX = "null_mx"
    EXPIRED = "expired"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    HELD = "held"
    UNCERTAIN = "uncertain"
    IN_FLIGHT = "in_flight"
    LEASED = "leased"
    PAUSED = "paused"
    ROUTE_SUSPENDED = "route_suspended"
    BREAKER_OPEN = "breaker_open"
    NO_WORKER = "no_worker"
    WARM_UP = "warm_up"
    ALLOWANCE = "allowance"
    SHARE = "share"
    OVERRIDE = "override"
    LIMIT_RATE = "limit_rate"
    LIMIT_CONNECTIONS = "limit_connections"
    SCHEDULED = "scheduled"
    RETRY = "retry"
    DNS_TROUBLE = "dns_trouble"
    DUE = "due"


class Why(NamedTuple):
    """A reason, one plain sentence, and when it is tried next; ``None``: that is not a matter of time."""

    reason: Reason
    sentence: str
    next_try: float | None


class Obstacle(NamedTuple):
    """What keeps a delivery, and until when: infinity if somebody must end it, ``now`` if it cannot be dated."""

    reason: Reason
    sentence: str
    ends: float
    next_try: float | None


def why(facts: Facts) -> Why:
    """The reason for where a delivery is."""
    settled = _SETTLED.get(facts.state)
    if settled is not None:
        return settled(facts)
    return _leased(facts) if facts.state is DeliveryState.LEASED else _waiting(facts)


def at(seconds: float) -> str:
    """A time in a sentence."""
    return f"{as_datetime(seconds):%Y-%m-%d %H:%M:%SZ}"


# ── what is settled ───────────────────────────────────────────────────────────────────────────────────────────────────


def _sent(facts: Facts) -> Why:
    if facts.assumed:
        sentence = f"It counts as sent since {at(facts.changed_at)} by its stream's policy; no answer is on record."
        return Why(Reason.SENT, sentence, None)
    return Why(Reason.SENT, f"The next server took it at {at(facts.changed_at)}{_quoted(facts.reply)}.", None)


def _refused(facts: Facts) -> Why:
    nowhere = _NOWHERE.get(facts.reply.split(" ")[1]) if facts.phase == _DNS and " " in facts.reply else None
    reason = nowhere or Reason.REFUSED
    return Why(reason, f"It was refused for good at {at(facts.changed_at)}{_quoted(facts.reply)}.", None)


# What the enhanced code says of a domain that nobody receives for (RFC 7505 §4, RFC 3463 §3).
_NOWHERE: Final = {"5.1.10": Reason.NULL_MX, "5.1.2": Reason.NO_MX, "5.4.4": Reason.NO_MX}


def _expired(facts: Facts) -> Why:
    last = _quoted(facts.reply, "; the last answer was ") or "; nobody had answered"
    return Why(Reason.EXPIRED, f"Its time was used up at {at(facts.changed_at)}{last}.", None)


def _suppressed(facts: Facts) -> Why:
    because = f" ({facts.listed})" if facts.listed else ""
    return Why(Reason.SUPPRESSED, f"Its recipient was on the suppression list{because}; it was not sent.", None)


def _cancelled(facts: Facts) -> Why:
    return Why(Reason.CANCELLED, f"Somebody took it back at {at(facts.changed_at)}.", None)


def _held(facts: Facts) -> Why:
    end = f"; it expires at {at(facts.expires_at)}" if facts.expires_at is not None else ""
    return Why(Reason.HELD, f"Somebody set it aside at {at(facts.changed_at)} and has to release it{end}.", None)


def _uncertain(facts: Facts) -> Why:
    sentence = (
        f"The final dot may have been out at {at(facts.changed_at)} and no answer is on record; the policy of its "
        f"stream is {facts.policy}, so somebody has to decide: retry or cancel it."
    )
    return Why(Reason.UNCERTAIN, sentence, None)


_S = DeliveryState
_SETTLED: Final[dict[DeliveryState, Callable[[Facts], Why]]] = {
    _S.SENT: _sent,
    _S.REFUSED: _refused,
    _S.EXPIRED: _expired,
    _S.SUPPRESSED: _suppressed,
    _S.CANCELLED: _cancelled,
    _S.HELD: _held,
    _S.UNCERTAIN: _uncertain,
}


# ── what is leased ────────────────────────────────────────────────────────────────────────────────────────────────────


def _leased(facts: Facts) -> Why:
    hand = facts.owner
    name = "a worker that is gone" if hand is None else f"worker {hand.name}"
    if facts.flying_since is not None:
        since = at(facts.flying_since)
        return Why(Reason.IN_FLIGHT, f"Its final dot may be out since {since}; {name} waits for the answer.", None)
    if hand is None or not hand.alive:
        return _left_behind(facts, name)
    kept = [one for door in hand.doors if door.ahead >= door.inside and (one := _at_door(facts, hand, door))]
    if kept:
        first = max(kept, key=lambda one: one.ends)
        return Why(first.reason, f"{first.sentence} It is in the hands of {name}.", first.next_try)
    return Why(Reason.LEASED, f"{name.capitalize()} has it since {at(facts.changed_at)} and is trying it.", None)


def _left_behind(facts: Facts, name: str) -> Why:
    if not facts.hands:
        return Why(Reason.NO_WORKER, f"It was with {name}, which is dead, and no other worker runs.", None)
    sentence = f"{name.capitalize()} has it since {at(facts.changed_at)} and is silent; another one will take it over."
    return Why(Reason.LEASED, sentence, None)


# ── what waits ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _waiting(facts: Facts) -> Why:
    if facts.listed is not None:
        sentence = f"Its recipient is on the suppression list ({facts.listed}): it ends when a worker takes it."
        return Why(Reason.SUPPRESSED, sentence, None)
    if facts.expires_at is not None and facts.expires_at <= facts.now:
        sentence = f"Its time was used up at {at(facts.expires_at)}: it ends when a worker takes it."
        return Why(Reason.EXPIRED, f"{sentence}{_unheard(facts)}", None)
    found = [one for each in OBSTACLES if (one := each(facts)) is not None]
    if not found:
        return Why(Reason.DUE, f"It is due, and its turn comes next{_in_line(facts)}.", facts.now)
    longest = max(found, key=lambda one: one.ends)
    return Why(longest.reason, f"{longest.sentence}{_besides(facts, longest)}", longest.next_try)


def _in_line(facts: Facts) -> str:
    return f"; {facts.before} of its lane {'is' if facts.before == 1 else 'are'} before it" if facts.before else ""


def _besides(facts: Facts, longest: Obstacle) -> str:
    said = "" if longest.reason is Reason.NO_WORKER else _unheard(facts)
    if facts.expires_at is not None and longest.ends > facts.expires_at > facts.now:
        said += f" It expires before that, at {at(facts.expires_at)}."
    return said


def _unheard(facts: Facts) -> str:
    return "" if facts.hands else " No worker runs now."


def _paused(facts: Facts) -> Obstacle | None:
    return _longest_rest(facts.rests)


def _with_others(facts: Facts) -> Obstacle | None:
    rest = _longest_rest(facts.rests_of_others)
    if rest is None:
        return None
    together = "By this route it goes to all of its recipients at once, and it waits for the others."
    return rest._replace(sentence=f"{together} {rest.sentence}")


def _longest_rest(rests: tuple[Rested, ...]) -> Obstacle | None:
    if not rests:
        return None
    rest = max(rests, key=lambda one: math.inf if one.until is None else one.until)
    who = f" by {rest.who}" if rest.who else ""
    end = "until somebody resumes it" if rest.until is None else f"until {at(rest.until)}"
    verb = "rests" if rest.who == "worker" or rest.who.startswith("rule ") else "is paused"  # nobody has paused it
    sentence = f"The {rest.scope} {rest.key} {verb}{who} {end}{_quoted(rest.why)}."
    return Obstacle(Reason.PAUSED, sentence, math.inf if rest.until is None else rest.until, rest.until)


def _nobody(facts: Facts) -> Obstacle | None:
    if facts.hands or facts.due_at > facts.now:  # what is due later waits for its time first
        return None
    return Obstacle(Reason.NO_WORKER, "It is due, and no worker runs: start `postroad worker`.", facts.now, None)


def _no_hand_free(facts: Facts) -> Obstacle | None:
    """Every worker is kept from it: what keeps the first that will be free."""
    kept: list[Obstacle] = []
    for hand in facts.hands:
        obstacle = _of_hand(facts, hand)
        if obstacle is None:
            return None
        kept.append(obstacle)
    return min(kept, key=lambda one: one.ends, default=None)


def _of_hand(facts: Facts, hand: Hand) -> Obstacle | None:
    found = [_longest_rest(hand.rests), _faulty(hand), *(_at_door(facts, hand, door) for door in hand.doors)]
    return max((one for one in found if one is not None), key=lambda one: one.ends, default=None)


def _faulty(hand: Hand) -> Obstacle | None:
    if hand.fault is None:
        return None
    until = math.inf if hand.fault.until is None else hand.fault.until
    end = "" if hand.fault.until is None else f" and rests until {at(until)}"
    sentence = f"The route {hand.fault.key} is at fault{end}{_quoted(hand.fault.why)}."
    return Obstacle(Reason.ROUTE_SUSPENDED, sentence, until, hand.fault.until)


def _later(facts: Facts) -> Obstacle | None:
    if facts.due_at <= facts.now:
        return None
    when = at(facts.due_at)
    if facts.state is _S.SCHEDULED:
        reason, sentence = Reason.SCHEDULED, f"It is to be sent at {when}, not before."
    elif facts.phase in _OPENING and (kept_out := _all_kept_out(facts)):
        reason, sentence = Reason.BREAKER_OPEN, f"Every road of the route is kept out ({kept_out}); next try at {when}."
    elif facts.attempts:
        tries = "once" if facts.attempts == 1 else f"{facts.attempts} times"
        dns = facts.phase == _DNS
        reason, trouble = (Reason.DNS_TROUBLE, ", and there is trouble with the DNS") if dns else (Reason.RETRY, "")
        sentence = f"It was tried {tries}{trouble}{_quoted(facts.reply)}; next try at {when}."
    else:
        reason, sentence = Reason.RETRY, f"It was given back untried, and is due again at {when}."
    return Obstacle(reason, sentence, facts.due_at, facts.due_at)


def _all_kept_out(facts: Facts) -> str:
    roads = [road for hand in facts.hands for road in hand.roads]
    if not roads or any(road.until is None for road in roads):
        return ""
    return ", ".join(f"{road.route}: {road.why}" for road in roads)


OBSTACLES: Final[tuple[Callable[[Facts], Obstacle | None], ...]] = (
    _paused,
    _with_others,
    _nobody,
    _no_hand_free,
    _later,
)


# ── gates ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _at_door(facts: Facts, hand: Hand, door: Door) -> Obstacle | None:
    named = f"the {door.scope} {door.key}"
    if door.why == "allowance":
        return _used_up(facts, door, named)
    if door.why == "share":
        sentence = f"Other workers use {named} now; worker {hand.name} waits for its part of it."
        return Obstacle(Reason.SHARE, sentence, facts.now, None)
    if door.why == "connections":
        return _limited(facts, hand, door, Reason.LIMIT_CONNECTIONS, None)
    shut = door.why == "rate" and door.opens_at is not None and door.opens_at > facts.now
    if shut or (door.waiting > 0 and _rate_of(door.limits)):  # more is at hand than it lets go at once
        return _limited(facts, hand, door, Reason.LIMIT_RATE, max(door.opens_at or facts.now, facts.now))
    return None


def _used_up(facts: Facts, door: Door, named: str) -> Obstacle | None:
    end = door.opens_at if door.opens_at is not None else facts.now // DAY * DAY + DAY
    if end <= facts.now:
        return None  # told on an earlier day
    ends = facts.due_at if 0 <= facts.due_at - end < CLOSE else end
    if f"{door.ceiling} a day" in door.limits.split(", "):
        sentence = f"What {named} may send a day ({door.ceiling}) is used up until {at(end)}."
        return Obstacle(Reason.ALLOWANCE, sentence, ends, ends)
    sentence = f"{named[0].upper()}{named[1:]} is warmed up: today's {door.ceiling} are used up until {at(end)}."
    return Obstacle(Reason.WARM_UP, sentence, ends, ends)


def _limited(facts: Facts, hand: Hand, door: Door, reason: Reason, opens: float | None) -> Obstacle:
    then = "it goes when one of them is through" if opens is None else f"the next may go at {at(opens)}"
    ends = facts.now if opens is None else opens
    named = f"the {door.scope} {door.key}"
    part = "" if hand.alone or door.scope not in (Scope.ACCOUNT, Scope.STREAM) else " (one worker's part)"
    learnt = door.learnt
    if learnt is not None and _by_learnt(hand, door, learnt.limits, reason):
        sentence = (
            f"{named[0].upper()}{named[1:]} is held to {learnt.limits}{part} until {at(learnt.until)} "
            f"by {learnt.who or 'somebody'}{_quoted(learnt.why)}; {then}."
        )
        return Obstacle(Reason.OVERRIDE, sentence, ends, opens)
    limit = _rate_of(door.limits) if reason is Reason.LIMIT_RATE else _connections(door)
    return Obstacle(reason, f"{named[0].upper()}{named[1:]} is at its limit of {limit}{part}; {then}.", ends, opens)


def _connections(door: Door) -> str:
    """The limit; of what has none, as many as it has shown that it bears."""
    number = connections_of(door.limits) or door.inside
    return "1 connection" if number == 1 else f"{number} connections"


def _by_learnt(hand: Hand, door: Door, limits: Limits, reason: Reason) -> bool:
    """Whether it is the override that holds it back, and not a rule that is stricter still."""
    if reason is Reason.LIMIT_RATE:
        return limits.rate is not None and (str(limits.rate) == _rate_of(door.limits) or not hand.alone)
    return limits.connections is not None and (limits.connections == connections_of(door.limits) or not hand.alone)


def _rate_of(limits: str) -> str:
    """The rate of messages among limits in their text form."""
    return next((one for one in limits.split(", ") if "/" in one and not one.endswith(" new connections")), "")


def connections_of(limits: str) -> int | None:
    """The connections among limits in their text form."""
    first, _, word = limits.split(", ", maxsplit=1)[0].partition(" ")
    return int(first) if word in ("connection", "connections") else None


def _quoted(words: str, before: str = ": ") -> str:
    return f"{before}{words.rstrip('.')}" if words else ""
