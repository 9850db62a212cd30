"""A worker's signs of life: anybody who looks at the queue can see whether somebody delivers.

On PostgreSQL they are more: a worker that gives none for ``GIVEN_UP_AFTER`` has its leases taken away by the others,
each of which looks for such whenever its own heart beats.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, delete, update

from postroad.database.batch import Statement
from postroad.database.server_time import TimeOfDatabase
from postroad.database.tables import worker
from postroad.outbox.overdue import expire_held
from postroad.outbox.recover import Arrival, Recovered, reclaim
from postroad.outbox.stream_table import declared

BEAT_EVERY: Final = 10.0  # seconds
GIVEN_UP_AFTER: Final = 30.0  # seconds: three beats, so that a moment without the database costs nobody anything

_BEAT = Statement(
    update(worker)
    .where(worker.c.id == bindparam("worker"), worker.c.epoch == bindparam("life"))
    .values(heartbeat_at=TimeOfDatabase())
)
_LEAVE = Statement(delete(worker).where(worker.c.id == bindparam("worker")))


def beat(connection: Connection, beats: Sequence[Arrival]) -> list[Recovered | Exception | None]:
    """Write down that workers live, and look after the others; ``None`` to one that had been given up."""
    return [_beat(connection, one) for one in beats]


def _beat(connection: Connection, one: Arrival) -> Recovered | None:
    if not _BEAT.changed(connection, worker=one.id, life=one.epoch, now=one.now):
        return None
    expire_held(connection, one.now)
    if one.patience <= 0:  # there are no others
        return Recovered(declared(connection), 0, 0)
    return reclaim(connection, one)


def leave(connection: Connection, workers: Sequence[str]) -> list[Exception | None]:
    """Strike workers off that ended in order."""
    for one in workers:
        _LEAVE.run(connection, worker=one)
    return [None] * len(workers)
