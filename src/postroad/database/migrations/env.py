"""How Alembic runs here: on the connection that it is handed, within its caller's transaction."""

from alembic import context

from postroad.database.schema import VERSION_TABLE
from postroad.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
context.run_migrations()
