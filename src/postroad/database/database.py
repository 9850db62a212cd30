"""One open database: its writer, its readers, and the locks between processes."""

import asyncio
import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from postroad.database.driver import execute
from postroad.database.engine import make_file, open_engine, prepare
from postroad.database.faults import while_opening, while_working
from postroad.database.fork_gate import ForkGate
from postroad.database.location import Location, read_url
from postroad.database.lock_file import LockFile
from postroad.database.schema import Schema, migrate, schema_of
from postroad.database.writer import Work, Writer
from postroad.errors import DatabaseError

P = TypeVar("P")
R = TypeVar("R")


# What a forked child inherited open: a database in memory. Closing it there is of no use, so nothing collects it.
_INHERITED: Final[list[object]] = []


class _Open:
    """What is open in this process."""

    __slots__ = ("engine", "gate", "location", "watches", "worker_lock", "write_lock", "writer")

    def __init__(self, location: Location) -> None:
        self.location = location
        self.engine = open_engine(location)
        self.gate = ForkGate()
        self.watches: set[Watch] = set()
        self.write_lock = LockFile(location.beside("-write-lock"))
        try:
            self.worker_lock = LockFile(location.beside("-worker-lock"))
        except BaseException:
            self.write_lock.close()
            raise
        self.writer = Writer(self.engine, self.write_lock, self.gate, location)

    def disconnect(self) -> None:
        """Close every connection; they open again when they are needed."""
        self.writer.disconnect()
        for watch in self.watches:
            watch.disconnect()
        self.engine.dispose()

    def close(self) -> None:
        self.writer.close()
        with self.write_lock:  # the last connection to go writes the log back
            self.engine.dispose()
        self.write_lock.close()
        self.worker_lock.close()


class Database:
    """Thread-safe; not picklable; survives a fork, after which the child opens it for itself.

    Opening makes the file and its tables, or brings the tables up to date.

    Raises:
        ConfigurationError: the URL, the folder, the file or its schema is not one that can be used; it is named.
    """

    def __init__(self, url: str) -> None:
        self.location = read_url(url)
        self._lock = threading.Lock()
        self._closed_because: str | None = None
        self._open: _Open | None = None
        self._finalizer: weakref.finalize[Any, Database] | None = None
        self._left = True  # nobody was inside, and every connection was closed, when the process last forked
        self._opened()
        _DATABASES.add(self)

    # ── writing and reading ───────────────────────────────────────────────────────────────────────────────────────

    def write(self, work: Work[P, R], payload: P, *, octets: int = 0) -> R:
        """Do the work in the next group, and wait for its commit. ``octets`` is the content's size.

        Raises:
            DatabaseError: the database cannot be written now.
        """
        return self._opened().writer.call(work, payload, octets=octets)

    def submit(self, work: Work[P, R], payload: P, *, octets: int = 0) -> "asyncio.Future[R]":
        """As ``write``, for the running event loop."""
        return self._opened().writer.submit(work, payload, octets=octets)

    def read(self, query: Callable[[Connection], R]) -> R:
        """Run a query on one state of the database, in this thread. Readers never wait for the writer.

        Raises:
            DatabaseError: the database cannot be read now.
        """
        if self.location.path is None:
            answer: R = self.write(_read_in_memory, query)
            return answer
        opened = self._opened()
        with while_working(self.location), opened.gate, opened.engine.connect() as connection:
            execute(connection, "BEGIN")
            try:
                return query(connection)
            finally:
                execute(connection, "ROLLBACK")

    def watch(self) -> "Watch":
        """Something that tells whether anybody has written."""
        return Watch(self._opened())

    @property
    def worker_lock(self) -> LockFile:
        """Held by the one process that delivers."""
        return self._opened().worker_lock

    # ── life ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _opened(self) -> _Open:
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
            self._left = self._open.gate.shut() and self.location.path is not None
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


class Watch:
    """Sees commits, of this process and of others. Looking costs some microseconds and never waits."""

    def __init__(self, opened: _Open) -> None:
        self._opened = opened
        self._connection: Connection | None = None
        self._last = self._version()
        opened.watches.add(self)

    def changed(self) -> bool:
        """Whether somebody has committed since the last look.

        Raises:
            DatabaseError: the database cannot be read now.
        """
        version = self._version()
        if version == self._last:
            return False
        self._last = version
        return True

    def _version(self) -> tuple[int, int]:
        # In memory there is nobody else, and the one connection is the writer's.
        opened = self._opened
        if opened.location.path is None:
            return 0, opened.writer.groups
        with while_working(opened.location), opened.gate:
            if self._connection is None:
                self._connection = opened.engine.connect()
            # The number means something within one connection only.
            return id(self._connection), execute(self._connection, "PRAGMA data_version").fetchone()[0]

    def disconnect(self) -> None:
        """Close the connection; the next look opens another, and sees a change."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        self._opened.watches.discard(self)
        self.disconnect()


def _open(location: Location) -> _Open:
    make_file(location)
    opened = _Open(location)
    try:
        with while_opening(location):
            _bring_up_to_date(opened, location)
    except BaseException:
        opened.close()
        raise
    return opened


def _bring_up_to_date(opened: _Open, location: Location) -> None:
    with opened.engine.connect() as connection:
        if schema_of(connection, location) is Schema.CURRENT:
            return
    # Under the lock, because other processes may be opening the same new file.
    with opened.write_lock, opened.engine.connect() as connection:
        prepare(connection, location)
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            if schema_of(connection, location) is not Schema.CURRENT:
                migrate(connection)
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            with contextlib.suppress(Exception):
                connection.exec_driver_sql("ROLLBACK")
            raise


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
