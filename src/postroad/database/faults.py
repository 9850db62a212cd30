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
_INCOMPLETE: Final = "no password supplied"  # the server asked for one; its library says so itself
_NOT_NOW: Final = (
    "starting up", "not yet accepting", "system is not accepting", "shutting down", "in recovery mode", "too many",
    "connection slots", "terminating connection",
)  # fmt: skip
# Two transactions in each other's way: the server has rolled one of them back, to be begun again.
_COLLISIONS: Final = ("40001", "40P01")  # serialization_failure, deadlock_detected

# The drivers say so when a value cannot be handed over at all: SQLite's, then PostgreSQL's.
_WRONG_VALUE: Final = ("Error binding parameter", "cannot adapt type")
_ASK_CALLER: Final = "Look at the arguments of the call: one of them has a type that no database keeps."
# What to do about a server's trouble, by the beginning of its code; the first that fits.
_ASK_SERVER: Final = (
    ("08", "Check that the database server runs and can be reached, then call again."),  # connection_exception
    ("57P", "Check that the database server runs and can be reached, then call again."),  # shut down by somebody
    ("25006", "This server takes no changes, as a standby does not: name the one that does in the URL."),
    ("42501", "Grant the account what it lacks on the tables and sequences whose names begin with postroad_."),
    ("42P01", "Somebody has dropped or renamed tables of the outbox; their names begin with postroad_."),
    ("53100", "Make room on the server's disk, then call again."),
    ("53", "The server is short of memory or connections: allow it more, or use fewer, then call again."),
    ("", "Look into the log of the database server, then call again."),
)
_GONE: Final = "08000"  # a connection that ends without a word has no code


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
    error = DatabaseError(f"{location.name}: {told(fault)}", advice=_advice(fault, location))
    error.__cause__ = fault
    return error


def _advice(fault: Exception, location: Location) -> str | None:
    """What to do; ``None`` for what is usual, which is to look at the disk."""
    if any(words in told(fault) for words in _WRONG_VALUE):
        return _ASK_CALLER
    if not location.on_server:
        return None
    state = sqlstate(fault) or _GONE
    return next(advice for beginning, advice in _ASK_SERVER if state.startswith(beginning))


@contextmanager
def while_opening(location: Location) -> Generator[None]:
    """What stops a database from opening is a setting that names the wrong place, or a server that is away."""
    try:
        yield
    except database_faults() as fault:
        sentence = f"{location.name} cannot be used: {told(fault)}"
        if not location.on_server:
            if _FULL in sentence:
                raise DatabaseError(sentence, advice="Make room on its disk, then call again.") from fault
            raise ConfigurationError(sentence, setting="url", advice=_FILE_ADVICE) from fault
        state = sqlstate(fault)
        if (state is None and _away(sentence)) or (state or "").startswith(_PASSING):
            raise DatabaseError(sentence, advice="Check that the server runs and can be reached.") from fault
        advice = "Check the account, the password and the name of the database in the URL."
        raise ConfigurationError(sentence, setting="url", advice=advice) from fault


def _away(sentence: str) -> bool:
    """Whether what was said while connecting means that the server cannot be spoken to, or not now."""
    if _ANSWERED in sentence:
        return any(words in sentence for words in _NOT_NOW)
    return _INCOMPLETE not in sentence


# Connections, resources, an operator's or a crash's shutdown, a collision: the server, not the setting.
_PASSING: Final = ("08", "40", "53", "55", "57", "58")
_FULL: Final = "disk is full"  # SQLITE_FULL, as the library words it (sqlite.org/rescode.html#full)
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
