"""Which version of the tables a database has, and bringing it up to ours."""

from enum import Enum, auto
from functools import cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, column, create_engine, select, table

from postroad.database.location import Location
from postroad.errors import ConfigurationError

VERSION_TABLE: Final = "postroad_version"  # not Alembic's usual name: the application may have migrations of its own
REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005")  # in order; the last is the one this code reads and writes


_GENERATION: Final = 2  # digits of a revision's name: steps within a generation only add, so older code works on


class Schema(Enum):
    """How a database stands to this code."""

    ABSENT = auto()
    OLDER = auto()
    CURRENT = auto()


def version_of(connection: Connection) -> str | None:
    """The revision of the tables; ``None`` where there are none of ours."""
    if not connection.dialect.has_table(connection, VERSION_TABLE):
        return None
    version: str | None = connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))
    return version


def schema_of(connection: Connection, location: Location) -> Schema:
    """How far the database is.

    Raises:
        ConfigurationError: its tables were made by a version of postroad that this one does not know.
    """
    version = version_of(connection)
    if version is None:
        return Schema.ABSENT
    if version not in REVISIONS:
        if version[:_GENERATION] == REVISIONS[-1][:_GENERATION]:
            return Schema.CURRENT  # newer, and good enough: another machine has been upgraded first
        raise ConfigurationError(
            f"{location.name} has the schema {version!r} of a newer version of postroad; here it is {REVISIONS[-1]!r}",
            setting="url",
            advice="Upgrade postroad here, or use another database.",
        )
    return Schema.CURRENT if version == REVISIONS[-1] else Schema.OLDER


def not_migrated(location: Location) -> ConfigurationError:
    """What to say of a server's database whose tables are missing or older; nobody but its owner changes those."""
    return ConfigurationError(
        f"{location.name} does not have the tables of this version of postroad",
        setting="url",
        advice=f"Run: postroad db migrate --db {location.url}",
    )


def make_tables(connection: Connection) -> None:
    """Make the tables in a SQLite database that has none of ours, in the transaction that the caller has begun."""
    for statement, values in _statements():
        connection.exec_driver_sql(statement, values)


@cache
def _statements() -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """What the migrations come to in an empty database: found out once, because they take ten times as long."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        migrate(connection)
        ours = connection.exec_driver_sql(
            "SELECT name, type, sql FROM sqlite_master WHERE name LIKE 'postroad%' ORDER BY rowid"
        ).all()
        statements: list[tuple[str, tuple[Any, ...]]] = [(one.sql, ()) for one in ours]
        for name in [one.name for one in ours if one.type == "table"]:
            for row in connection.exec_driver_sql(f"SELECT * FROM {name}"):  # noqa: S608  # our own names
                places = ", ".join("?" * len(row))
                statements.append((f"INSERT INTO {name} VALUES ({places})", tuple(row)))  # noqa: S608  # as above
    engine.dispose()
    return tuple(statements)


def migrate(connection: Connection, revision: str = REVISIONS[-1]) -> None:
    """Bring the tables up to ours, or to an older revision, in the transaction that the caller has begun."""
    # Loaded late: Alembic takes longer to import than the rest of the outbox, and is needed once in a database's life.
    from alembic import command
    from alembic.config import Config

    config = Config()
    folder = Path(__file__).with_name("migrations")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
