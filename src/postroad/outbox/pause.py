"""Pausing a domain, a site or a stream, and resuming it: nothing of it is tried meanwhile, and nothing is lost.

A pause is a row that every claim and every flight record looks at, so it holds at once and in every process. It costs
no attempts; what waits goes on waiting, and has expired if its time is used up by the end of the pause.
"""

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from postroad.address import Address
from postroad.errors import AddressError, ConfigurationError
from postroad.events import EventKind
from postroad.outbox.job import Moment, read_moment
from postroad.outbox.record import ADD_EVENTS
from postroad.outbox.shaping.limits import Scope
from postroad.outbox.stream import checked_name
from postroad.outbox.suspend import Suspension, suspended, unsuspend, write_suspension

NO_DELIVERY: Final = 0  # what stands in the event log where an event concerns no recipient in particular
MAX_WORDS: Final = 500  # characters of who and why; ours


class Target(NamedTuple):
    """What is paused or resumed."""

    scope: str
    key: str


class Pause(NamedTuple):
    """A wish that something rests. Times are seconds since the epoch."""

    target: Target
    since: float
    until: float | None
    who: str
    why: str


class Resume(NamedTuple):
    """A wish that something goes on."""

    target: Target
    now: float


def read_target(domain: str | None, site: str | None, stream: str | None) -> Target:
    """What a caller wants paused or resumed.

    Raises:
        ConfigurationError: not exactly one thing is named, or there can be none of that name.
    """
    named = [
        (scope, key)
        for scope, key in ((Scope.DOMAIN, domain), (Scope.SITE, site), (Scope.STREAM, stream))
        if key is not None
    ]
    if len(named) != 1:
        raise ConfigurationError("pause and resume take one of domain, site and stream", setting="domain")
    scope, key = named[0]
    return Target(scope, _stream_name(key) if scope == Scope.STREAM else _domain_name(key, scope))


def _stream_name(name: str) -> str:
    return checked_name(name)


def _domain_name(name: str, scope: str) -> str:
    try:
        return Address(f"postmaster@{name.removeprefix('@')}").domain
    except AddressError as fault:
        raise ConfigurationError(f"{scope}: {fault.message}", setting=scope) from fault


def read_pause(target: Target, until: Moment | None, who: str, why: str, now: float) -> Pause:
    """A wish to pause, checked.

    Raises:
        ConfigurationError: the pause would end before it begins, or its words are too long or not printable.
        MessageError: ``until`` is no time.
    """
    end = read_moment(until, "until", now)
    if end is not None and end <= now:
        raise ConfigurationError("until: lies in the past", setting="until")
    for name, words in (("who", who), ("why", why)):
        if len(words) > MAX_WORDS or not words.isprintable():
            raise ConfigurationError(f"{name}: at most {MAX_WORDS} printable characters", setting=name)
    return Pause(target, now, end, who, why)


def pause(connection: Connection, wishes: Sequence[Pause]) -> list[Suspension | Exception]:
    """Have things rest; who pauses again what rests already says anew until when, and why."""
    return [_pause(connection, wish) for wish in wishes]


def _pause(connection: Connection, wish: Pause) -> Suspension:
    write_suspension(connection, *wish.target, wish.since, wish.until, wish.who, wish.why)
    _say(connection, EventKind.PAUSED, wish.since, wish.target, until=wish.until, who=wish.who, why=wish.why)
    now_resting = suspended(connection, *wish.target)
    assert now_resting is not None
    return now_resting


def resume(connection: Connection, wishes: Sequence[Resume]) -> list[Suspension | Exception | None]:
    """Have things go on; what rested, ``None`` where nothing did."""
    return [_resume(connection, wish) for wish in wishes]


def _resume(connection: Connection, wish: Resume) -> Suspension | None:
    rested = suspended(connection, *wish.target)
    if rested is not None:
        unsuspend(connection, *wish.target)
        _say(connection, EventKind.RESUMED, wish.now, wish.target)
    return rested


def _say(connection: Connection, kind: EventKind, at: float, target: Target, **more: Any) -> None:
    detail = {"scope": target.scope, "key": target.key} | {name: value for name, value in more.items() if value}
    ADD_EVENTS.run(connection, [(NO_DELIVERY, kind.value, at, json.dumps(detail))])
