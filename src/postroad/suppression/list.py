"""The suppression list as a table: adding, removing, finding, and the question that every delivery asks.

An entry is known by the key of its address, in which spellings do not differ, and by its stream; without a stream it
holds for all of them. One that has expired is as good as gone.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Integer,
    Text,
    and_,
    bindparam,
    delete,
    insert,
    literal_column,
    or_,
    select,
    true,
    tuple_,
)

from postroad.clock import as_datetime
from postroad.database.batch import Query, Returning, Statement
from postroad.database.given import given, given_values
from postroad.database.tables import suppression
from postroad.suppression.entry import Suppression
from postroad.suppression.reasons import Reason

EVERY_STREAM: Final = ""  # the stream of an entry that holds for all of them

_NOW: Final = bindparam("now", type_=Double)
IN_FORCE: Final[ColumnElement[bool]] = or_(suppression.c.expires_at.is_(None), suppression.c.expires_at > _NOW)

_COLUMNS: Final = {
    "key": Text, "stream": Text, "address": Text, "reason": Text, "source": Text, "created_at": Double,
    "expires_at": Double, "note": Text,
}  # fmt: skip
_LASTS_LONGER: Final = (
    "postroad_suppression.expires_at IS NOT NULL AND "
    "(excluded.expires_at IS NULL OR excluded.expires_at > postroad_suppression.expires_at)"
)
_rows = select(given(**_COLUMNS)).where(literal_column("true"))  # keeps ON CONFLICT apart from a join's ON
_ADD = Returning(
    insert(suppression).from_select(list(_COLUMNS), _rows, include_defaults=False),
    suffix=" ON CONFLICT (key, stream) DO UPDATE SET address = excluded.address, reason = excluded.reason, "
    "source = excluded.source, created_at = excluded.created_at, expires_at = excluded.expires_at, "
    f"note = excluded.note WHERE {_LASTS_LONGER} RETURNING key, stream",
)
_REMOVE = Statement(
    delete(suppression).where(suppression.c.key == bindparam("key"), suppression.c.stream == bindparam("scope"))
)
_FORGET = Statement(delete(suppression).where(suppression.c.expires_at <= _NOW))
_ENTRY: Final = (
    suppression.c.address,
    suppression.c.reason,
    suppression.c.stream,
    suppression.c.source,
    suppression.c.note,
    suppression.c.created_at,
    suppression.c.expires_at,
)
_OF_KEY = Query(select(*_ENTRY).where(suppression.c.key == bindparam("key"), IN_FORCE).order_by(suppression.c.stream))
_OF_KEYS = Query(
    select(suppression.c.key, suppression.c.stream, suppression.c.reason, suppression.c.expires_at).where(
        suppression.c.key.in_(given_values(Text))
    )
)


# ── changing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def add(connection: Connection, entries: Iterable[Suppression], now: float) -> set[tuple[str, str]]:
    """Put entries on the list; returns key and stream of those that changed it.

    Where two say the same, the one that lasts longer stands, and of equals the first: an import does not shorten what
    a complaint has made last for ever.
    """
    rows: dict[tuple[str, str], tuple[Any, ...]] = {}
    for entry in entries:
        row = _row(entry, now)
        known = rows.get(row[:2])
        if known is None or _end(row) > _end(known):
            rows[row[0], row[1]] = row
    return {(key, stream) for key, stream in _ADD.rows(connection, [rows[place] for place in sorted(rows)])}


def _row(entry: Suppression, now: float) -> tuple[Any, ...]:
    created = now if entry.created_at is None else entry.created_at.timestamp()
    expires = None if entry.expires_at is None else entry.expires_at.timestamp()
    return (
        entry.key, entry.stream or EVERY_STREAM, entry.address, entry.reason.value, entry.source, created, expires,
        entry.note,
    )  # fmt: skip


def _end(row: tuple[Any, ...]) -> float:
    return float("inf") if row[6] is None else float(row[6])


def remove(connection: Connection, key: str, stream: str | None, now: float) -> Suppression | None:
    """Take one entry off the list: that of the stream, or the one for all streams; what it was, if it was there."""
    found = [entry for entry in find(connection, key, now) if entry.stream == stream]
    _REMOVE.run(connection, key=key, scope=stream or EVERY_STREAM)
    return found[0] if found else None


def forget_expired(connection: Connection, now: float) -> None:
    """Take off what has expired."""
    _FORGET.run(connection, now=now)


# ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def find(connection: Connection, key: str, now: float) -> tuple[Suppression, ...]:
    """The entries of one mailbox that are in force; that for all streams comes first."""
    return tuple(_entry(row) for row in _OF_KEY.rows(connection, key=key, now=now))


class Page(NamedTuple):
    """A part of the list: at most ``limit`` entries in the order of their keys, behind the place ``after``."""

    stream: str | None = None  # only those that hold for it in particular
    reason: Reason | None = None
    domain: str | None = None
    after: tuple[str, str] | None = None
    limit: int = 1000


def entries(connection: Connection, page: Page, now: float) -> tuple[Suppression, ...]:
    """The entries of a page that are in force."""
    condition = true() if page.after is None else tuple_(suppression.c.key, suppression.c.stream) > tuple_(*page.after)
    if page.stream is not None:
        condition = and_(condition, suppression.c.stream == page.stream)
    if page.reason is not None:
        condition = and_(condition, suppression.c.reason == page.reason.value)
    if page.domain is not None:
        condition = and_(condition, suppression.c.key.endswith(f"@{page.domain}", autoescape=True))
    query = Query(
        select(*_ENTRY)
        .where(condition, IN_FORCE)
        .order_by(suppression.c.key, suppression.c.stream)
        .limit(bindparam("most", type_=Integer))
    )
    return tuple(_entry(row) for row in query.rows(connection, now=now, most=page.limit))


def place_of(entry: Suppression) -> tuple[str, str]:
    """Where an entry stands on the list; the next page begins behind it."""
    return entry.key, entry.stream or EVERY_STREAM


def _entry(row: Sequence[Any]) -> Suppression:
    address, reason, stream, source, note, created_at, expires_at = row
    return Suppression(
        address, Reason(reason), stream or None, source, note, as_datetime(created_at),
        None if expires_at is None else as_datetime(expires_at),
    )  # fmt: skip


# ── the question that every delivery asks ─────────────────────────────────────────────────────────────────────────────


class Suppressed:
    """What the list says about some mailboxes. False where it says nothing, which is the rule."""

    __slots__ = ("_entries",)

    def __init__(self, rows: Iterable[Sequence[Any]] = ()) -> None:
        self._entries: dict[str, list[Sequence[Any]]] = {}
        for key, *entry in rows:
            self._entries.setdefault(key, []).append(entry)

    def __bool__(self) -> bool:
        return bool(self._entries)

    def reason(self, key: str, stream: str, now: float) -> str | None:
        """Why the mailbox gets no mail of the stream; ``None``: it does."""
        for scope, reason, expires_at in self._entries.get(key, ()):
            if scope in (EVERY_STREAM, stream) and (expires_at is None or expires_at > now):
                return str(reason)
        return None


def suppressed(connection: Connection, keys: Sequence[str]) -> Suppressed:
    """What the list says about these mailboxes."""
    return Suppressed(_OF_KEYS.rows(connection, keys))
