"""Through a connection of psycopg 3."""

from typing import Any, Final

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from postroad.database.driver import POSTGRESQL
from postroad.outbox.callers.caller import refuse_autocommit
from postroad.outbox.callers.steps import Answer
from postroad.outbox.callers.words import Step


class ThroughPsycopg:
    """Uses cursors of its own, whatever row factory and cursor factory the connection has."""

    engine: Final = POSTGRESQL

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def run(self, step: Step) -> Answer:
        words = step.words.pyformat.encode()
        with psycopg.Cursor(self._connection, row_factory=tuple_row) as cursor:
            if len(step.rows) > 1:
                cursor.executemany(words, step.rows)
                return []
            cursor.execute(words, step.rows[0] if step.rows else None)
            return list(cursor.fetchall()) if step.words.answers else []

    def begin(self) -> None:
        check_transaction(self._connection)


def check_transaction(connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> None:
    """Return if what is executed next is part of a transaction; the driver begins one by itself.

    Raises:
        ConfigurationError: it is not.
    """
    if connection.autocommit and connection.info.transaction_status == TransactionStatus.IDLE:
        refuse_autocommit()
