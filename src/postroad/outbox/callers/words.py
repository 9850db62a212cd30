"""The statements of an enqueue as plain SQL that both engines read, in the placeholders of each driver.

Text and not SQLAlchemy's tables: it goes through foreign drivers, and past what a caller's connection would do to
tables on their way, such as another schema for each tenant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import LargeBinary, Table, Text

from postroad.database.driver import POSTGRESQL, SQLITE
from postroad.database.given import Type
from postroad.database.tables import content, delivery, event, message, suppression
from postroad.events import EventKind
from postroad.outbox.enqueue import CONTENT_COLUMNS, DELIVERY_COLUMNS, MESSAGE_COLUMNS
from postroad.outbox.states import DeliveryState


@dataclass(frozen=True, slots=True)
class Words:
    """One statement; its parameters have names."""

    named: str  # :name, as SQLAlchemy's text and SQLite write it
    pyformat: str  # %(name)s, as psycopg writes it
    answers: bool  # with rows


def _words(sql: str, **columns: Type) -> Words:
    """A statement with ``{name}`` where the parameter of this name goes."""
    named = {name: f":{name}" for name in columns}
    # Octets in binary form: as text they would be twice as long.
    pyformat = {name: f"%({name}){'b' if kind is LargeBinary else 's'}" for name, kind in columns.items()}
    answers = sql.startswith(("SELECT", "PRAGMA")) or " RETURNING " in sql
    return Words(sql.format(**named), sql.format(**pyformat), answers)


def _insert(table: Table, columns: Mapping[str, Type], suffix: str = "") -> Words:
    places = ", ".join([f"{{{name}}}" for name in columns])
    return _words(f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({places}){suffix}", **columns)  # noqa: S608


def _known(id_: str) -> str:
    return f"CAST({id_} AS text)"  # an expression has no declared type that an application's converter would answer to


INSERT_CONTENT: Final = _insert(content, CONTENT_COLUMNS)
INSERT_MESSAGE: Final = _insert(message, MESSAGE_COLUMNS)
# Whoever writes a key that another transaction is writing waits for it, and is told, not stopped.
INSERT_KEYED: Final = _insert(message, MESSAGE_COLUMNS, " ON CONFLICT DO NOTHING RETURNING id")
INSERT_DELIVERY: Final = _insert(delivery, DELIVERY_COLUMNS)
_DELIVERIES_OF: Final = f"FROM {delivery.name} WHERE message_id = {{message_id}}"
INSERT_QUEUED: Final = _words(
    f"INSERT INTO {event.name} (delivery_id, kind, at) SELECT id, '{EventKind.QUEUED}', changed_at"
    f" {_DELIVERIES_OF} ORDER BY id",
    message_id=DELIVERY_COLUMNS["message_id"],
)
INSERT_SUPPRESSED: Final = _words(
    f"INSERT INTO {event.name} (delivery_id, kind, at, detail)"
    f" SELECT id, '{EventKind.SUPPRESSED}', changed_at, {{detail}} {_DELIVERIES_OF}"
    " AND recipient_key = {recipient_key} ORDER BY id",
    message_id=DELIVERY_COLUMNS["message_id"],
    recipient_key=DELIVERY_COLUMNS["recipient_key"],
    detail=Text,
)
SUPPRESSED_OF: Final = _words(
    f"SELECT {_known('recipient')} {_DELIVERIES_OF} AND state = '{DeliveryState.SUPPRESSED}' ORDER BY number",
    message_id=DELIVERY_COLUMNS["message_id"],
)
# What the list says about mailboxes; their keys are one JSON value.
_LISTED: Final = (
    f"SELECT {_known('key')}, {_known('stream')}, {_known('reason')}, expires_at"  # noqa: S608
    f" FROM {suppression.name} WHERE key IN ({{}})"
)
LISTED: Final = {
    SQLITE: _words(_LISTED.format("SELECT value FROM json_each({keys})"), keys=Text),
    POSTGRESQL: _words(_LISTED.format("SELECT jsonb_array_elements_text(CAST({keys} AS jsonb))"), keys=Text),
}
KNOWN_KEY: Final = _words(
    f"SELECT {', '.join(map(_known, ('id', 'message_id', 'payload_hash')))}"  # noqa: S608
    f" FROM {message.name} WHERE idempotency_key = {{idempotency_key}}",
    idempotency_key=MESSAGE_COLUMNS["idempotency_key"],
)

SAVEPOINT: Final = _words("SAVEPOINT postroad")
BACK_TO_SAVEPOINT: Final = _words("ROLLBACK TO SAVEPOINT postroad")
RELEASE: Final = _words("RELEASE SAVEPOINT postroad")

# The first of SQLite's is "main". The question reads no table, so it begins no snapshot.
ON_SQLITE: Final = _words("PRAGMA database_list")
# It cannot fail, whatever is there: a failed statement would spoil the caller's transaction. Where that sees one state
# throughout (REPEATABLE READ), it is the state of now, as with any other first statement.
ON_POSTGRESQL: Final = _words(
    "SELECT CAST(extract(epoch FROM pg_postmaster_start_time()) AS text),"
    " (SELECT CAST(oid AS text) FROM pg_database WHERE datname = current_database()),"
    " CAST(CAST(to_regclass('postroad_message') AS oid) AS text),"
    " CAST(current_user AS text), host(inet_server_addr()), CAST(inet_server_port() AS text),"
    " CAST(current_database() AS text),"
    " current_setting('transaction_isolation'), current_setting('synchronous_commit'),"
    " current_setting('client_encoding')"
)


@dataclass(frozen=True, slots=True)
class Step:
    """A statement to be executed, once for each row of parameters; none: as it stands.

    What gives an answer is executed once.
    """

    words: Words
    rows: Sequence[Mapping[str, Any]] = ()
