"""One open database: its writer, its readers, and the locks between processes."""

import asyncio
import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine

from postroad.database.driver import begin_reading, execute, lost
from postroad.database.engine import make_file, prepare
from postroad.database.faults import while_opening, while_working
from postroad.database.group import Work
from postroad.database.listener import Listener
from postroad.database.location import Location, read_url
from postroad.database.lock_file import LockFile
from postroad.database.lock_patience import PATIENCE
from postroad.database.opened import Opened, Watch, Watching
from postroad.database.postgresql import READERS
from postroad.database.schema import Schema, make_tables, migrate, not_migrated, schema_of
from postroad.database.writer import still_locked
from postroad.errors import DatabaseError

P = TypeVar("P")
R = TypeVar("R")


# What a forked child inherited open: a database in memory. Closing it there is of no use, so nothing collects it.
_INHERITED: Final[list[object]] = []


class Database:
    """Thread-safe; not picklable; survives a fork, after which the child opens it for itself.

    Opening makes a file and its tables, or brings its tables up to date; a server's database is looked at only.

    Raises:
        ConfigurationError: the URL, the folder, the file or its schema is not one that can be used; it is named.
        MissingExtra: the server's driver is not installed.
        DatabaseError: the server does not answer now.
    """

    def __init__(self, url: str) -> None:
        self.location = read_url(url)
        self._lock = threading.Lock()
        self._closed_because: str | None = None
        self._open: Opened | None = None
        self._finalizer: weakref.finalize[Any, Database] | None = None
        self._left = True  # nobody was inside, and every connection was closed, when the process last forked
        self._opened()
        _DATABASES.add(self)

    # ── writing and reading ───────────────────────────────────────────────────────────────────────────────────────

    def write(self, work: Work[P, R], payload: P, *, octets: int = 0, news: bool = False) -> R:
        """Do the work in the next group, and wait for its commit. ``octets`` is the content's size.

        ``news``: workers on other machines should look at what it has written.

        Raises:
            DatabaseError: the database cannot be written now.
        """
        return self._opened().writer.call(work, payload, octets=octets, news=news)

    def submit(self, work: Work[P, R], payload: P, *, octets: int = 0, news: bool = False) -> "asyncio.Future[R]":
        """As ``write``, for the running event loop."""
        return self._opened().writer.submit(work, payload, octets=octets, news=news)

    def tell_others(self) -> None:
        """Have workers on other machines look at what another connection has committed; waits for nothing."""
        if self.location.on_server and self._closed_because is None:
            self._opened().writer.tell()

    def read(self, query: Callable[[Connection], R]) -> R:
        """Run a query on one state of the database, in this thread. Readers never wait for the writer.

        Raises:
            DatabaseError: the database cannot be read now.
        """
        if self.location.in_memory:
            answer: R = self.write(_read_in_memory, query)
            return answer
        opened = self._opened()
        with while_working(self.location), opened.gate:
            return _read(opened.engine, query)

    def watch(self, on_change: Callable[[], None]) -> Watching:
        """Something that tells whether anybody has written; a server's calls by itself, from a thread of its own."""
        opened = self._opened()
        if self.location.on_server:
            return Listener(opened.location, opened.gate, opened.watches, on_change)
        return Watch(opened)

    @property
    def worker_lock(self) -> LockFile:
        """Held by the one process that delivers from a file; where there is a server, everybody may."""
        return self._opened().worker_lock

    # ── life ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _opened(self) -> Opened:
        opened = self._open
        if opened is not None:
            return opened
        with self._lock:
            if self._closed_because is not None:
                raise DatabaseError(f"{self.location.name} {self._closed_because}", advice="Open the outbox again.")
            if self._open is None:
                self._open = _open(self.location)
                self._finalizer = weakref.finalize(self, self._open.close)
            return self._open

    def close(self) -> None:
        """Write what waits and close everything. Closing twice is nothing."""
        with self._lock:
            self._closed_because = "was closed"
            if self._finalizer is not None:
                self._finalizer()
            self._open = self._finalizer = None

    # ── forks ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _before_fork(self) -> None:
        self._lock.acquire()
        self._left = True
        if self._open is not None:
            self._left = self._open.gate.shut() and not self.location.in_memory
            if self._left:
                self._open.disconnect()

    def _after_fork_in_parent(self) -> None:
        if self._open is not None:
            self._open.gate.open()
        self._lock.release()

    def _after_fork_in_child(self) -> None:
        """Forget what is the parent's: its writer, and the items that wait for it. The next use opens everything."""
        self._lock = threading.Lock()
        if self._finalizer is not None:
            self._finalizer.detach()
        if not self._left:
            _INHERITED.append(self._open)
            self._closed_because = "belongs to the process that this one was forked from"
        self._open = self._finalizer = None


def _open(location: Location) -> Opened:
    make_file(location)
    opened = Opened(location)
    try:
        with while_opening(location):
            _bring_up_to_date(opened, location)
    except BaseException:
        opened.close()
        raise
    return opened


def _bring_up_to_date(opened: Opened, location: Location) -> None:
    with opened.engine.connect() as connection:
        if schema_of(connection, location) is Schema.CURRENT:
            return
        if location.on_server:
            raise not_migrated(location)
    # Under the lock, because other processes may be opening the same new file.
    if not opened.write_lock.acquire_within(PATIENCE):
        raise still_locked(PATIENCE, location)
    try:
        _make_or_migrate(opened, location)
    finally:
        opened.write_lock.release()


def _make_or_migrate(opened: Opened, location: Location) -> None:
    with opened.engine.connect() as connection:
        prepare(connection, location)
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            found = schema_of(connection, location)
            if found is Schema.ABSENT:
                make_tables(connection)
            elif found is Schema.OLDER:
                migrate(connection)
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            with contextlib.suppress(Exception):
                connection.exec_driver_sql("ROLLBACK")
            raise


def _begun_reading(engine: Engine, tries: int = READERS + 1) -> Connection:
    """A connection in a transaction for reading; those that were cut while nobody used them are passed over."""
    connection = engine.connect()
    try:
        begin_reading(connection)
    except BaseException:
        cut = lost(connection)
        if cut and not connection.invalidated:
            connection.invalidate()
        connection.close()
        if not cut or tries <= 1:
            raise
        return _begun_reading(engine, tries - 1)
    return connection


def _read(engine: Engine, query: Callable[[Connection], R]) -> R:
    with _begun_reading(engine) as connection:
        try:
            answer = query(connection)
            execute(connection, "ROLLBACK")
        except BaseException:
            if not lost(connection):
                execute(connection, "ROLLBACK")
            elif not connection.invalidated:
                connection.invalidate()
            raise
        return answer


def _read_in_memory(connection: Connection, queries: Sequence[Callable[[Connection], Any]]) -> list[Any]:
    return [query(connection) for query in queries]


_DATABASES: Final["weakref.WeakSet[Database]"] = weakref.WeakSet()


def _before_fork() -> None:
    _FORKING.extend(_DATABASES)
    for database in _FORKING:
        database._before_fork()


def _after_fork_in_parent() -> None:
    while _FORKING:
        _FORKING.pop()._after_fork_in_parent()


def _after_fork_in_child() -> None:
    while _FORKING:
        _FORKING.pop()._after_fork_in_child()


_FORKING: Final[list[Database]] = []
os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
