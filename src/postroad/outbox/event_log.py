"""The event log: every change of the queue, in order, for whoever reads along."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, Integer, Select, bindparam, select

from postroad.clock import as_datetime
from postroad.database.batch import Query
from postroad.database.tables import delivery, event, message
from postroad.events import EventKind
from postroad.outbox.log_position import Position, between, position
from postroad.outbox.status import detail_as_json

LOOK_EVERY: Final = 0.1  # seconds between looks whether somebody has committed; a look costs some microseconds


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One event: what happened, when, and to whom. ``id`` is the message's.

    ``id``, ``recipient`` and ``stream`` are ``None`` where it concerns no recipient in particular, or one who has been
    forgotten.
    """

    number: int
    kind: EventKind
    at: datetime
    id: str | None
    recipient: str | None
    stream: str | None
    detail: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The entry as JSON types."""
        return {
            "number": self.number, "kind": str(self.kind), "at": self.at.isoformat(), "id": self.id,
            "recipient": self.recipient, "stream": self.stream, "detail": detail_as_json(self.detail),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class LogPage:
    """Entries in order, and the position behind them: what comes later is read from there."""

    entries: tuple[LogEntry, ...]
    position: Position


def _events() -> Select[Any]:
    columns = event.c.id, event.c.kind, event.c.at, event.c.detail
    return select(*columns, delivery.c.message_id, delivery.c.recipient, message.c.stream).select_from(
        event.outerjoin(delivery, delivery.c.id == event.c.delivery_id).outerjoin(
            message, message.c.id == delivery.c.message_id
        )
    )


_SINCE = between(_events().order_by(event.c.id))
_LAST = Query(_events().order_by(event.c.id.desc()).limit(bindparam("most", type_=Integer)))


def log_page(connection: Connection, since: Position | None, last: int) -> LogPage:
    """The events behind ``since``; without one, the last so many."""
    end = position(connection)
    if since == end:
        return LogPage((), end)
    if since is None:
        rows = list(reversed(_LAST.rows(connection, most=last)))
    else:
        rows = _SINCE.rows(connection, since=since, last=end)
    return LogPage(tuple(_entry(row) for row in rows), end)


def _entry(row: Sequence[Any]) -> LogEntry:
    number, kind, at, detail, id_, recipient, stream = row
    told = MappingProxyType(json.loads(detail) if detail else {})
    return LogEntry(number, EventKind(kind), as_datetime(at), id_, recipient, stream, told)
