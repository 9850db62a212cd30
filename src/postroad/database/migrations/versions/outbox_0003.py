"""Suppressions say more about themselves, and what is held too long is found without reading the queue."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("postroad_suppression", sa.Column("note", sa.Text))
    ends = sa.text("expires_at IS NOT NULL")
    op.create_index(
        "postroad_suppression_end", "postroad_suppression", ["expires_at"], sqlite_where=ends, postgresql_where=ends
    )
    held = sa.text("state = 'held'")
    op.create_index(
        "postroad_delivery_held", "postroad_delivery", ["expires_at"], sqlite_where=held, postgresql_where=held
    )
