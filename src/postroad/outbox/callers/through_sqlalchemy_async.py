"""Through SQLAlchemy's asynchronous face: an ``AsyncConnection``, or the one that an ``AsyncSession`` uses."""

from typing import TYPE_CHECKING, Self

from sqlalchemy.exc import UnboundExecutionError

from postroad.outbox.callers.steps import Answer
from postroad.outbox.callers.through_sqlalchemy import ThroughSqlalchemy, several_databases
from postroad.outbox.callers.words import Step

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession


class ThroughAsyncSqlalchemy:
    """Runs the blocking executor where SQLAlchemy lets it wait for the driver."""

    def __init__(self, connection: "AsyncConnection", blocking: ThroughSqlalchemy) -> None:
        self._connection = connection
        self._blocking = blocking
        self.engine = blocking.engine

    @classmethod
    async def over(cls, connection: "AsyncConnection") -> Self:
        """Raises ``ConfigurationError`` as ``ThroughSqlalchemy`` does."""
        return cls(connection, await connection.run_sync(ThroughSqlalchemy))

    async def run(self, step: Step) -> Answer:
        return await self._connection.run_sync(lambda _: self._blocking.run(step))

    async def begin(self) -> None:
        await self._connection.run_sync(lambda _: self._blocking.begin())


async def async_connection_of(session: "AsyncSession") -> "AsyncConnection":
    """The connection that the session's transaction is on.

    Raises:
        ConfigurationError: the session has one for some tables and another for others.
    """
    try:
        return await session.connection()
    except UnboundExecutionError as fault:
        raise several_databases() from fault
