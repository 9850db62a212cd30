"""Making or upgrading the tables of a server's database, when somebody says so, while workers may be at work.

Steps only add, so what runs meanwhile goes on; they happen under a lock, so that of several who start one is first.
"""

import threading
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from postroad.database.database import Database
from postroad.database.driver import execute
from postroad.database.engine import open_engine
from postroad.database.faults import collided, database_faults, runtime_fault, sqlstate, while_opening
from postroad.database.location import Location, read_url
from postroad.database.schema import REVISIONS, Schema, migrate, schema_of, version_of

# Taken while the tables are changed. The number is arbitrary and ours: "postroad" in ASCII.
_LOCK: Final = int.from_bytes(b"postroad")
# Whoever changes a table waits for everybody who uses it, and everybody else waits behind. So not for long.
_LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '2s'"
TRIES: Final = 30
PAUSE: Final = 1.0  # seconds between tries
_LOCK_NOT_AVAILABLE: Final = "55P03"


@dataclass(frozen=True, slots=True)
class Migrated:
    """The versions of the tables before, ``None`` where there were none, and after."""

    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Pending:
    """The version that the tables have, ``None`` where there are none, and the steps that are missing to ours."""

    version: str | None
    missing: tuple[str, ...]


def migrate_database(url: str) -> Migrated:
    """Make the tables, or bring them up to date. Doing so again is nothing.

    Raises:
        ConfigurationError: the URL is not one that can be used, or its tables are of a newer version.
        DatabaseError: the server does not answer, or the tables were in use all the time.
    """
    location = read_url(url)
    if not location.on_server:
        before = pending(url).version
        Database(url).close()  # which brings a file's tables up to date by itself
        return Migrated(before, pending(url).version or REVISIONS[-1])
    engine = open_engine(location)
    try:
        with while_opening(location), engine.connect() as connection:
            before = version_of(connection)
            _change(connection, location)
            return Migrated(before, version_of(connection) or REVISIONS[-1])
    finally:
        engine.dispose()


def pending(url: str) -> Pending:
    """What ``migrate_database`` would do. Changes nothing, and makes no file.

    Raises:
        ConfigurationError: the URL is not one that can be used, or its tables are of a newer version.
        DatabaseError: the server does not answer.
    """
    location = read_url(url)
    if location.in_memory or (location.path is not None and not location.path.exists()):
        return Pending(None, REVISIONS)
    engine = open_engine(location)
    try:
        with while_opening(location), engine.connect() as connection:
            version = version_of(connection)
            if schema_of(connection, location) is Schema.CURRENT:
                return Pending(version, ())
            return Pending(version, REVISIONS if version is None else REVISIONS[REVISIONS.index(version) + 1 :])
    finally:
        engine.dispose()


def _change(connection: Connection, location: Location) -> None:
    for tries_left in reversed(range(TRIES)):
        execute(connection, "BEGIN")
        try:
            execute(connection, f"SELECT pg_advisory_xact_lock({_LOCK})")
            execute(connection, _LOCK_TIMEOUT)
            if schema_of(connection, location) is not Schema.CURRENT:
                migrate(connection)
            execute(connection, "COMMIT")
            return
        except database_faults() as fault:
            execute(connection, "ROLLBACK")
            if not collided(fault) and sqlstate(fault) != _LOCK_NOT_AVAILABLE:
                raise
            if not tries_left:
                raise runtime_fault(fault, location) from fault
        threading.Event().wait(PAUSE)
