"""The outbox's first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_id = sa.String(36)


def upgrade() -> None:
    _messages()
    _deliveries()
    _history()
    _workers()


def _messages() -> None:
    op.create_table(
        "postroad_content",
        sa.Column("id", _id, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    op.create_table(
        "postroad_message",
        sa.Column("id", _id, primary_key=True),
        sa.Column("content_id", _id, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("mail_from", sa.Text),
        sa.Column("message_id", sa.Text),
        sa.Column("subject", sa.Text),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("body", sa.String(8), nullable=False),
        sa.Column("smtputf8", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("payload_hash", sa.String(64)),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("send_at", sa.Double),
        sa.Column("expires_at", sa.Double),
        sa.Column("priority", sa.SmallInteger, nullable=False),
    )
    known = sa.text("idempotency_key IS NOT NULL")
    op.create_index(
        "postroad_message_key",
        "postroad_message",
        ["idempotency_key"],
        unique=True,
        sqlite_where=known,
        postgresql_where=known,
    )


def _deliveries() -> None:
    op.create_table(
        "postroad_delivery",
        sa.Column("id", _number, primary_key=True),
        sa.Column("message_id", _id, nullable=False),
        sa.Column("number", sa.SmallInteger, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("priority", sa.SmallInteger, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("due_at", sa.Double, nullable=False),
        sa.Column("first_due_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("owner", _id),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("code", sa.SmallInteger),
        sa.Column("enhanced", sa.String(11)),
        sa.Column("phase", sa.String(13)),
        sa.Column("text", sa.Text),
        sa.Column("uncertain_ever", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("assumed", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("retry_of", _number),
        sa.Column("changed_at", sa.Double, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("postroad_delivery_message", "postroad_delivery", ["message_id", "number"], unique=True)
    waiting, leased = sa.text("state IN ('ready', 'scheduled')"), sa.text("state = 'leased'")
    op.create_index(
        "postroad_delivery_due",
        "postroad_delivery",
        ["site", "priority", "due_at"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_index(
        "postroad_delivery_leased", "postroad_delivery", ["owner"], sqlite_where=leased, postgresql_where=leased
    )
    op.create_table(
        "postroad_flight",
        sa.Column("delivery_id", _number, primary_key=True, autoincrement=False),
        sa.Column("owner", _id, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
    )


def _history() -> None:
    op.create_table(
        "postroad_attempt",
        sa.Column("id", _number, primary_key=True),
        sa.Column("delivery_id", _number, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("worker", _id, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double, nullable=False),
        sa.Column("result", sa.String(8), nullable=False),
        sa.Column("code", sa.SmallInteger),
        sa.Column("enhanced", sa.String(11)),
        sa.Column("phase", sa.String(13), nullable=False),
        sa.Column("text", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("postroad_attempt_delivery", "postroad_attempt", ["delivery_id"])
    op.create_table(
        "postroad_event",
        sa.Column("id", _number, primary_key=True),
        sa.Column("delivery_id", _number, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("detail", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("postroad_event_delivery", "postroad_event", ["delivery_id"])


def _workers() -> None:
    op.create_table(
        "postroad_stream",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("uncertain", sa.String(12), nullable=False),
    )
    op.create_table(
        "postroad_worker",
        sa.Column("id", _id, primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("heartbeat_at", sa.Double, nullable=False),
    )
    op.create_table(
        "postroad_suspension",
        sa.Column("scope", sa.String(16), primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("until", sa.Double),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
