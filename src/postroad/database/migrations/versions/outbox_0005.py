"""An attempt keeps the name that an email API gave the message, so that what its webhooks tell finds its delivery."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("postroad_attempt", sa.Column("remote_id", sa.Text))
    named = sa.text("remote_id IS NOT NULL")
    op.create_index(
        "postroad_attempt_remote", "postroad_attempt", ["remote_id"], sqlite_where=named, postgresql_where=named
    )
