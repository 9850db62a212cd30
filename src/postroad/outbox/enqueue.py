"""From a job to rows: a pure function, and the executor that writes many jobs in one go.

What goes through a caller's connection instead is in ``callers``; the rows are the same.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Boolean,
    Connection,
    Double,
    Insert,
    Integer,
    LargeBinary,
    Table,
    Text,
    bindparam,
    insert,
    literal_column,
    select,
)

from postroad.database.batch import OctetsInsert, Query, Returning, Statement
from postroad.database.given import Type, given, given_values
from postroad.database.tables import content, delivery, event, message
from postroad.errors import IdempotencyConflict
from postroad.events import EventKind
from postroad.outbox.dsn_column import written_dsn
from postroad.outbox.job import Job
from postroad.outbox.states import DeliveryState
from postroad.outbox.suppress import detail
from postroad.suppression.list import Suppressed, suppressed


class Rows(NamedTuple):
    """What a job is in the tables; the column names stand in ``*_COLUMNS``."""

    content: tuple[Any, ...]
    message: tuple[Any, ...]
    deliveries: list[tuple[Any, ...]]


class Queued(NamedTuple):
    """The message that stands in the outbox under this key: this one, or the first of its kind.

    ``suppressed`` are the recipients who get nothing, because they are on the suppression list.
    """

    id: str
    message_id: str | None
    duplicate: bool
    suppressed: tuple[str, ...] = ()


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
    "dsn": Text,
    "require_tls": Boolean,
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
    "recipient_key": Text,
    "stream": Text,
}


def rows_of(job: Job, suppressed: Collection[str] = ()) -> Rows:
    """The rows of a job. Asks nobody: the site is the domain until a worker knows better.

    ``suppressed`` are the keys of the recipients who get nothing; their deliveries have ended when they begin.
    """
    mail, now = job.mail, job.created_at
    sender = mail.envelope.mail_from
    tags = json.dumps(job.tags) if job.tags else "[]"
    metadata = json.dumps(dict(job.metadata)) if job.metadata else "{}"
    message_row = (
        job.id, job.id, job.stream, sender.addr_spec if sender else None, mail.message_id, _without_nul(job.subject),
        len(mail.content), mail.body.value, mail.smtputf8, tags, metadata, job.idempotency_key, job.payload_hash,
        now, job.send_at, job.expires_at, job.priority, written_dsn(mail.envelope.dsn), mail.envelope.require_tls,
    )  # fmt: skip
    due = now if job.send_at is None else job.send_at
    state = DeliveryState.READY if job.send_at is None else DeliveryState.SCHEDULED
    deliveries: list[tuple[Any, ...]] = [
        (
            job.id, number, recipient.addr_spec, recipient.domain, recipient.domain, job.priority,
            DeliveryState.SUPPRESSED.value if recipient.key in suppressed else state.value,
            due, due, job.expires_at, 0, 0, False, False, now, recipient.key, job.stream,
        )
        for number, recipient in enumerate(mail.envelope.recipients)
    ]  # fmt: skip
    return Rows((job.id, mail.content, now), message_row, deliveries)


def _without_nul(text: str | None) -> str | None:
    """PostgreSQL keeps no NUL in a text; an encoded word may hold one."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}") if text and "\0" in text else text


def _insert_given(table: Table, columns: dict[str, Type]) -> Insert:
    rows = select(given(**columns)).where(literal_column("true"))  # which keeps ON CONFLICT apart from a join's ON
    return insert(table).from_select(list(columns), rows, include_defaults=False)


_INSERT_CONTENTS = OctetsInsert(content, CONTENT_COLUMNS, _insert_given(content, CONTENT_COLUMNS))
_INSERT_MESSAGES = Statement(_insert_given(message, MESSAGE_COLUMNS))
# Another process may have the same key in its hands: the later one waits for it, and is told, not stopped.
_INSERT_KEYED = Returning(_insert_given(message, MESSAGE_COLUMNS), suffix=" ON CONFLICT DO NOTHING RETURNING id")
_INSERT_DELIVERIES = Statement(_insert_given(delivery, DELIVERY_COLUMNS))
_INSERT_QUEUED = Statement(
    insert(event).from_select(
        ["delivery_id", "kind", "at"],
        select(delivery.c.id, literal_column(f"'{EventKind.QUEUED}'"), delivery.c.changed_at)
        .where(delivery.c.message_id.in_(given_values(Text)))
        .order_by(delivery.c.id),
        include_defaults=False,
    )
)
_ended = given(message_id=Text, recipient_key=Text, detail=Text)
_INSERT_SUPPRESSED = Statement(
    insert(event).from_select(
        ["delivery_id", "kind", "at", "detail"],
        select(delivery.c.id, literal_column(f"'{EventKind.SUPPRESSED}'"), delivery.c.changed_at, _ended.c.detail)
        .select_from(_ended.join(delivery, delivery.c.message_id == _ended.c.message_id))
        .where(delivery.c.recipient_key == _ended.c.recipient_key)
        .order_by(delivery.c.id),
        include_defaults=False,
    )
)
_SUPPRESSED_OF = Query(
    select(delivery.c.recipient)
    .where(
        delivery.c.message_id == bindparam("id"), delivery.c.state == literal_column(f"'{DeliveryState.SUPPRESSED}'")
    )
    .order_by(delivery.c.number)
)
_KNOWN_KEYS = Query(
    select(message.c.idempotency_key, message.c.id, message.c.message_id, message.c.payload_hash).where(
        message.c.idempotency_key.in_(given_values(Text))
    )
)


def enqueue(connection: Connection, jobs: Sequence[Job]) -> list[Queued | Exception]:
    """Write jobs; for one whose key is known, the first message's receipt, or an ``IdempotencyConflict``."""
    keyed = [job for job in jobs if job.idempotency_key is not None]
    repeated = _insert_keyed(connection, keyed) if keyed else {}
    fresh = [job for job in jobs if job.id not in repeated]
    ended = _suppressed(connection, fresh)
    if fresh:
        rows = [rows_of(job, ended.get(job.id, ())) for job in fresh]
        _INSERT_MESSAGES.run(connection, [one.message for one in rows if one.message[_KEY] is None])
        _write(connection, rows)
        _say_suppressed(connection, ended)
    return [repeated[job.id] if job.id in repeated else queued(job, ended.get(job.id, ())) for job in jobs]


def _suppressed(connection: Connection, jobs: Sequence[Job]) -> dict[str, dict[str, str]]:
    """Why recipients get nothing, by their keys, of each job that has such."""
    listed = suppressed(connection, list({one.key for job in jobs for one in job.mail.envelope.recipients}))
    return {job.id: reasons for job in jobs if (reasons := reasons_of(listed, job))} if listed else {}


def reasons_of(listed: Suppressed, job: Job) -> dict[str, str]:
    """Why recipients of a job get nothing, by their keys."""
    keys = (recipient.key for recipient in job.mail.envelope.recipients)
    found = ((key, listed.reason(key, job.stream, job.created_at)) for key in keys)
    return {key: reason for key, reason in found if reason is not None}


def _say_suppressed(connection: Connection, ended: Mapping[str, Mapping[str, str]]) -> None:
    rows = [(id_, key, detail(reason)) for id_, reasons in ended.items() for key, reason in reasons.items()]
    _INSERT_SUPPRESSED.run(connection, rows)


def queued(job: Job, keys: Collection[str]) -> Queued:
    """The answer to a job that was written; ``keys`` are of the recipients who get nothing."""
    names = tuple([one.addr_spec for one in job.mail.envelope.recipients if one.key in keys]) if keys else ()
    return Queued(job.id, job.mail.message_id, duplicate=False, suppressed=names)


_KEY: Final = list(MESSAGE_COLUMNS).index("idempotency_key")


def _insert_keyed(connection: Connection, jobs: Sequence[Job]) -> dict[str, Queued | Exception]:
    """Write the messages of jobs with keys; the answers to those, by their ids, whose key was known."""
    # In the order of their keys: two who write the same keys then never wait for each other.
    rows = [rows_of(job).message for job in sorted(jobs, key=_key)]
    written = {id_ for (id_,) in _INSERT_KEYED.rows(connection, rows)}
    repeated = [job for job in jobs if job.id not in written]
    if not repeated:
        return {}
    first = {key: rest for key, *rest in _KNOWN_KEYS.rows(connection, [job.idempotency_key for job in repeated])}
    return {job.id: _again(connection, job, *first[str(job.idempotency_key)]) for job in repeated}


def known(connection: Connection, job: Job) -> Queued | Exception | None:
    """The answer to a job whose key stands in the outbox; ``None`` where it does not."""
    rows = _KNOWN_KEYS.rows(connection, [job.idempotency_key])
    return _again(connection, job, *rows[0][1:]) if rows else None


def _key(job: Job) -> str:
    return job.idempotency_key or ""


def _again(
    connection: Connection, job: Job, id_: str, message_id: str | None, hashed: str | None
) -> Queued | Exception:
    if hashed != job.payload_hash:
        return conflict(job, id_)
    names = tuple([recipient for (recipient,) in _SUPPRESSED_OF.rows(connection, id=id_)])
    return Queued(id_, message_id, duplicate=True, suppressed=names)


def conflict(job: Job, id_: str) -> IdempotencyConflict:
    """What to say where another message has the job's key."""
    return IdempotencyConflict(f"the idempotency key {job.idempotency_key!r} is in use for another message ({id_})")


def _write(connection: Connection, rows: Sequence[Rows]) -> None:
    _INSERT_CONTENTS.run(connection, [one.content for one in rows])
    _INSERT_DELIVERIES.run(connection, [row for one in rows for row in one.deliveries])
    _INSERT_QUEUED.run(connection, [one.message[0] for one in rows])
