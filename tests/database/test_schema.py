"""The migrations make the tables that the code reads and writes."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from postroad.database import schema
from postroad.database.database import Database
from postroad.database.schema import REVISIONS, VERSION_TABLE
from postroad.database.tables import metadata
from postroad.errors import ConfigurationError


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def set_version(connection: Connection, versions: Sequence[str]) -> list[int | Exception]:
    sql = f"UPDATE {VERSION_TABLE} SET version_num = ?"
    return [connection.exec_driver_sql(sql, (version,)).rowcount for version in versions]


def test_migrations_and_tables_are_the_same(tmp_path: Path) -> None:
    database = Database(url_of(tmp_path / "mail.db"))

    def differences(connection: Connection) -> list[object]:
        options = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    assert database.read(differences) == []
    database.close()


def test_partial_indexes_and_counters_are_the_same(tmp_path: Path) -> None:
    # What Alembic's comparison does not look at: the conditions of indexes, and AUTOINCREMENT.
    migrated = Database(url_of(tmp_path / "mail.db"))
    declared = create_engine("sqlite://")
    metadata.create_all(declared)

    def definitions(connection: Connection) -> dict[str, str]:
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql > '' AND type <> 'trigger'")
        noise = re.compile(r'[\s"]|postroad_(?:delivery|message)\.')
        return {name: noise.sub("", sql) for name, sql in rows if name not in (VERSION_TABLE, "sqlite_sequence")}

    with declared.connect() as connection:
        wanted = definitions(connection)
    assert migrated.read(definitions) == wanted
    migrated.close()
    declared.dispose()


def test_a_new_file_holds_what_the_migrations_make(tmp_path: Path) -> None:
    def dumped(path: Path) -> list[str]:
        with closing(sqlite3.connect(path)) as connection:
            return sorted(connection.iterdump())

    engine = create_engine(url_of(tmp_path / "migrated.db"))
    with engine.begin() as connection:
        schema.migrate(connection)
    engine.dispose()
    Database(url_of(tmp_path / "new.db")).close()
    assert dumped(tmp_path / "new.db") == dumped(tmp_path / "migrated.db")


def test_the_known_revisions_are_the_scripts() -> None:
    scripts = ScriptDirectory(str(Path(schema.__file__).with_name("migrations")))
    assert [script.revision for script in reversed(list(scripts.walk_revisions()))] == list(REVISIONS)


def test_a_database_of_a_newer_version_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "mail.db"
    database = Database(url_of(path))
    assert database.write(set_version, "9999") == 1
    database.close()
    with pytest.raises(ConfigurationError, match=r"mail\.db has the schema '9999' of a newer version"):
        Database(url_of(path))


def test_the_tables_of_the_application_stay(tmp_path: Path) -> None:
    path = tmp_path / "application.db"
    own = sqlite3.connect(path)
    own.execute("CREATE TABLE message (id INTEGER)")
    own.execute("CREATE TABLE alembic_version (version_num TEXT)")
    own.execute("INSERT INTO alembic_version VALUES ('theirs')")
    own.commit()
    own.close()
    database = Database(url_of(path))
    rows = database.read(lambda connection: connection.exec_driver_sql("SELECT * FROM alembic_version").all())
    assert [tuple(row) for row in rows] == [("theirs",)]
    database.close()


def test_a_current_database_opens_without_alembic(tmp_path: Path) -> None:
    url = url_of(tmp_path / "mail.db")
    Database(url).close()
    program = (
        "import sys; from postroad.database.database import Database; Database(sys.argv[1]).close();"
        "sys.exit('alembic' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program, url], check=True)


def test_what_older_tables_hold_is_brought_along(tmp_path: Path) -> None:
    path = tmp_path / "mail.db"
    engine = create_engine(url_of(path))
    recipients = {"Ann@b.example": "ann@b.example", "JÖRG@b.example": "jörg@b.example"}
    with engine.connect() as connection:
        schema.migrate(connection, REVISIONS[0])
        for number, recipient in enumerate(recipients):
            connection.exec_driver_sql(
                "INSERT INTO postroad_delivery (message_id, number, recipient, domain, site, priority, state, due_at,"
                " first_due_at, attempts, epoch, uncertain_ever, assumed, changed_at)"
                " VALUES ('m', ?, ?, 'b.example', 'b.example', 10, 'ready', 1, 1, 0, 0, ?, 0, 1)",
                (number, recipient, number),
            )
        connection.commit()
    engine.dispose()
    database = Database(url_of(path))

    def kept(connection: Connection, sql: str) -> dict[str, object]:
        return {row[0]: row[1] for row in connection.exec_driver_sql(sql)}

    keys = "SELECT recipient, recipient_key FROM postroad_delivery"
    assert database.read(lambda connection: kept(connection, keys)) == recipients
    counts = "SELECT state, number FROM postroad_tally"
    assert database.read(lambda connection: kept(connection, counts)) == {"ready": 2, "uncertain_ever": 1}
    database.close()
