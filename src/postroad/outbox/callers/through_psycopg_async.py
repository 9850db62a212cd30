"""Through an asynchronous connection of psycopg 3."""

from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row

from postroad.database.driver import POSTGRESQL
from postroad.outbox.callers.steps import Answer
from postroad.outbox.callers.through_psycopg import check_transaction
from postroad.outbox.callers.words import Step


class ThroughAsyncPsycopg:
    """As ``ThroughPsycopg``."""

    engine: Final = POSTGRESQL

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    async def run(self, step: Step) -> Answer:
        words = step.words.pyformat.encode()
        async with psycopg.AsyncCursor(self._connection, row_factory=tuple_row) as cursor:
            if len(step.rows) > 1:
                await cursor.executemany(words, step.rows)
                return []
            await cursor.execute(words, step.rows[0] if step.rows else None)
            return list(await cursor.fetchall()) if step.words.answers else []

    async def begin(self) -> None:
        check_transaction(self._connection)
