"""A worker's signs of life: anybody who looks at the queue can see whether somebody delivers."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, Double, bindparam, delete, update

from postroad.database.batch import Statement
from postroad.database.tables import worker
from postroad.outbox.stream_table import Streams, declared

BEAT_EVERY: Final = 10.0  # seconds

_BEAT = Statement(
    update(worker).where(worker.c.id == bindparam("worker")).values(heartbeat_at=bindparam("now", type_=Double))
)
_LEAVE = Statement(delete(worker).where(worker.c.id == bindparam("worker")))


class Beat(NamedTuple):
    """A sign of life."""

    worker: str
    now: float


def beat(connection: Connection, beats: Sequence[Beat]) -> list[Streams | Exception]:
    """Write down that workers live; returns what is declared for streams by now."""
    for one in beats:
        _BEAT.run(connection, worker=one.worker, now=one.now)
    return [declared(connection)] * len(beats)


def leave(connection: Connection, workers: Sequence[str]) -> list[Exception | None]:
    """Strike workers off that ended in order."""
    for one in workers:
        _LEAVE.run(connection, worker=one)
    return [None] * len(workers)
