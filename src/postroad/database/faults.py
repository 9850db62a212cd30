"""Foreign errors of the database become ours here, once, with their cause."""

import sqlite3
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from postroad.database.location import Location
from postroad.errors import ConfigurationError, DatabaseError, PostroadError

_ALWAYS: Final = (SQLAlchemyError, sqlite3.Error)  # through SQLAlchemy, and straight from the driver

# While connecting, errors come as text alone. With this word the server has answered, and refused the account; else
# nobody answered, or it said that it cannot serve anybody now.
_ANSWERED: Final = "FATAL:"
_NOT_NOW: Final = (
    "starting up", "not yet accepting", "system is not accepting", "shutting down", "in recovery mode", "too many",
    "connection slots", "terminating connection",
)  # fmt: skip
# Two transactions in each other's way: the server has rolled one of them back, to be begun again.
_COLLISIONS: Final = ("40001", "40P01")  # serialization_failure, deadlock_detected


def database_faults() -> tuple[type[Exception], ...]:
    """What the libraries below raise. PostgreSQL's driver is among them once it is loaded."""
    driver: Any = sys.modules.get("psycopg")
    return _ALWAYS if driver is None else (*_ALWAYS, driver.Error)


def _original(fault: BaseException) -> BaseException:
    return fault.orig if isinstance(fault, DBAPIError) and fault.orig is not None else fault


def sqlstate(fault: BaseException) -> str | None:
    """The server's code for what went wrong (postgresql.org/docs/current/errcodes-appendix.html), if it gave one."""
    original = _original(fault)
    # An application's connection may be psycopg2's, which has a word of its own for it.
    return getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)


def collided(fault: BaseException) -> bool:
    """Whether the same transaction, begun again, may well succeed."""
    return sqlstate(fault) in _COLLISIONS


def told(fault: BaseException) -> str:
    """The database's own sentence, without SQL and parameters: those may hold mail."""
    original = _original(fault)
    diagnosis = getattr(original, "diag", None)
    if diagnosis is not None and diagnosis.message_primary:
        return str(diagnosis.message_primary)
    if isinstance(original, SQLAlchemyError):
        return f"{type(original).__name__}: {original}"
    return " ".join(str(original).split())


def runtime_fault(fault: Exception, location: Location) -> PostroadError:
    """What to raise when a working database fails."""
    if isinstance(fault, PostroadError):
        return fault
    error = DatabaseError(f"{location.name}: {told(fault)}")
    error.__cause__ = fault
    return error


@contextmanager
def while_opening(location: Location) -> Generator[None]:
    """What stops a database from opening is a setting that names the wrong place, or a server that is away."""
    try:
        yield
    except database_faults() as fault:
        sentence = f"{location.name} cannot be used: {told(fault)}"
        if not location.on_server:
            raise ConfigurationError(sentence, setting="url", advice=_FILE_ADVICE) from fault
        if sqlstate(fault) is None and (_ANSWERED not in sentence or any(words in sentence for words in _NOT_NOW)):
            raise DatabaseError(sentence, advice="Check that the server runs and can be reached.") from fault
        advice = "Check the account, the password and the name of the database in the URL."
        raise ConfigurationError(sentence, setting="url", advice=advice) from fault


_FILE_ADVICE: Final = (
    "Give the path of a file that this process may write, in a folder that it may write, or of a new file."
)


@contextmanager
def while_working(location: Location) -> Generator[None]:
    """What stops a database that was opened is trouble of the machine, and may pass."""
    try:
        yield
    except database_faults() as fault:
        raise runtime_fault(fault, location) from fault
