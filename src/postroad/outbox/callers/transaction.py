"""Queueing a message in the caller's transaction, from either face of the outbox."""

import asyncio

from postroad.outbox.callers.caller import carry_out, carry_out_async
from postroad.outbox.callers.place import Home
from postroad.outbox.callers.recognise import async_caller, blocking_caller
from postroad.outbox.callers.steps import Unseen, standing, written
from postroad.outbox.enqueue import Queued, known
from postroad.outbox.job import Job


def enqueue_within(home: Home, connection: object, job: Job) -> Queued:
    """Write a message through a connection of blocking code; nothing is committed.

    Raises:
        ConfigurationError: the connection is none that can be used; nothing was written.
        IdempotencyConflict: the key is known with another message; the transaction goes on.
        Exception: the driver's own, as for any other statement.
    """
    caller = blocking_caller(connection)
    where = carry_out(standing(caller.engine), caller.run)
    home.check(where)
    caller.begin()
    answer = carry_out(written(job, where), caller.run)
    return _told(_seen(home, job, answer) if isinstance(answer, Unseen) else answer)


async def enqueue_within_async(home: Home, connection: object, job: Job) -> Queued:
    """As ``enqueue_within``, through a connection of asynchronous code."""
    caller = await async_caller(connection)
    where = await carry_out_async(standing(caller.engine), caller.run)
    if home.knows(where):
        home.check(where)
    else:
        await asyncio.to_thread(home.check, where)
    await caller.begin()
    answer = await carry_out_async(written(job, where), caller.run)
    return _told(await asyncio.to_thread(_seen, home, job, answer) if isinstance(answer, Unseen) else answer)


def _seen(home: Home, job: Job, unseen: Unseen) -> Queued | Exception:
    """What a connection of the outbox's own sees, which the caller's transaction does not."""
    return home.database.read(lambda connection: known(connection, job)) or unseen.fault


def _told(answer: Queued | Exception) -> Queued:
    if isinstance(answer, Exception):
        raise answer
    return answer
