"""Through SQLAlchemy: a ``Connection``, or the one that a ``Session`` uses, over whatever driver it has."""

from functools import cache
from typing import TYPE_CHECKING, cast

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import UnboundExecutionError

from postroad.database.driver import POSTGRESQL, SQLITE
from postroad.errors import ConfigurationError
from postroad.outbox.callers.caller import plain, refuse_autocommit
from postroad.outbox.callers.steps import Answer
from postroad.outbox.callers.through_sqlite3 import SqliteConnection, beginning
from postroad.outbox.callers.words import Step, Words

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class ThroughSqlalchemy:
    """Executes on the connection, which begins its transaction by itself, as with any other statement.

    Raises:
        ConfigurationError: it leads to an engine that holds no outbox.
    """

    def __init__(self, connection: Connection) -> None:
        self.engine = connection.dialect.name
        if self.engine not in (SQLITE, POSTGRESQL):
            sentence = f"the connection leads to {self.engine}; an outbox is in SQLite or in PostgreSQL"
            raise ConfigurationError(sentence, setting="connection")
        self._connection = connection

    def run(self, step: Step) -> Answer:
        result = self._connection.execute(_text(step.words), list(step.rows) or None)
        return plain(result.all()) if step.words.answers else []

    def begin(self) -> None:
        # It has begun one by now, as SQLAlchemy counts; what the driver has done about it is another matter.
        pooled = self._connection.connection
        assert pooled.dbapi_connection is not None  # it has just answered
        if self.engine == POSTGRESQL:
            if self._connection.dialect.detect_autocommit_setting(pooled.dbapi_connection):
                refuse_autocommit()
            return
        words = beginning(cast("SqliteConnection", pooled.driver_connection))
        if words is not None:
            self._connection.exec_driver_sql(words)


@cache
def _text(words: Words) -> TextClause:
    return text(words.named)


def connection_of(session: "Session") -> Connection:
    """The connection that the session's transaction is on.

    Raises:
        ConfigurationError: the session has one for some tables and another for others.
    """
    try:
        return session.connection()
    except UnboundExecutionError as fault:
        raise several_databases() from fault


def several_databases() -> ConfigurationError:
    """What to say of a session that has no database for everything."""
    return ConfigurationError(
        "the session has no database for everything, but one for some tables and another for others",
        setting="connection",
        advice='Say which: connection=session.connection(bind_arguments={"mapper": Order}).',
    )
