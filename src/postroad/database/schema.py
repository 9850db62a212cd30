"""Which version of the tables a database has, and bringing it up to ours."""

from enum import Enum, auto
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, column, select, table

from postroad.database.location import Location
from postroad.errors import ConfigurationError

VERSION_TABLE: Final = "postroad_version"  # not Alembic's usual name: the application may have migrations of its own
REVISIONS: Final = ("0001",)  # in order; the last is the one this code reads and writes


class Schema(Enum):
    """How a database stands to this code."""

    ABSENT = auto()
    OLDER = auto()
    CURRENT = auto()


def schema_of(connection: Connection, location: Location) -> Schema:
    """How far the database is.

    Raises:
        ConfigurationError: its tables were made by a version of postroad that this one does not know.
    """
    if not connection.dialect.has_table(connection, VERSION_TABLE):
        return Schema.ABSENT
    version = connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))
    if version is None:
        return Schema.ABSENT
    if version not in REVISIONS:
        raise ConfigurationError(
            f"{location.name} has the schema {version!r} of a newer version of postroad; here it is {REVISIONS[-1]!r}",
            setting="url",
            advice="Upgrade postroad here, or use another database.",
        )
    return Schema.CURRENT if version == REVISIONS[-1] else Schema.OLDER


def migrate(connection: Connection) -> None:
    """Bring the tables up to ours, in the transaction that the caller has begun."""
    # Loaded late: Alembic takes longer to import than the rest of the outbox, and is needed once in a database's life.
    from alembic import command
    from alembic.config import Config

    config = Config()
    folder = Path(__file__).with_name("migrations")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
