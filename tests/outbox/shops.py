"""Applications that take orders: a database connection of their own, by each driver, and an outbox in that database.

All have the same few verbs, whatever the driver calls them; those of asynchronous drivers run in an event loop.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Protocol

import psycopg
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from postroad.mailer.compose import Sendable
from postroad.outbox.blocking import Outbox
from postroad.outbox.job import Receipt
from postroad.outbox.outbox import AsyncOutbox

Rows = Sequence[Sequence[Any]]


class Shop(Protocol):
    """An open connection to the database of an outbox. Nothing is committed but by ``commit``."""

    def send(self, message: Sendable, **more: Any) -> Receipt:
        """Through the connection."""

    def execute(self, sql: str) -> Rows: ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def close(self) -> None: ...


class _Blocking:
    """What the blocking drivers share; ``connection`` is what is handed to the outbox."""

    connection: Any

    def __init__(self, url: str) -> None:
        self._outbox = Outbox(url)

    def send(self, message: Sendable, **more: Any) -> Receipt:
        return self._outbox.send(message, connection=self.connection, **more)

    def commit(self) -> None:
        self.connection.commit()

    def rollback(self) -> None:
        self.connection.rollback()

    def close(self) -> None:
        self.connection.close()
        self._outbox.close()


class _Sqlite3(_Blocking):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.connection: sqlite3.Connection = sqlite3.connect(url.removeprefix("sqlite:///"), check_same_thread=False)

    def execute(self, sql: str) -> Rows:
        return self.connection.execute(sql).fetchall()


class _Psycopg(_Blocking):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.connection: psycopg.Connection[Any] = psycopg.connect(url)

    def execute(self, sql: str) -> Rows:
        cursor = self.connection.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


class _Sqlalchemy(_Blocking):
    connection: Connection | Session

    def __init__(self, url: str, driver: str, kind: type[Connection] | type[Session]) -> None:
        super().__init__(url)
        self.engine: Engine = create_engine(by(url, driver))
        self.connection = kind(self.engine)

    def execute(self, sql: str) -> Rows:
        result = self.connection.execute(text(sql))
        return [tuple(row) for row in result] if result.returns_rows else []  # type: ignore[attr-defined]  # a cursor's

    def close(self) -> None:
        super().close()
        self.engine.dispose()


class _Asynchronous:
    """What the asynchronous drivers share."""

    connection: Any

    def __init__(self, url: str) -> None:
        self._stack = ExitStack()
        self.loop = self._stack.enter_context(asyncio.Runner())
        self._outbox = AsyncOutbox(url)

    def send(self, message: Sendable, **more: Any) -> Receipt:
        return self.loop.run(self._outbox.send(message, connection=self.connection, **more))

    def commit(self) -> None:
        self.loop.run(self.connection.commit())

    def rollback(self) -> None:
        self.loop.run(self.connection.rollback())

    def close(self) -> None:
        with self._stack:
            self.loop.run(self.connection.close())
            self.loop.run(self._outbox.aclose())


class _AsyncPsycopg(_Asynchronous):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.connection: psycopg.AsyncConnection[Any] = self.loop.run(psycopg.AsyncConnection.connect(url))

    def execute(self, sql: str) -> Rows:
        return self.loop.run(self._executed(sql))

    async def _executed(self, sql: str) -> Rows:
        cursor = await self.connection.execute(sql.encode())
        return await cursor.fetchall() if cursor.description else []


class _AsyncSqlalchemy(_Asynchronous):
    connection: AsyncConnection | AsyncSession

    def __init__(self, url: str, driver: str, kind: type[AsyncConnection] | type[AsyncSession]) -> None:
        super().__init__(url)
        self.engine: AsyncEngine = create_async_engine(by(url, driver))
        self.connection = kind(self.engine)
        if isinstance(self.connection, AsyncConnection):
            self.loop.run(self._start(self.connection))

    async def _start(self, connection: AsyncConnection) -> None:
        await connection.start()

    def execute(self, sql: str) -> Rows:
        return self.loop.run(self._executed(sql))

    async def _executed(self, sql: str) -> Rows:
        result = await self.connection.execute(text(sql))
        return [tuple(row) for row in result] if result.returns_rows else []  # type: ignore[attr-defined]  # a cursor's

    def close(self) -> None:
        self.loop.run(self._close())
        with self._stack:
            self.loop.run(self._outbox.aclose())

    async def _close(self) -> None:
        await self.connection.close()
        await self.engine.dispose()


def by(url: str, driver: str) -> str:
    """The URL as SQLAlchemy reads it, with a driver."""
    engine, _, rest = url.partition("://")
    return f"{engine}+{driver}://{rest}"


FILE = ("sqlite3", "Connection pysqlite", "Session pysqlite", "AsyncConnection aiosqlite", "AsyncSession aiosqlite")
SERVER = (
    "psycopg",
    "async psycopg",
    "Connection psycopg",
    "Connection psycopg2",
    "Session psycopg",
    "AsyncConnection psycopg",
    "AsyncConnection asyncpg",
    "AsyncSession psycopg",
)
_KINDS: dict[str, Any] = {
    "Connection": Connection,
    "Session": Session,
    "AsyncConnection": AsyncConnection,
    "AsyncSession": AsyncSession,
}
_OWN: dict[str, Any] = {"sqlite3": _Sqlite3, "psycopg": _Psycopg, "async psycopg": _AsyncPsycopg}


def opened(name: str, url: str) -> Shop:
    """A shop by its name in ``FILE`` or ``SERVER``, with a table for its orders."""
    if name in _OWN:
        own: Shop = _OWN[name](url)
        return own
    kind, _, driver = name.partition(" ")
    face = _AsyncSqlalchemy if kind.startswith("Async") else _Sqlalchemy
    return face(url, driver, _KINDS[kind])


def prepare(url: str) -> None:
    """Make the table of orders, and on SQLite the outbox with it."""
    with Outbox(url):
        if not url.startswith("sqlite"):
            with psycopg.connect(url) as server:
                server.execute("CREATE TABLE orders (number integer)")
            return
    file = sqlite3.connect(url.removeprefix("sqlite:///"))
    file.execute("CREATE TABLE orders (number integer)")
    file.close()
