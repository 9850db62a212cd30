"""From one key to the next: the states of a key, and what is to be done next (RFC 6376 §3.1, §3.6.1).

::

    new        made; its record is not seen in the DNS yet
    published  its record is seen; it does not sign until everybody can see it
    active     it signs
    retiring   it signs no more; its record stays for mail that is on its way
    revoked    its record says so (p= is empty), and the private key is gone

A key whose record was there and is revoked now (§3.6.1, p=) is revoked, and the next one is made. A new key is not: a
wildcard may say of every name that it is revoked.

A domain has one active key of a kind. The next one takes over when its record was seen for a day, because a resolver
may have been told, and may remember for that long, that there is no such record. The old record stays for two weeks:
mail is tried for five days (RFC 5321 §4.5.4.1), and then lies unread.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import Final

from postroad.errors import ConfigurationError
from postroad.mailauth.dkim.keys import KeyKind

_DAY: Final = 86_400.0  # seconds


class KeyState(StrEnum):
    """Where a key stands."""

    NEW = "new"
    PUBLISHED = "published"
    ACTIVE = "active"
    RETIRING = "retiring"
    REVOKED = "revoked"


MOVES: Final[Mapping[KeyState, frozenset[KeyState]]] = {
    KeyState.NEW: frozenset({KeyState.PUBLISHED, KeyState.REVOKED}),
    KeyState.PUBLISHED: frozenset({KeyState.NEW, KeyState.ACTIVE, KeyState.REVOKED}),
    KeyState.ACTIVE: frozenset({KeyState.RETIRING, KeyState.REVOKED}),
    KeyState.RETIRING: frozenset({KeyState.REVOKED}),
    KeyState.REVOKED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A key of a domain; ``since`` is when it came into its state, in seconds since the epoch."""

    domain: str
    selector: str
    kind: KeyKind
    state: KeyState
    since: float

    def moved(self, state: KeyState, at: float) -> "KeptKey":
        """The same key in another state.

        Raises:
            ConfigurationError: no way leads there.
        """
        if state not in MOVES[self.state]:
            raise ConfigurationError(f"state: {self.selector} is {self.state}, and cannot become {state}")
        return replace(self, state=state, since=at)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a state lasts at the least, in seconds."""

    publish: float = _DAY  # before a key signs: the longest that "no such name" is usually kept (RFC 2308 §5)
    retire: float = 14 * _DAY
    renew: float = 180 * _DAY  # that a key signs


class Action(Enum):
    """What is to be done with a key, or for a domain."""

    MAKE = "make"  # a new key
    PUBLISH = "publish"  # its record, which is not seen
    MOVE = "move"
    WAIT = "wait"
    REVOKE = "revoke"  # its record is to be replaced, which is not seen


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do; ``key`` is ``None`` for a key that is to be made. ``until`` is in seconds since the epoch."""

    action: Action
    key: KeptKey | None = None
    state: KeyState | None = None
    until: float | None = None


class Seen(Enum):
    """What stands in the DNS where a key's record belongs."""

    THERE = "there"
    REVOKED = "revoked"
    OTHER = "other"  # nothing, or something else
    UNKNOWN = "unknown"  # nobody answered


def next_steps(
    keys: Iterable[KeptKey], seen: Mapping[str, Seen], now: float, pace: Pace, *, renew_now: bool = False
) -> tuple[Step, ...]:
    """What is to be done for the keys of one domain and kind; ``seen`` is by selector.

    ``renew_now`` makes a key although the active one is not old. A key is made, moved or published one state a time,
    so whoever does the steps asks again until only ``WAIT``, ``PUBLISH`` and ``REVOKE`` are left.
    """
    all_ = tuple(keys)
    active = [key for key in all_ if key.state is KeyState.ACTIVE and seen.get(key.selector) is not Seen.REVOKED]
    steps = [step for key in all_ if (step := _step(key, seen.get(key.selector, Seen.UNKNOWN), active, now, pace))]
    coming = any(key.state in (KeyState.NEW, KeyState.PUBLISHED) for key in all_)
    due = renew_now or not active or all(now - key.since >= pace.renew for key in active)
    if due and not coming:
        steps.append(Step(Action.MAKE))
    return tuple(steps)


_PUBLISHED_ONCE: Final = frozenset({KeyState.PUBLISHED, KeyState.ACTIVE, KeyState.RETIRING})


def _step(key: KeptKey, seen: Seen, active: list[KeptKey], now: float, pace: Pace) -> Step | None:
    if seen is Seen.REVOKED and key.state in _PUBLISHED_ONCE:
        return Step(Action.MOVE, key, KeyState.REVOKED)
    match key.state:
        case KeyState.NEW:
            if seen is Seen.THERE:
                return Step(Action.MOVE, key, KeyState.PUBLISHED)
            return Step(Action.WAIT, key) if seen is Seen.UNKNOWN else Step(Action.PUBLISH, key)
        case KeyState.PUBLISHED:
            return _published(key, seen, active, now, pace)
        case KeyState.ACTIVE:
            return _active(key, seen, active)
        case KeyState.RETIRING:
            ends = key.since + pace.retire
            return Step(Action.MOVE, key, KeyState.REVOKED) if now >= ends else Step(Action.WAIT, key, until=ends)
        case KeyState.REVOKED:
            return Step(Action.REVOKE, key) if seen is Seen.THERE else None


def _published(key: KeptKey, seen: Seen, active: list[KeptKey], now: float, pace: Pace) -> Step:
    if seen is Seen.OTHER:
        return Step(Action.MOVE, key, KeyState.NEW)
    # The first key has nobody whose mail could fail meanwhile: whoever signs nothing loses nothing.
    ends = key.since + pace.publish if active else key.since
    if seen is Seen.THERE and now >= ends:
        return Step(Action.MOVE, key, KeyState.ACTIVE)
    return Step(Action.WAIT, key, until=ends)


def _active(key: KeptKey, seen: Seen, active: list[KeptKey]) -> Step | None:
    if any(other.since > key.since for other in active):  # a younger one has taken over
        return Step(Action.MOVE, key, KeyState.RETIRING)
    return Step(Action.PUBLISH, key) if seen is Seen.OTHER else None
