"""Foreign errors of the database become ours here, once, with their cause."""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from postroad.database.location import Location
from postroad.errors import ConfigurationError, DatabaseError, PostroadError


def told(fault: BaseException) -> str:
    """The database's own sentence, without SQL and parameters: those may hold mail."""
    return str(fault.orig) if isinstance(fault, DBAPIError) else f"{type(fault).__name__}: {fault}"


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
    except SQLAlchemyError as fault:
        sentence = f"{location.name} cannot be used: {told(fault)}"
        advice = "Give the path of a file that this process may write, in a folder that it may write, or of a new file."
        raise ConfigurationError(sentence, setting="url", advice=advice) from fault


@contextmanager
def while_working(location: Location) -> Generator[None]:
    """What stops a database that was opened is trouble of the machine, and may pass."""
    try:
        yield
    except SQLAlchemyError as fault:
        raise runtime_fault(fault, location) from fault
