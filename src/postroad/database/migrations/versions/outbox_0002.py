"""Many processes, two engines: counts kept by the database, suppressions, and what a message asks of its transport."""

import sqlalchemy as sa
from alembic import op

from postroad.address import Address
from postroad.database.transaction_number import TransactionNumber

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _columns()
    _recipient_keys()
    _suppressions()
    _tally()
    if _on_postgresql():
        _count_on_postgresql()
    else:
        _count_on_sqlite()


def _columns() -> None:
    require_tls: sa.Column[bool] = sa.Column(
        "require_tls", sa.Boolean(create_constraint=False), nullable=False, server_default=sa.text("false")
    )
    op.add_column("postroad_message", sa.Column("dsn", sa.Text))
    op.add_column("postroad_message", require_tls)
    op.add_column("postroad_worker", sa.Column("epoch", sa.Integer, nullable=False, server_default=sa.text("1")))
    op.add_column("postroad_event", sa.Column("xact", sa.BigInteger, server_default=TransactionNumber()))
    known = sa.text("xact IS NOT NULL")
    op.create_index("postroad_event_xact", "postroad_event", ["xact"], sqlite_where=known, postgresql_where=known)


def _on_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _recipient_keys() -> None:
    op.add_column("postroad_delivery", sa.Column("recipient_key", sa.Text))
    delivery = sa.table("postroad_delivery", sa.column("id"), sa.column("recipient"), sa.column("recipient_key"))
    bind = op.get_bind()
    bind.execute(sa.update(delivery).values(recipient_key=sa.func.lower(delivery.c.recipient)))
    # What SQLite's lower() leaves alone: letters beyond ASCII, which few addresses have.
    beyond = sa.select(delivery.c.id, delivery.c.recipient).where(
        sa.func.length(delivery.c.recipient) < sa.func.length(sa.cast(delivery.c.recipient, sa.LargeBinary))
    )
    if not _on_postgresql():
        for id_, recipient in bind.execute(beyond).all():
            bind.execute(sa.update(delivery).where(delivery.c.id == id_).values(recipient_key=Address(recipient).key))
    op.create_index("postroad_delivery_recipient", "postroad_delivery", ["recipient_key", "id"])
    scheduled = sa.text("state = 'scheduled'")
    op.create_index(
        "postroad_delivery_scheduled",
        "postroad_delivery",
        ["due_at"],
        sqlite_where=scheduled,
        postgresql_where=scheduled,
    )


def _suppressions() -> None:
    op.create_table(
        "postroad_suppression",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double),
    )


def _tally() -> None:
    op.create_table(
        "postroad_tally",
        sa.Column("state", sa.String(16), primary_key=True),
        sa.Column("share", _number, primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
    op.execute("INSERT INTO postroad_tally SELECT state, 0, count(*) FROM postroad_delivery GROUP BY state")
    op.execute(
        "INSERT INTO postroad_tally "
        "SELECT 'uncertain_ever', 0, count(*) FROM postroad_delivery WHERE uncertain_ever HAVING count(*) > 0"
    )


# Triggers, so that the counts are true whoever writes: an older version of postroad, the application's transaction, or
# somebody with a database shell. Nothing is written where a state stays the same.


def _count_on_sqlite() -> None:
    came = _count_one_on_sqlite("NEW.state", +1)
    went = _count_one_on_sqlite("OLD.state", -1)
    unsure = _count_one_on_sqlite("'uncertain_ever'", +1)
    sure = _count_one_on_sqlite("'uncertain_ever'", -1)
    for name, when, steps in (
        ("insert", "AFTER INSERT ON postroad_delivery", came),
        ("delete", "AFTER DELETE ON postroad_delivery", went),
        ("update", "AFTER UPDATE OF state ON postroad_delivery WHEN NEW.state <> OLD.state", came + went),
        ("insert_unsure", "AFTER INSERT ON postroad_delivery WHEN NEW.uncertain_ever", unsure),
        ("delete_unsure", "AFTER DELETE ON postroad_delivery WHEN OLD.uncertain_ever", sure),
        (
            "update_unsure",
            "AFTER UPDATE OF uncertain_ever ON postroad_delivery WHEN NEW.uncertain_ever > OLD.uncertain_ever",
            unsure,
        ),
    ):
        op.execute(f"CREATE TRIGGER postroad_tally_{name} {when} BEGIN {steps} END")


def _count_one_on_sqlite(state: str, change: int) -> str:
    return (
        f"INSERT INTO postroad_tally (state, share, number) VALUES ({state}, 0, {change}) "  # noqa: S608  # literals
        f"ON CONFLICT (state, share) DO UPDATE SET number = number + {change};"
    )


# Each connection adds to a share of its own: a common row would make all writers wait for each other's commits.
_FUNCTION = """
CREATE FUNCTION postroad_tally_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO postroad_tally AS tally (state, share, number)
  SELECT state, pg_backend_pid(), sum(change) FROM ({changes}) AS changed
  GROUP BY state HAVING sum(change) <> 0 ORDER BY state
  ON CONFLICT (state, share) DO UPDATE SET number = tally.number + excluded.number;
  RETURN NULL;
END $$
"""
_STATES = (
    "SELECT state, {sign}1 AS change FROM {rows} "
    "UNION ALL SELECT 'uncertain_ever', {sign}1 FROM {rows} WHERE uncertain_ever"
)


def _count_on_postgresql() -> None:
    added, removed = _STATES.format(sign="", rows="added"), _STATES.format(sign="-", rows="removed")
    for name, changes, transition in (
        ("insert", added, "NEW TABLE AS added"),
        ("delete", removed, "OLD TABLE AS removed"),
        ("update", f"{added} UNION ALL {removed}", "OLD TABLE AS removed NEW TABLE AS added"),
    ):
        op.execute(_FUNCTION.format(name=name, changes=changes))
        op.execute(
            f"CREATE TRIGGER postroad_tally_{name} AFTER {name.upper()} ON postroad_delivery REFERENCING {transition} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION postroad_tally_{name}()"
        )
