"""Engines, and what every connection to a SQLite database is set to."""

import os
import sqlite3
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool, StaticPool

from postroad.database.location import Location
from postroad.database.postgresql import open_server
from postroad.errors import ConfigurationError

OLDEST_SQLITE: Final = (3, 38, 0)  # JSON functions in every build (sqlite.org/releaselog/3_38_0.html)
BUSY_TIMEOUT: Final = 30.0  # seconds to wait for somebody who writes without our lock, such as the application itself
PAGE: Final = 8192  # octets: a 9 KB message in two pages; measured fastest of 4, 8 and 16 KiB
CACHE_KIB: Final = 16 * 1024  # of pages in memory, for each connection that is used
# Pages in the write-ahead log before a commit writes them back by itself. The writer does it earlier, between groups.
AUTO_CHECKPOINT: Final = 16_000
READERS: Final = 8  # connections kept open for reading; more are opened when needed, and closed again
PREPARED: Final = 512  # statements kept ready; those that take rows differ by how many rows
_MODE: Final = 0o600  # mail is private
_MAGIC: Final = b"SQLite format 3\0"  # sqlite.org/fileformat2.html §1.3

_SETTINGS: Final = (
    "PRAGMA synchronous=FULL",  # a commit is on the disk, not in the machine's memory: the promise of the outbox
    f"PRAGMA cache_size=-{CACHE_KIB}",
    "PRAGMA temp_store=MEMORY",
    f"PRAGMA wal_autocheckpoint={AUTO_CHECKPOINT}",
)


def open_engine(location: Location) -> Engine:
    """An engine whose connections begin no transaction by themselves. Nothing is opened yet.

    Raises:
        ConfigurationError: the SQLite library is too old, or the server's URL cannot be read.
        MissingExtra: the server's driver is not installed.
    """
    if location.on_server:
        return open_server(location)
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        needed = ".".join(map(str, OLDEST_SQLITE))
        raise ConfigurationError(f"the SQLite library is {sqlite3.sqlite_version}; the outbox needs {needed} or newer")
    engine = _in_memory() if location.path is None else _in_file(str(location.path))
    event.listen(engine, "connect", _set_up)
    return engine


def _in_file(path: str) -> Engine:
    return create_engine(
        "sqlite://",
        creator=lambda: _connected(path),
        poolclass=QueuePool,
        pool_size=READERS,
        max_overflow=-1,
    )


def _in_memory() -> Engine:
    # One connection for everything: each further one would be another, empty database.
    return create_engine("sqlite://", creator=lambda: _connected(":memory:"), poolclass=StaticPool)


def _connected(path: str) -> sqlite3.Connection:
    # isolation_level None: the driver begins nothing of its own; transactions are written out.
    return sqlite3.connect(
        path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False, cached_statements=PREPARED
    )


def _set_up(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for setting in _SETTINGS:
        cursor.execute(setting)
    cursor.close()


def make_file(location: Location) -> None:
    """Make the file, private to its owner, if it is not there; an empty file is an empty database.

    Raises:
        ConfigurationError: there is no such folder, it may not be written, or the file is something else.
    """
    path = location.path
    if path is None:
        return
    if not path.parent.is_dir():
        sentence = f"{location.name}: the folder {path.parent} does not exist"
        raise ConfigurationError(sentence, setting="url", advice="Make the folder, or name another.")
    try:
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE), "rb") as file:
            start = file.read(len(_MAGIC))
    except OSError as fault:
        raise ConfigurationError(f"{location.name} cannot be written: {fault.strerror}", setting="url") from fault
    if start not in (b"", _MAGIC):
        advice = "Name a new file, or one that an outbox made."
        raise ConfigurationError(f"the file {path} is no SQLite database", setting="url", advice=advice)


def prepare(connection: Connection, location: Location) -> None:
    """Give a new file its page size and its write-ahead log, which last.

    Raises:
        ConfigurationError: the file system cannot hold a write-ahead log.
    """
    if location.path is None:
        return
    connection.exec_driver_sql(f"PRAGMA page_size={PAGE}")  # ignored where there are pages already
    mode = connection.exec_driver_sql("PRAGMA journal_mode=WAL").scalar_one()
    if mode != "wal":
        sentence = f"{location.name} cannot have a write-ahead log (its journal mode stays {mode!r})"
        advice = "Put it on a local disk: file systems over a network have no shared memory."
        raise ConfigurationError(sentence, setting="url", advice=advice)
