"""How far the event log was read, so that the next look begins there and misses nothing.

Events have numbers in the order in which they were written, which on SQLite is the order of their commits. On
PostgreSQL a transaction may commit long after others that have later numbers; there the log is followed by snapshots:
new is what can be seen now and could not be seen then.
"""

from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, func, literal_column, select, text

from postroad.database.batch import Query
from postroad.database.tables import event

Position = int | str
"""The number of the last event, or the server's snapshot. To be kept and given back, and nothing else."""

_NOW = Query(
    select(func.coalesce(func.max(event.c.id), 0)),
    on_postgresql=select(literal_column("pg_current_snapshot()::text")),
)
_then: Final = "CAST(:since AS pg_snapshot)"


def position(connection: Connection) -> Position:
    """The end of the log, as this transaction sees it."""
    end: Position = _NOW.rows(connection)[0][0]
    return end


def between(events: Select[Any]) -> Query:
    """Those of the events that lie behind the position ``since``, up to the position ``last``."""
    return Query(
        events.where(event.c.id > bindparam("since"), event.c.id <= bindparam("last")),
        on_postgresql=events.where(
            text(f"postroad_event.xact >= CAST(CAST(pg_snapshot_xmin({_then}) AS text) AS bigint)"),
            text(f"NOT pg_visible_in_snapshot(CAST(CAST(postroad_event.xact AS text) AS xid8), {_then})"),
            # What was brought along from another server has that one's numbers, which may lie ahead of this one's.
            text("postroad_event.xact < CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)"),
        ),
    )
