"""From a job to rows: a pure function, and the executor that writes many jobs in one go."""

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Boolean, Connection, Double, Integer, LargeBinary, Table, Text, insert, literal_column, select

from postroad.database.batch import Query, Statement, Type, given, given_values
from postroad.database.tables import content, delivery, event, message
from postroad.errors import IdempotencyConflict
from postroad.events import EventKind
from postroad.outbox.job import Job
from postroad.outbox.states import DeliveryState


class Rows(NamedTuple):
    """What a job is in the tables; the column names stand in ``*_COLUMNS``."""

    content: tuple[Any, ...]
    message: tuple[Any, ...]
    deliveries: list[tuple[Any, ...]]


class Queued(NamedTuple):
    """The message that stands in the outbox under this key: this one, or the first of its kind."""

    id: str
    message_id: str | None
    duplicate: bool


CONTENT_COLUMNS: Final[dict[str, Type]] = {"id": Text, "body": LargeBinary, "created_at": Double}
MESSAGE_COLUMNS: Final[dict[str, Type]] = {
    "id": Text,
    "content_id": Text,
    "stream": Text,
    "mail_from": Text,
    "message_id": Text,
    "subject": Text,
    "size": Integer,
    "body": Text,
    "smtputf8": Boolean,
    "tags": Text,
    "metadata": Text,
    "idempotency_key": Text,
    "payload_hash": Text,
    "created_at": Double,
    "send_at": Double,
    "expires_at": Double,
    "priority": Integer,
}
DELIVERY_COLUMNS: Final[dict[str, Type]] = {
    "message_id": Text,
    "number": Integer,
    "recipient": Text,
    "domain": Text,
    "site": Text,
    "priority": Integer,
    "state": Text,
    "due_at": Double,
    "first_due_at": Double,
    "expires_at": Double,
    "attempts": Integer,
    "epoch": Integer,
    "uncertain_ever": Boolean,
    "assumed": Boolean,
    "changed_at": Double,
}


def rows_of(job: Job) -> Rows:
    """The rows of a job. Asks nobody: the site is the domain until a worker knows better."""
    mail, now = job.mail, job.created_at
    sender = mail.envelope.mail_from
    tags = json.dumps(job.tags) if job.tags else "[]"
    metadata = json.dumps(dict(job.metadata)) if job.metadata else "{}"
    message_row = (
        job.id, job.id, job.stream, sender.addr_spec if sender else None, mail.message_id, job.subject,
        len(mail.content), mail.body.value, int(mail.smtputf8), tags, metadata, job.idempotency_key, job.payload_hash,
        now, job.send_at, job.expires_at, job.priority,
    )  # fmt: skip
    due = now if job.send_at is None else job.send_at
    state = DeliveryState.READY if job.send_at is None else DeliveryState.SCHEDULED
    deliveries: list[tuple[Any, ...]] = [
        (
            job.id, number, recipient.addr_spec, recipient.domain, recipient.domain, job.priority, state.value,
            due, due, job.expires_at, 0, 0, 0, 0, now,
        )
        for number, recipient in enumerate(mail.envelope.recipients)
    ]  # fmt: skip
    return Rows((job.id, mail.content, now), message_row, deliveries)


def _insert_given(table: Table, columns: dict[str, Type]) -> Statement:
    return Statement(insert(table).from_select(list(columns), select(given(**columns)), include_defaults=False))


_INSERT_CONTENTS = _insert_given(content, CONTENT_COLUMNS)
_INSERT_MESSAGES = _insert_given(message, MESSAGE_COLUMNS)
_INSERT_DELIVERIES = _insert_given(delivery, DELIVERY_COLUMNS)
_INSERT_QUEUED = Statement(
    insert(event).from_select(
        ["delivery_id", "kind", "at"],
        select(delivery.c.id, literal_column(f"'{EventKind.QUEUED}'"), delivery.c.changed_at)
        .where(delivery.c.message_id.in_(given_values(Text)))
        .order_by(delivery.c.id),
        include_defaults=False,
    )
)
_KNOWN_KEYS = Query(
    select(message.c.idempotency_key, message.c.id, message.c.message_id, message.c.payload_hash).where(
        message.c.idempotency_key.in_(given_values(Text))
    )
)


def enqueue(connection: Connection, jobs: Sequence[Job]) -> list[Queued | Exception]:
    """Write jobs; for one whose key is known, the first message's receipt, or an ``IdempotencyConflict``."""
    known = _known(connection, jobs)
    answers: list[Queued | Exception] = []
    fresh: list[Job] = []
    for job in jobs:
        first = known.get(job.idempotency_key) if job.idempotency_key is not None else None
        if first is None:
            fresh.append(job)
            if job.idempotency_key is not None:
                known[job.idempotency_key] = (job.id, job.mail.message_id, job.payload_hash)
            answers.append(Queued(job.id, job.mail.message_id, duplicate=False))
        else:
            answers.append(_again(job, *first))
    if fresh:
        _write(connection, [rows_of(job) for job in fresh])
    return answers


def _known(connection: Connection, jobs: Sequence[Job]) -> dict[str, tuple[str, str | None, str | None]]:
    keys = [job.idempotency_key for job in jobs if job.idempotency_key is not None]
    if not keys:
        return {}
    return {key: (id_, message_id, hashed) for key, id_, message_id, hashed in _KNOWN_KEYS.rows(connection, keys)}


def _again(job: Job, id_: str, message_id: str | None, hashed: str | None) -> Queued | Exception:
    if hashed != job.payload_hash:
        sentence = f"the idempotency key {job.idempotency_key!r} is in use for another message ({id_})"
        return IdempotencyConflict(sentence)
    return Queued(id_, message_id, duplicate=True)


def _write(connection: Connection, rows: Sequence[Rows]) -> None:
    _INSERT_CONTENTS.run(connection, [one.content for one in rows])
    _INSERT_MESSAGES.run(connection, [one.message for one in rows])
    _INSERT_DELIVERIES.run(connection, [row for one in rows for row in one.deliveries])
    _INSERT_QUEUED.run(connection, [one.message[0] for one in rows])
