"""Claims go by stream, too; and what scheduling keeps: sites, overrides, budgets, shares, reasons."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_empty = sa.text("''")


def upgrade() -> None:
    _lanes()
    for name, type_ in (("class", sa.String(24)), ("reason", sa.Text()), ("roads", sa.Text())):
        op.add_column("postroad_attempt", sa.Column(name, type_))
    op.add_column("postroad_worker", sa.Column("standing", sa.Text))
    _tables()


def _lanes() -> None:
    op.add_column("postroad_delivery", sa.Column("stream", sa.Text, nullable=False, server_default=_empty))
    delivery = sa.table("postroad_delivery", sa.column("message_id"), sa.column("stream"), sa.column("state"))
    message = sa.table("postroad_message", sa.column("id"), sa.column("stream"))
    stream = sa.select(message.c.stream).where(message.c.id == delivery.c.message_id).scalar_subquery()
    # Whatever may yet be claimed. What has ended keeps the empty name, and older workers write it: a lane like others.
    living = delivery.c.state.in_(["scheduled", "ready", "leased", "held", "uncertain"])
    op.get_bind().execute(sa.update(delivery).where(living).values(stream=sa.func.coalesce(stream, "")))
    waiting = sa.text("state IN ('ready', 'scheduled')")
    op.create_index(
        "postroad_delivery_lane",
        "postroad_delivery",
        ["site", "priority", "stream", "due_at"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.drop_index("postroad_delivery_due", "postroad_delivery")


def _tables() -> None:
    op.create_table(
        "postroad_share",
        sa.Column("worker", sa.String(36), primary_key=True),
        sa.Column("scope", sa.String(16), primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("divisor", sa.Integer, nullable=False),
    )
    op.create_table(
        "postroad_site",
        sa.Column("domain", sa.Text, primary_key=True),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("learnt_at", sa.Double, nullable=False),
    )
    op.create_table(
        "postroad_override",
        sa.Column("scope", sa.String(16), primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
        sa.Column("limits", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_table(
        "postroad_budget",
        sa.Column("scope", sa.String(16), primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("granted", sa.BigInteger, nullable=False),
    )
