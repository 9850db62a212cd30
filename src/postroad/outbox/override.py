"""Limits that hold for a while: learnt from replies, or set by somebody. Rows that anybody can read and take away."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Double, Text, and_, bindparam, delete, insert, literal_column, select

from postroad.clock import as_datetime
from postroad.database.batch import Query, Statement
from postroad.database.given import given
from postroad.database.tables import override
from postroad.outbox.shaping.limits import Limits
from postroad.transport.gcra import Rate


class Override(NamedTuple):
    """Limits of one scope and key, beside those in the rules. Times are seconds since the epoch."""

    scope: str
    key: str
    since: float
    until: float
    limits: Limits
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class OverrideShown:
    """An override for people."""

    scope: str
    key: str
    since: datetime
    until: datetime
    limits: str
    who: str
    why: str

    def as_dict(self) -> dict[str, str]:
        """The override as JSON types."""
        return {
            "scope": self.scope, "key": self.key, "since": self.since.isoformat(), "until": self.until.isoformat(),
            "limits": self.limits, "who": self.who, "why": self.why,
        }  # fmt: skip


class Cancelling(NamedTuple):
    """A wish that an override ends now."""

    scope: str
    key: str


_COLUMNS: Final = {
    "scope": Text, "key": Text, "since": Double, "until": Double, "limits": Text, "who": Text, "why": Text
}  # fmt: skip
_rows = select(given(**_COLUMNS)).where(literal_column("true"))  # keeps ON CONFLICT apart from a join's ON
_SET = Statement(
    insert(override).from_select(list(_COLUMNS), _rows, include_defaults=False),
    suffix=" ON CONFLICT (scope, key) DO UPDATE SET since = excluded.since, until = excluded.until, "
    "limits = excluded.limits, who = excluded.who, why = excluded.why",
)
_named = and_(override.c.scope == bindparam("scope"), override.c.key == bindparam("key"))
_held = select(*override.c).where(_named, override.c.until > bindparam("since", type_=Double))
_HELD = Query(_held, on_postgresql=_held.with_for_update())  # who else learns of it at the same time waits
_in_force = override.c.until > bindparam("now", type_=Double)
_ALL = Query(select(*override.c).where(_in_force).order_by(override.c.since))
_CANCEL = Statement(delete(override).where(_named))
_FORGET = Statement(delete(override).where(override.c.until <= bindparam("now", type_=Double)))


def set_overrides(connection: Connection, overrides: Sequence[Override]) -> list[Exception | None]:
    """Write overrides down, each beside what holds of its scope and key: the lower limits until the later end."""
    for one in overrides:
        scope, key, since, until, limits, who, why = _beside_held(connection, one)
        _SET.run(connection, [(scope, key, since, until, written_limits(limits), who, why)])
    return [None] * len(overrides)


def _beside_held(connection: Connection, one: Override) -> Override:
    """What another worker has learnt, which this one may not have seen, is not taken back by what is milder."""
    for row in _HELD.rows(connection, scope=one.scope, key=one.key, since=one.since):
        held = _override(row)
        one = one._replace(limits=one.limits.and_also(held.limits), until=max(one.until, held.until))
    return one


def overrides(connection: Connection, now: float) -> tuple[Override, ...]:
    """All that are in force."""
    return tuple([_override(row) for row in _ALL.rows(connection, now=now)])


def cancel_override(connection: Connection, wishes: Sequence[Cancelling]) -> list[bool | Exception]:
    """End overrides; whether there was one."""
    return [bool(_CANCEL.changed(connection, scope=wish.scope, key=wish.key)) for wish in wishes]


def forget_past_overrides(connection: Connection, now: float) -> None:
    """Forget those whose time has passed."""
    _FORGET.run(connection, now=now)


def shown(one: Override) -> OverrideShown:
    """The override for people."""
    return OverrideShown(
        one.scope, one.key, as_datetime(one.since), as_datetime(one.until), str(one.limits), one.who, one.why
    )


def _override(row: Sequence[Any]) -> Override:
    scope, key, since, until, limits, who, why = row
    return Override(scope, key, since, until, read_limits(limits), who, why)


# ── limits as JSON ────────────────────────────────────────────────────────────────────────────────────────────────────


def written_limits(limits: Limits) -> str:
    """Limits as they are stored."""
    said: dict[str, Any] = {}
    for name in _NUMBERS:
        if (number := getattr(limits, name)) is not None:
            said[name] = number
    for name in _RATES:
        rate: Rate | None = getattr(limits, name)
        if rate is not None:
            said[name] = [rate.messages, rate.seconds, rate.burst]
    return json.dumps(said)


def read_limits(text: str) -> Limits:
    """Stored limits; what a newer version has added is passed over."""
    said = json.loads(text)
    values: dict[str, Any] = {name: said[name] for name in _NUMBERS if name in said}
    values |= {name: Rate(*said[name]) for name in _RATES if name in said}
    return Limits(**values)


_NUMBERS: Final = ("connections", "messages_per_connection", "per_day")
_RATES: Final = ("new_connections", "rate")
