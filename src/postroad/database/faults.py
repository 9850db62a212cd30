"""Foreign errors of the database become ours here, once, with their cause."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from postroad.database.location import Location
from postroad.errors import ConfigurationError, DatabaseError, PostroadError

DATABASE_FAULTS: Final = (SQLAlchemyError, sqlite3.Error)  # through SQLAlchemy, and straight from the driver


def told(fault: BaseException) -> str:
    """The database's own sentence, without SQL and parameters: those may hold mail."""
    if isinstance(fault, DBAPIError):
        return str(fault.orig)
    return str(fault) if isinstance(fault, sqlite3.Error) else f"{type(fault).__name__}: {fault}"


def runtime_fault(fault: Exception, location: Location) -> PostroadError:
    """What to raise when a working database fails."""
    if isinstance(fault, PostroadError):
        return fault
    error = DatabaseError(f"{location.name}: {told(fault)}")
    error.__cause__ = fault
    return error


@contextmanager
def while_opening(location: Location) -> Generator[None]:
    """What stops a database from opening is a setting that names the wrong place."""
    try:
        yield
    except DATABASE_FAULTS as fault:
        sentence = f"{location.name} cannot be used: {told(fault)}"
        advice = "Give the path of a file that this process may write, in a folder that it may write, or of a new file."
        raise ConfigurationError(sentence, setting="url", advice=advice) from fault


@contextmanager
def while_working(location: Location) -> Generator[None]:
    """What stops a database that was opened is trouble of the machine, and may pass."""
    try:
        yield
    except DATABASE_FAULTS as fault:
        raise runtime_fault(fault, location) from fault
