"""Which driver a caller's connection belongs to, told by its type.

No driver is imported to find out: a connection of it can only exist where the application has loaded it.
"""

import sqlite3
import sys
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection

from postroad.errors import ConfigurationError
from postroad.outbox.callers.caller import AsyncCaller, Caller
from postroad.outbox.callers.through_sqlalchemy import ThroughSqlalchemy, connection_of
from postroad.outbox.callers.through_sqlalchemy_async import ThroughAsyncSqlalchemy, async_connection_of
from postroad.outbox.callers.through_sqlite3 import ThroughSqlite3

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_scoped_session
    from sqlalchemy.orm import Session, scoped_session

    BlockingConnection = Connection | Session | scoped_session[Any] | psycopg.Connection[Any] | sqlite3.Connection
    AsynchronousConnection = AsyncConnection | AsyncSession | async_scoped_session[Any] | psycopg.AsyncConnection[Any]
else:  # so that whoever reads the annotations of a signature needs none of the drivers
    BlockingConnection = AsynchronousConnection = object

# Django's comes here as well, with a file of its own beside the others.
_BLOCKING: Final = "a SQLAlchemy Connection or Session, a psycopg 3 Connection or a sqlite3.Connection"
_ASYNCHRONOUS: Final = "a SQLAlchemy AsyncConnection or AsyncSession or a psycopg 3 AsyncConnection"

_ORM: Final = "sqlalchemy.orm"
_ASYNC: Final = "sqlalchemy.ext.asyncio"


def blocking_caller(connection: object) -> Caller:
    """The executor for a connection of blocking code.

    Raises:
        ConfigurationError: it is none that is known here; what is taken is named.
    """
    found: Any = connection
    if isinstance(found, sqlite3.Connection):
        return ThroughSqlite3(found)
    if _is_of(found, "psycopg", "Connection"):
        from postroad.outbox.callers.through_psycopg import ThroughPsycopg  # imports psycopg, which is optional

        return ThroughPsycopg(found)
    if _is_of(found, _ORM, "scoped_session"):
        found = found()
    if _is_of(found, _ORM, "Session"):
        found = connection_of(found)
    if isinstance(found, Connection):
        return ThroughSqlalchemy(found)
    raise _refusal(connection, _BLOCKING, "Outbox", other="AsyncOutbox", elsewhere=_is_asynchronous(connection))


async def async_caller(connection: object) -> AsyncCaller:
    """The executor for a connection of asynchronous code.

    Raises:
        ConfigurationError: it is none that is known here; what is taken is named.
    """
    found: Any = connection
    if _is_of(found, "psycopg", "AsyncConnection"):
        from postroad.outbox.callers.through_psycopg_async import ThroughAsyncPsycopg  # imports psycopg as well

        return ThroughAsyncPsycopg(found)
    if _is_of(found, _ASYNC, "async_scoped_session"):
        found = found()
    if _is_of(found, _ASYNC, "AsyncSession"):
        found = await async_connection_of(found)
    if _is_of(found, _ASYNC, "AsyncConnection"):
        return await ThroughAsyncSqlalchemy.over(found)
    raise _refusal(connection, _ASYNCHRONOUS, "AsyncOutbox", other="Outbox", elsewhere=_is_blocking(connection))


def _is_of(connection: object, module: str, name: str) -> bool:
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(connection, getattr(loaded, name))


def _is_asynchronous(connection: object) -> bool:
    names = ("AsyncConnection", "AsyncSession", "async_scoped_session")
    return any(_is_of(connection, _ASYNC, name) for name in names) or _is_of(connection, "psycopg", "AsyncConnection")


def _is_blocking(connection: object) -> bool:
    return (
        isinstance(connection, (Connection, sqlite3.Connection))
        or _is_of(connection, "psycopg", "Connection")
        or any(_is_of(connection, _ORM, name) for name in ("Session", "scoped_session"))
    )


def _refusal(connection: object, taken: str, face: str, *, other: str, elsewhere: bool) -> ConfigurationError:
    kind = type(connection)
    sentence = f"connection: {face} takes {taken}, not {kind.__module__}.{kind.__qualname__}"
    advice = f"Use {other} with this connection." if elsewhere else "Give one of these, or leave connection out."
    return ConfigurationError(sentence, setting="connection", advice=advice)
