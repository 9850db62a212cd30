"""What is to be executed to queue a message, step by step, without a driver: generators of steps that get the answers.

On SQLite the steps are all or nothing by a savepoint. PostgreSQL refuses everything after a failed statement by itself;
a savepoint for each message would cost it more than it gives.
"""

import contextlib
import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from postroad.database.driver import SQLITE
from postroad.database.faults import collided, database_faults
from postroad.outbox.callers.place import Standing, postgresql_standing, sqlite_standing
from postroad.outbox.callers.words import (
    BACK_TO_SAVEPOINT,
    INSERT_CONTENT,
    INSERT_DELIVERY,
    INSERT_KEYED,
    INSERT_MESSAGE,
    INSERT_QUEUED,
    INSERT_SUPPRESSED,
    KNOWN_KEY,
    LISTED,
    ON_POSTGRESQL,
    ON_SQLITE,
    RELEASE,
    SAVEPOINT,
    SUPPRESSED_OF,
    Step,
)
from postroad.outbox.enqueue import (
    CONTENT_COLUMNS,
    DELIVERY_COLUMNS,
    MESSAGE_COLUMNS,
    Queued,
    Rows,
    conflict,
    queued,
    reasons_of,
    rows_of,
)
from postroad.outbox.job import Job
from postroad.outbox.suppress import detail
from postroad.suppression.list import Suppressed

T = TypeVar("T")
Answer = list[Sequence[Any]]
Steps = Generator[Step, Answer, T]


@dataclass(frozen=True, slots=True)
class Unseen:
    """Another transaction has committed the key, but this one sees the database as it was before.

    ``fault`` is what the database said, should there be another reason for it.
    """

    fault: Exception


def standing(engine: str) -> Steps[Standing]:
    """Ask where a connection leads."""
    if engine == SQLITE:
        return sqlite_standing((yield Step(ON_SQLITE)))
    (row,) = yield Step(ON_POSTGRESQL)
    return postgresql_standing(row)


def written(job: Job, where: Standing) -> Steps[Queued | Exception | Unseen]:
    """Write a message; the answer to a repeated key is the first one's receipt, or why there is none."""
    if where.place.engine == SQLITE:
        return (yield from _all_or_nothing(_rows_written(job, where.place.engine)))
    if job.idempotency_key is None or not where.repeats_reads:
        return (yield from _rows_written(job, where.place.engine))
    try:
        return (yield from _all_or_nothing(_rows_written(job, where.place.engine)))
    except database_faults() as fault:
        if collided(fault):
            return Unseen(fault)
        raise


def _all_or_nothing(steps: Steps[T]) -> Steps[T]:
    yield Step(SAVEPOINT)
    try:
        answer = yield from steps
    except BaseException:
        with contextlib.suppress(*database_faults()):  # after a full disk SQLite has rolled everything back by itself
            yield Step(BACK_TO_SAVEPOINT)
            yield Step(RELEASE)
        raise
    yield Step(RELEASE)
    return answer


def _rows_written(job: Job, engine: str) -> Steps[Queued | Exception]:
    message = [_named(MESSAGE_COLUMNS, rows_of(job).message)]
    if job.idempotency_key is None:
        yield Step(INSERT_MESSAGE, message)
    elif not (yield Step(INSERT_KEYED, message)):
        return (yield from _again(job))
    # Asked after the first change: in SQLite, whoever has read before he writes may find that he cannot.
    keys = json.dumps(sorted({one.key for one in job.mail.envelope.recipients}))
    ended = reasons_of(Suppressed((yield Step(LISTED[engine], [{"keys": keys}]))), job)
    yield from _parts_written(rows_of(job, ended), ended)
    return queued(job, ended)


def _again(job: Job) -> Steps[Queued | Exception]:
    """The answer to a key that is known."""
    ((id_, message_id, hashed),) = yield Step(KNOWN_KEY, [{"idempotency_key": job.idempotency_key}])
    if hashed != job.payload_hash:
        return conflict(job, id_)
    names = yield Step(SUPPRESSED_OF, [{"message_id": id_}])
    return Queued(id_, message_id, duplicate=True, suppressed=tuple([name for (name,) in names]))


def _parts_written(rows: Rows, ended: Mapping[str, str]) -> Steps[None]:
    id_ = rows.message[0]
    yield Step(INSERT_CONTENT, [_named(CONTENT_COLUMNS, rows.content)])
    yield Step(INSERT_DELIVERY, [_named(DELIVERY_COLUMNS, row) for row in rows.deliveries])
    yield Step(INSERT_QUEUED, [{"message_id": id_}])
    said = [{"message_id": id_, "recipient_key": key, "detail": detail(reason)} for key, reason in ended.items()]
    if said:
        yield Step(INSERT_SUPPRESSED, said)


def _named(columns: Mapping[str, Any], row: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(columns, row, strict=True))
