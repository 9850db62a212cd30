"""The tables, laid for the whole outbox. The migrations make them; a test keeps the two the same.

All names begin with ``postroad_``, because the outbox may live in the database of the application that uses it.

Keys are made by whoever writes (UUIDv7 for messages), so that enqueueing needs no answer from the database. Nothing is
a foreign key: content, metadata and events expire separately, in small batches, and the rows of one message are written
in one transaction. Times are seconds since the epoch, UTC. Columns that a later version needs can be added without
rewriting a table; what would rewrite one (a key, the shape of the hot row) is settled here.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    literal_column,
    text,
)

from postroad.database.transaction_number import TransactionNumber

metadata = MetaData()

# SQLite numbers rows by itself only where the key's type is exactly INTEGER.
_Number = BigInteger().with_variant(Integer(), "sqlite")
_Id = String(36)  # a UUID in its canonical text form, the same in a shell, in a log and in JSON

# The content of a message, once for all its recipients. Apart from ``message``, because it is large, never changes, is
# read only to be sent, and is the first to be deleted.
content = Table(
    "postroad_content",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", Double, nullable=False),
)

# What is true of a message for all its recipients, and what people search for.
message = Table(
    "postroad_message",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("content_id", _Id, nullable=False),
    Column("stream", Text, nullable=False),
    Column("mail_from", Text),  # NULL is the null sender (RFC 5321 §4.5.5)
    Column("message_id", Text),  # the Message-ID header, with its brackets
    Column("subject", Text),
    Column("size", Integer, nullable=False),  # octets of content
    Column("body", String(8), nullable=False),  # 7BIT or 8BITMIME (RFC 6152)
    Column("smtputf8", Boolean(create_constraint=False), nullable=False),
    Column("tags", Text, nullable=False),  # JSON list
    Column("metadata", Text, nullable=False),  # JSON object
    Column("idempotency_key", Text),
    Column("payload_hash", String(64)),  # SHA-256 of envelope, content and stream, where there is a key
    Column("created_at", Double, nullable=False),
    Column("send_at", Double),
    Column("expires_at", Double),
    Column("priority", SmallInteger, nullable=False),
    Column("dsn", Text),  # JSON object: the request of RFC 3461, where there is one
    Column("require_tls", Boolean(create_constraint=False), nullable=False, server_default=text("false")),  # RFC 8689
)
Index(
    "postroad_message_key",
    message.c.idempotency_key,
    unique=True,
    sqlite_where=message.c.idempotency_key.is_not(None),
    postgresql_where=message.c.idempotency_key.is_not(None),
)

# One row for each recipient; the hot one: small, and changed three times in an ordinary life.
delivery = Table(
    "postroad_delivery",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("message_id", _Id, nullable=False),
    Column("number", SmallInteger, nullable=False),  # the place in the envelope, from 0; a retry of a final one goes on
    Column("recipient", Text, nullable=False),
    Column("domain", Text, nullable=False),
    Column("site", Text, nullable=False),  # its place in the queue: the domain; which site that is stands in ``site``
    Column("priority", SmallInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("due_at", Double, nullable=False),
    Column("first_due_at", Double, nullable=False),  # when the time allowed for trying began
    Column("expires_at", Double),  # repeated from the message: claims and flight records test it
    Column("attempts", Integer, nullable=False),
    Column("owner", _Id),  # the worker that has it, while it is leased
    Column("epoch", Integer, nullable=False),  # grows with every lease and whenever one is taken back: the fence
    Column("code", SmallInteger),  # the last reply
    Column("enhanced", String(11)),
    Column("phase", String(13)),
    Column("text", Text),
    Column("uncertain_ever", Boolean(create_constraint=False), nullable=False),
    Column("assumed", Boolean(create_constraint=False), nullable=False),  # sent by policy, not by a reply
    Column("retry_of", _Number),
    Column("changed_at", Double, nullable=False),
    Column("recipient_key", Text),  # Address.key; NULL where an older version has written the row
    Column("stream", Text, nullable=False, server_default=text("''")),  # repeated from the message: claims go by it
    sqlite_autoincrement=True,
)
Index("postroad_delivery_recipient", delivery.c.recipient_key, delivery.c.id)
Index("postroad_delivery_message", delivery.c.message_id, delivery.c.number, unique=True)
# Written out as literals: a partial index serves only a query that repeats its condition, and SQLite plans a statement
# anew at every execution that compares the column of such a condition with a parameter (60 µs instead of 10).
WAITING: Final = delivery.c.state.in_([literal_column("'ready'"), literal_column("'scheduled'")])
LEASED: Final = delivery.c.state == literal_column("'leased'")
# A claim goes by site, priority and stream, so that a backlog of one is never walked over for another.
Index(
    "postroad_delivery_lane",
    delivery.c.site,
    delivery.c.priority,
    delivery.c.stream,
    delivery.c.due_at,
    sqlite_where=WAITING,
    postgresql_where=WAITING,
)
SCHEDULED: Final = delivery.c.state == literal_column("'scheduled'")
Index("postroad_delivery_scheduled", delivery.c.due_at, sqlite_where=SCHEDULED, postgresql_where=SCHEDULED)
# So that a worker that starts finds a dead one's leases without reading the whole queue.
Index("postroad_delivery_leased", delivery.c.owner, sqlite_where=LEASED, postgresql_where=LEASED)
HELD: Final = delivery.c.state == literal_column("'held'")
Index("postroad_delivery_held", delivery.c.expires_at, sqlite_where=HELD, postgresql_where=HELD)

# The deliveries whose final dot may be out. Apart from ``delivery``: it is tiny, and read whole after a crash.
flight = Table(
    "postroad_flight",
    metadata,
    Column("delivery_id", _Number, primary_key=True, autoincrement=False),
    Column("owner", _Id, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("since", Double, nullable=False),
)

# Every try that reached a result; only ever added to.
attempt = Table(
    "postroad_attempt",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("delivery_id", _Number, nullable=False),
    Column("number", Integer, nullable=False),  # counted from 1
    Column("worker", _Id, nullable=False),
    Column("route", Text, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double, nullable=False),
    Column("result", String(8), nullable=False),  # accepted, refused, unknown
    Column("code", SmallInteger),
    Column("enhanced", String(11)),
    Column("phase", String(13), nullable=False),
    Column("text", Text),
    Column("class", String(24)),  # what a refusal means, and the reason in a word, as the classifier reads it
    Column("reason", Text),
    Column("roads", Text),  # JSON list: the roads of a composed route that it took, and why it went on
    Column("remote_id", Text),  # the name that an email API gave the message: its webhooks speak of it by that
    sqlite_autoincrement=True,
)
Index("postroad_attempt_delivery", attempt.c.delivery_id)
Index(
    "postroad_attempt_remote",
    attempt.c.remote_id,
    sqlite_where=attempt.c.remote_id.is_not(None),
    postgresql_where=attempt.c.remote_id.is_not(None),
)

# Every change of state, in the transaction that made it; only ever added to, and read by its number like a log.
event = Table(
    "postroad_event",
    metadata,
    Column("id", _Number, primary_key=True),
    Column("delivery_id", _Number, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("at", Double, nullable=False),
    Column("detail", Text),  # JSON object
    # Numbers are given before commits, and commits do not keep their order: who follows the log on PostgreSQL goes by
    # the transaction. NULL on SQLite, where one writes after the other.
    Column("xact", BigInteger, server_default=TransactionNumber()),
    sqlite_autoincrement=True,
)
Index(
    "postroad_event_xact",
    event.c.xact,
    sqlite_where=event.c.xact.is_not(None),
    postgresql_where=event.c.xact.is_not(None),
)
Index("postroad_event_delivery", event.c.delivery_id)

# The order in which everybody locks deliveries. Not the bare key: to be spared the sorting, SQLite would read the whole
# table in the order of its rows instead of the few that an index finds.
LOCKING_ORDER: Final = delivery.c.id + literal_column("0")

# What holds for a stream, where it differs from what is usual.
stream = Table(
    "postroad_stream",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", String(16), nullable=False),  # transactional or bulk: its schedule and its priority
    Column("uncertain", String(12), nullable=False),  # retry, hold or assume_sent
)

# Who delivers, and when it was last heard of.
worker = Table(
    "postroad_worker",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("route", Text, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("heartbeat_at", Double, nullable=False),  # by the database's clock, where it has one
    Column("epoch", Integer, nullable=False, server_default=text("1")),  # grows when one comes back that was given up
    Column("standing", Text),  # JSON object: what it keeps to and waits for now, for whoever asks why
)

# By how many a worker divides the limits of an account or a stream that others use, too: the live ones it knows of.
share = Table(
    "postroad_share",
    metadata,
    Column("worker", _Id, primary_key=True),
    Column("scope", String(16), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("divisor", Integer, nullable=False),  # 0: it has just come, and uses nothing yet
)

# How many deliveries are in each state, kept by the database itself (see the migration that made it), because counting
# millions of rows takes seconds. Whoever writes at the same time adds to a share of its own; the sum counts.
tally = Table(
    "postroad_tally",
    metadata,
    Column("state", String(16), primary_key=True),  # or uncertain_ever
    Column("share", _Number, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)

# Who gets no mail from us, or none of a stream, until when, and why.
suppression = Table(
    "postroad_suppression",
    metadata,
    Column("key", Text, primary_key=True),  # Address.key
    Column("stream", Text, primary_key=True),  # empty: all of them
    Column("address", Text, nullable=False),  # as it was given
    Column("reason", String(16), nullable=False),
    Column("source", Text),  # what told so, such as an event or a person
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("note", Text),  # for whoever reads the list
)
_ENDS = suppression.c.expires_at.is_not(None)
Index("postroad_suppression_end", suppression.c.expires_at, sqlite_where=_ENDS, postgresql_where=_ENDS)

# Who receives for a domain, where that is not the domain itself: many domains may be one site.
site = Table(
    "postroad_site",
    metadata,
    Column("domain", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("learnt_at", Double, nullable=False),
)

# Limits that hold for a while, learnt from replies or set by somebody; beside those in the workers' rules.
override = Table(
    "postroad_override",
    metadata,
    Column("scope", String(16), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("since", Double, nullable=False),
    Column("until", Double, nullable=False),
    Column("limits", Text, nullable=False),  # JSON object
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
)

# What was granted of a day's ceiling (warm-up, daily limits); workers take grants ahead, so that none counts twice.
budget = Table(
    "postroad_budget",
    metadata,
    Column("scope", String(16), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),  # since the epoch, UTC
    Column("granted", BigInteger, nullable=False),
)

# What must not be tried for a while, and why. A scope and a key name it: ``route`` and the route's name; ``site``,
# ``domain``, ``stream``, ``account`` or ``source`` and its name.
suspension = Table(
    "postroad_suspension",
    metadata,
    Column("scope", String(16), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("since", Double, nullable=False),
    Column("until", Double),  # NULL: until somebody resumes it
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
)
