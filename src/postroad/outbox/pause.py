"""Pausing a domain, site, stream, account or source: nothing of it is tried until it is resumed, and nothing is lost.

A pause is a row that every claim and every flight record looks at, so it holds at once and in every process. It costs
no attempts; what waits goes on waiting, and has expired if its time is used up by the end of the pause.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from postroad.address import normal_domain
from postroad.errors import AddressError, ConfigurationError
from postroad.events import EventKind
from postroad.outbox.job import Moment, read_moment
from postroad.outbox.record import ADD_EVENTS
from postroad.outbox.rest_names import remark, site_meant
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


class Named(NamedTuple):
    """What a caller names; one of them is given."""

    domain: str | None = None
    site: str | None = None
    stream: str | None = None
    account: str | None = None
    source: str | None = None


def read_target(named: Named) -> Target:
    """What a caller wants paused or resumed.

    Raises:
        ConfigurationError: not exactly one thing is named, or there can be none of that name.
    """
    given = [(Scope(scope), key) for scope, key in named._asdict().items() if key is not None]
    if len(given) != 1:
        sentence = "pause and resume take one of domain, site, stream, account and source"
        raise ConfigurationError(sentence, setting="domain")
    scope, key = given[0]
    return Target(scope, _READ[scope](key, scope))


def _stream_name(name: str, _scope: str) -> str:
    return checked_name(name)


def _domain_name(name: str, scope: str) -> str:
    try:
        return normal_domain(name)
    except AddressError as fault:
        raise ConfigurationError(f"{scope}: {fault.message}", setting=scope) from fault


def _site_name(name: str, scope: str) -> str:
    return name if _SITE_NAME.fullmatch(name) else _domain_name(name, scope)


def _account_name(name: str, scope: str) -> str:
    if not name or len(name) > MAX_WORDS or not name.isprintable():
        advice = "`postroad outbox explain` shows the accounts of workers; most are user@host:port."
        raise ConfigurationError(f"{scope}: {name!r:.80} is no name of an account", setting=scope, advice=advice)
    return name


def _source_address(name: str, scope: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError as fault:
        raise ConfigurationError(f"{scope}: {name!r:.80} is no IP address", setting=scope) from fault


_SITE_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")  # of a rules file, such as google
_READ: Final[dict[Scope, Callable[[str, str], str]]] = {
    Scope.DOMAIN: _domain_name,
    Scope.SITE: _site_name,
    Scope.STREAM: _stream_name,
    Scope.ACCOUNT: _account_name,
    Scope.SOURCE: _source_address,
}


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
    target = _meant(connection, wish.target)
    write_suspension(connection, *target, wish.since, wish.until, wish.who, wish.why)
    _say(connection, EventKind.PAUSED, wish.since, target, until=wish.until, who=wish.who, why=wish.why)
    now_resting = suspended(connection, *target)
    assert now_resting is not None
    return replace(now_resting, note=remark(connection, target.scope, wish.target.key, target.key))


def _meant(connection: Connection, target: Target) -> Target:
    return target if target.scope != Scope.SITE else target._replace(key=site_meant(connection, target.key))


def resume(connection: Connection, wishes: Sequence[Resume]) -> list[Suspension | Exception | None]:
    """Have things go on; what rested, ``None`` where nothing did."""
    return [_resume(connection, wish) for wish in wishes]


def _resume(connection: Connection, wish: Resume) -> Suspension | None:
    target = wish.target  # what was once paused by this name, or what is meant by it
    if suspended(connection, *target) is None:
        target = _meant(connection, target)
    rested = suspended(connection, *target)
    if rested is None:
        return None
    unsuspend(connection, *target)
    if rested.until is not None and rested.until.timestamp() <= wish.now:
        return None  # it had ended by itself
    _say(connection, EventKind.RESUMED, wish.now, target)
    return rested


def _say(connection: Connection, kind: EventKind, at: float, target: Target, **more: Any) -> None:
    detail = {"scope": target.scope, "key": target.key} | {name: value for name, value in more.items() if value}
    ADD_EVENTS.run(connection, [(NO_DELIVERY, kind.value, at, json.dumps(detail))])
