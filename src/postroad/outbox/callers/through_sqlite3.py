"""Through a connection of Python's ``sqlite3``."""

import sqlite3
from typing import Any, Final, Protocol

from postroad.database.driver import SQLITE
from postroad.outbox.callers.caller import plain, refuse_autocommit
from postroad.outbox.callers.steps import Answer
from postroad.outbox.callers.words import Step


class SqliteConnection(Protocol):
    """What ``sqlite3`` and ``aiosqlite`` tell about a connection."""

    @property
    def in_transaction(self) -> bool: ...
    @property
    def isolation_level(self) -> Any: ...


class ThroughSqlite3:
    """Uses cursors of its own, without the connection's row factory."""

    engine: Final = SQLITE

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, step: Step) -> Answer:
        cursor = sqlite3.Cursor(self._connection)
        if len(step.rows) > 1:
            cursor.executemany(step.words.named, step.rows)
            return []
        cursor.execute(step.words.named, step.rows[0] if step.rows else ())
        return plain(cursor.fetchall()) if step.words.answers else []

    def begin(self) -> None:
        words = beginning(self._connection)
        if words is not None:
            sqlite3.Cursor(self._connection).execute(words)


def beginning(connection: SqliteConnection) -> str | None:
    """The statement with which the driver would begin a transaction at the first change; ``None``: one has begun.

    It is executed here, because our first statement is a savepoint: outside a transaction that would begin one of its
    own, and its release would commit.

    Raises:
        ConfigurationError: the driver would begin none.
    """
    if connection.in_transaction:
        return None
    # Since Python 3.12 a connection may be told True or False; False is always in a transaction.
    if connection.isolation_level is None or getattr(connection, "autocommit", False) is True:
        refuse_autocommit()
    return f"BEGIN {connection.isolation_level}"
