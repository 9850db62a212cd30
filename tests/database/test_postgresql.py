"""A database on a PostgreSQL server: opening, migrating, losing and finding it again."""

import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from postroad.database import driver
from postroad.database.database import Database
from postroad.database.engine import open_engine
from postroad.database.location import read_url
from postroad.database.migrate import Migrated, migrate_database
from postroad.database.schema import REVISIONS, VERSION_TABLE, migrate
from postroad.database.tables import metadata
from postroad.errors import ConfigurationError, DatabaseError, MissingExtra
from tests.database.streams import add_stream, streams
from tests.database.test_database import in_child
from tests.peers.postgresql import Postgresql
from tests.peers.waiting import wait_until


@pytest.fixture
def database(server_database: str) -> Iterator[Database]:
    opened = Database(server_database)
    yield opened
    opened.close()


# ── tables ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_tables_the_command_that_makes_them_is_named(empty_server_database: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Database(empty_server_database)
    name = empty_server_database.rpartition("/")[2]
    assert f"/{name} does not have the tables" in caught.value.message
    assert "Run: postroad db migrate --db postgresql://postgres@" in caught.value.advice


def test_several_may_migrate_at_once(empty_server_database: str) -> None:
    done: list[Migrated] = []
    threads = [threading.Thread(target=lambda: done.append(migrate_database(empty_server_database))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.after for one in done] == [REVISIONS[-1]] * 4
    database = Database(empty_server_database)

    def differences(connection: Connection) -> list[object]:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    assert database.read(differences) == []
    database.close()
    assert migrate_database(empty_server_database) == Migrated(REVISIONS[-1], REVISIONS[-1])


@pytest.mark.parametrize(("version", "works"), [("0099", True), ("9901", False)])
def test_tables_that_only_grew_serve_an_older_version(
    postgresql: Postgresql, server_database: str, version: str, works: bool
) -> None:
    postgresql.execute(f"UPDATE {VERSION_TABLE} SET version_num = '{version}'", server_database.rpartition("/")[2])
    if works:
        Database(server_database).close()
        return
    with pytest.raises(ConfigurationError, match="schema '9901' of a newer version"):
        Database(server_database)


@pytest.fixture
def older_database(empty_server_database: str) -> str:
    """One with the first tables, and a delivery in them."""
    engine = open_engine(read_url(empty_server_database))
    with engine.connect() as connection:
        migrate(connection, REVISIONS[0])
        connection.exec_driver_sql(
            "INSERT INTO postroad_delivery (message_id, number, recipient, domain, site, priority, state, due_at,"
            " first_due_at, attempts, epoch, uncertain_ever, assumed, changed_at)"
            " VALUES ('m', 0, 'Ann@b.example', 'b.example', 'b.example', 10, 'ready', 1, 1, 0, 0, true, false, 1)"
        )
    engine.dispose()
    return empty_server_database


def test_what_older_tables_hold_is_brought_along(postgresql: Postgresql, older_database: str) -> None:
    assert migrate_database(older_database) == Migrated(REVISIONS[0], REVISIONS[-1])
    name = older_database.rpartition("/")[2]
    assert postgresql.execute("SELECT recipient_key FROM postroad_delivery", name) == [("ann@b.example",)]
    assert sorted(postgresql.execute("SELECT state, number FROM postroad_tally", name)) == [
        ("ready", 1),
        ("uncertain_ever", 1),
    ]


def test_a_migration_does_not_wait_for_long_where_a_table_is_in_use(
    older_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # While it waits, everybody who comes after it waits too.
    monkeypatch.setattr("postroad.database.migrate._LOCK_TIMEOUT", "SET LOCAL lock_timeout = '10ms'")
    monkeypatch.setattr("postroad.database.migrate.PAUSE", 0.001)
    monkeypatch.setattr("postroad.database.migrate.TRIES", 3)
    with psycopg.connect(older_database) as reader:
        reader.execute("SELECT * FROM postroad_message")
        with pytest.raises(DatabaseError, match="lock timeout"):
            migrate_database(older_database)
    assert migrate_database(older_database).after == REVISIONS[-1]


def test_a_migration_that_is_in_anothers_way_is_begun_again(
    older_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postroad.database.migrate.PAUSE", 0.001)
    real, tries = migrate, []

    def crossing(connection: Connection) -> None:
        tries.append(1)
        if len(tries) == 1:
            connection.exec_driver_sql("DO $$ BEGIN RAISE 'in the way' USING ERRCODE = '40P01'; END $$")
        real(connection)

    monkeypatch.setattr("postroad.database.migrate.migrate", crossing)
    assert migrate_database(older_database).after == REVISIONS[-1]
    assert len(tries) == 2


# ── the server ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_server_that_would_lose_commits_is_refused(postgresql: Postgresql, server_database: str) -> None:
    name = server_database.rpartition("/")[2]
    postgresql.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    with pytest.raises(ConfigurationError, match="synchronous_commit is off"):
        Database(server_database)


def test_a_wrong_account_is_a_setting_and_a_server_that_is_away_is_trouble(server_database: str) -> None:
    scheme, _, rest = server_database.partition("postgres:")
    with pytest.raises(ConfigurationError, match="authentication failed") as caught:
        Database(f"{scheme}postgres:wr0ng{rest}")
    assert "wr0ng" not in f"{caught.value}{caught.value.advice}"
    with pytest.raises(ConfigurationError, match="does not exist"):
        Database(f"{server_database}-x")
    with pytest.raises(DatabaseError, match="cannot be used") as away:
        Database("postgresql://ann:s3cret@127.0.0.1:1/mail")
    assert "s3cret" not in f"{away.value}{away.value.advice}"


def test_a_password_that_is_missing_is_a_setting(server_database: str) -> None:
    scheme, _, rest = server_database.partition("postgres:")
    with pytest.raises(ConfigurationError, match="no password supplied"):
        Database(f"{scheme}postgres@{rest.partition('@')[2]}")


@pytest.mark.parametrize(
    ("sql", "advice"),
    [
        ("SELECT * FROM postroad_nothing", "dropped or renamed"),
        ("SET ROLE pg_monitor; SELECT * FROM postroad_stream", "Grant the account"),
        ("SELECT 1 / 0", "log of the database server"),
        ("SELECT pg_terminate_backend(pg_backend_pid())", "runs and can be reached"),
    ],
)
def test_trouble_of_a_server_comes_with_advice_that_fits(database: Database, sql: str, advice: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        database.read(lambda connection: connection.exec_driver_sql(sql))
    assert advice in caught.value.advice


@pytest.mark.parametrize(
    "sentence",
    [
        "the database system is starting up",
        "the database system is not yet accepting connections\nDETAIL:  Consistent recovery state is yet to come.",
        "the database system is not accepting connections\nDETAIL:  Hot standby mode is disabled.",
        "the database system is shutting down",
        "the database system is in recovery mode",
        "terminating connection due to unexpected postmaster exit",
        "sorry, too many clients already",
    ],
)
def test_a_server_that_serves_nobody_now_is_trouble(
    server_database: str, monkeypatch: pytest.MonkeyPatch, sentence: str
) -> None:
    def refused(**_: object) -> None:
        raise psycopg.OperationalError(f"connection failed: FATAL:  {sentence}")

    monkeypatch.setattr(psycopg, "connect", refused)
    with pytest.raises(DatabaseError, match="cannot be used"):
        Database(server_database)


def test_options_that_nobody_knows_are_refused(server_database: str) -> None:
    with pytest.raises(ConfigurationError, match="options of the URL"):
        Database(f"{server_database}?no_such_option=1")


def test_a_server_that_went_away_and_came_back_is_used_again() -> None:
    with Postgresql() as server:
        url = server.url(server.new_database())
        migrate_database(url)
        database = Database(url)
        heard = threading.Event()
        watch = database.watch(heard.set)
        database.write(add_stream, "before")
        assert database.read(streams) == {"before"}
        server.kill()
        heard.clear()
        with pytest.raises(DatabaseError):
            database.write(add_stream, "meanwhile")
        with pytest.raises(DatabaseError):
            database.read(streams)
        server.start()
        assert wait_until(lambda: again(database), "the server")
        assert database.read(streams) == {"before", "after"}
        assert heard.wait(60)
        watch.close()
        database.close()


def again(database: Database) -> str | None:
    try:
        return database.write(add_stream, "after")
    except DatabaseError:
        return None


def test_a_connection_that_was_cut_while_idle_costs_nobody_anything(
    postgresql: Postgresql, database: Database, server_database: str
) -> None:
    database.write(add_stream, "before")
    assert database.read(streams) == {"before"}
    name = server_database.rpartition("/")[2]
    postgresql.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    database.write(add_stream, "after")
    assert database.read(streams) == {"before", "after"}


def test_none_of_many_readers_hears_of_connections_that_were_cut_while_idle(
    postgresql: Postgresql, database: Database, server_database: str
) -> None:
    together = threading.Barrier(3, timeout=120)
    readers = [threading.Thread(target=database.read, args=(lambda _: together.wait(),)) for _ in range(3)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    name = server_database.rpartition("/")[2]
    postgresql.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    assert database.read(streams) == set()


@pytest.mark.parametrize("news", [True, False])
def test_a_watch_calls_when_somebody_has_written(server_database: str, database: Database, news: bool) -> None:
    heard, other = threading.Event(), Database(server_database)
    watch = database.watch(heard.set)
    assert heard.wait(60)  # the first look
    while watch.changed():
        heard.clear()
    other.write(add_stream, "theirs", news=news)
    assert heard.wait(60)
    wait_until(lambda: watch.changed() or None, "the change")
    watch.close()
    other.close()


def test_a_forked_child_opens_connections_of_its_own(database: Database) -> None:
    database.write(add_stream, "before")
    watch = database.watch(lambda: None)

    def write_and_close() -> None:
        database.write(add_stream, "child")
        assert database.read(streams) == {"before", "child"}
        database.close()

    assert in_child(write_and_close) == 0
    database.write(add_stream, "after")
    assert database.read(streams) == {"before", "child", "after"}
    watch.close()


@pytest.mark.parametrize("notices", ["the writer", "the server"])
def test_transactions_in_each_others_way_are_begun_again(server_database: str, notices: str) -> None:
    """The writer does not wait for as long as the server usually does before it looks for deadlocks."""
    options = "" if notices == "the writer" else "?options=-c%20deadlock_timeout%3D5ms"
    database, other = (Database(f"{server_database}{options}") for _ in range(2))
    database.write(add_stream, "a")
    database.write(add_stream, "b")
    both = threading.Barrier(2, timeout=120)
    tries: list[str] = []

    def cross(connection: Connection, orders: Sequence[str]) -> list[str | Exception]:
        for order in orders:
            tries.append(order)
            first = "UPDATE postroad_stream SET kind = 'x' WHERE name = %s RETURNING name"
            driver.execute(connection, first, (order[0],)).fetchone()  # its answer: it may have been sent ahead only
            if len(tries) <= 2:
                both.wait()
            connection.exec_driver_sql("UPDATE postroad_stream SET kind = 'x' WHERE name = %s", (order[1],))
        return list(orders)

    crossing = threading.Thread(target=other.write, args=(cross, "ba"))
    crossing.start()
    assert database.write(cross, "ab") == "ab"
    crossing.join()
    assert len(tries) > 2
    other.close()
    database.close()


def test_without_its_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)  # as where it is not installed
    with pytest.raises(MissingExtra, match="psycopg is not installed") as caught:
        Database("postgresql://ann@host/mail")
    assert "pip install 'postroad[postgres]'" in caught.value.advice


def test_a_commit_that_was_lost_on_its_way_is_called_so(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(connection: Connection, sql: str) -> None:
        driver: Any = connection.connection.dbapi_connection
        if sql == "COMMIT":
            driver.execute(sql)
            driver.close()
        raise psycopg.OperationalError("the connection is lost")

    with monkeypatch.context() as patched:
        patched.setattr("postroad.database.group.execute", cut)
        with pytest.raises(DatabaseError, match="nobody knows whether it was written: the connection is lost"):
            database.write(add_stream, "perhaps")
    assert database.read(streams) == {"perhaps"}
    database.write(add_stream, "after")
