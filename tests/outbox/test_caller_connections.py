"""Which connections an outbox writes through, however they are set up, and which it refuses, and how."""

import asyncio
import pickle
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy
from psycopg.rows import dict_row
from sqlalchemy import create_engine, event, text
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session, sessionmaker

from postroad.errors import ConfigurationError
from postroad.outbox.blocking import Outbox
from postroad.outbox.outbox import AsyncOutbox
from postroad.testing import capture
from postroad.transport.to_memory import MemoryTransport
from tests.outbox.letters import letter, wait_for_states
from tests.outbox.shops import by
from tests.peers.postgresql import Postgresql


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
def on_file(file: Path) -> Iterator[Outbox]:
    with Outbox(f"sqlite:///{file}") as outbox:
        yield outbox


@pytest.fixture
def on_server(server_database: str) -> Iterator[Outbox]:
    with Outbox(server_database) as outbox:
        yield outbox


@pytest.fixture
def to_file(file: Path, on_file: Outbox) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(file)
    yield connection
    connection.close()


@pytest.fixture
def to_server(server_database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(server_database) as connection:
        yield connection
        connection.rollback()


def queued(outbox: Outbox) -> int:
    return outbox.stats().states["ready"]


# ── kinds ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unknown_kind_is_told_what_is_taken(on_file: Outbox) -> None:
    engine = create_engine("sqlite://")
    with pytest.raises(ConfigurationError) as caught:
        on_file.send(letter(), connection=engine)  # type: ignore[arg-type]  # which is the point
    assert caught.value.message == (
        "connection: Outbox takes a SQLAlchemy Connection or Session, a psycopg 3 Connection or a sqlite3.Connection, "
        "not sqlalchemy.engine.base.Engine"
    )
    assert caught.value.setting == "connection"

    async def through() -> None:
        async with AsyncOutbox(on_file.url) as outbox:
            await outbox.send(letter(), connection=object())  # type: ignore[arg-type]  # which is the point

    with pytest.raises(ConfigurationError, match=r"AsyncOutbox takes a SQLAlchemy AsyncConnection or .* not builtins"):
        asyncio.run(through())


def test_an_asynchronous_connection_belongs_to_the_asynchronous_face(on_server: Outbox, server_database: str) -> None:
    engine = create_async_engine(by(server_database, "psycopg"))
    for one in (engine.connect(), AsyncSession(engine), async_scoped_session(async_sessionmaker(engine), lambda: None)):
        with pytest.raises(ConfigurationError, match=r"Outbox takes .*, not sqlalchemy\.ext\.asyncio") as caught:
            on_server.send(letter(), connection=one)  # type: ignore[arg-type]  # which is the point
        assert caught.value.advice == "Use AsyncOutbox with this connection."

    async def through() -> None:
        async with await psycopg.AsyncConnection.connect(server_database) as one:
            on_server.send(letter(), connection=one)  # type: ignore[arg-type]  # which is the point

    with pytest.raises(ConfigurationError, match=r"not psycopg\.AsyncConnection"):
        asyncio.run(through())


def test_a_blocking_connection_belongs_to_the_blocking_face(
    on_file: Outbox, to_file: sqlite3.Connection, to_server: psycopg.Connection[Any]
) -> None:
    engine = create_engine(on_file.url)

    async def refused(connection: Any) -> str:
        async with AsyncOutbox(on_file.url) as outbox:
            with pytest.raises(ConfigurationError, match="AsyncOutbox takes") as caught:
                await outbox.send(letter(), connection=connection)
            return caught.value.advice

    with engine.connect() as one, Session(engine) as session:
        for connection in (to_file, to_server, one, session, scoped_session(sessionmaker(engine))):
            assert asyncio.run(refused(connection)) == "Use Outbox with this connection."
    engine.dispose()


def test_sessions_that_are_scoped_are_taken(on_file: Outbox) -> None:
    engine = create_engine(on_file.url)
    scoped = scoped_session(sessionmaker(engine))
    on_file.send(letter(), connection=scoped)
    scoped.commit()
    scoped.remove()
    engine.dispose()
    assert queued(on_file) == 1

    async def through() -> None:
        asynchronous = create_async_engine(by(on_file.url, "aiosqlite"))
        scope = async_scoped_session(async_sessionmaker(asynchronous), asyncio.current_task)
        async with AsyncOutbox(on_file.url) as outbox:
            await outbox.send(letter(), connection=scope)
            await scope.commit()
            await scope.remove()
        await asynchronous.dispose()

    asyncio.run(through())
    assert queued(on_file) == 2


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)


def test_a_session_of_several_databases_is_asked_which(on_file: Outbox) -> None:
    engine = create_engine(on_file.url)
    Base.metadata.create_all(engine)
    with Session(binds={Order: engine}) as session:
        session.add(Order(id=1))
        with pytest.raises(ConfigurationError, match="no database for everything") as caught:
            on_file.send(letter(), connection=session)
        assert "session.connection(bind_arguments=" in caught.value.advice
        on_file.send(letter(), connection=session.connection(bind_arguments={"mapper": Order}))
        session.commit()
    engine.dispose()
    assert queued(on_file) == 1

    async def through() -> None:
        asynchronous = create_async_engine(by(on_file.url, "aiosqlite"))
        async with AsyncOutbox(on_file.url) as outbox, AsyncSession(binds={Order: asynchronous}) as session:
            await outbox.send(letter(), connection=session)

    with pytest.raises(ConfigurationError, match="no database for everything"):
        asyncio.run(through())


def test_the_drivers_own_savepoints_take_mail_back(
    on_server: Outbox, to_server: psycopg.Connection[Any], server_database: str
) -> None:
    with to_server.transaction():
        on_server.send(letter(), connection=to_server)
        with to_server.transaction():
            on_server.send(letter(), connection=to_server)
            if queued(on_server) == 0:  # nothing is committed
                raise psycopg.Rollback
    assert queued(on_server) == 1
    engine = create_engine(by(server_database, "psycopg"))
    with Session(engine) as session, session.begin():
        on_server.send(letter(), connection=session)
        with session.begin_nested() as nested:
            on_server.send(letter(), connection=session)
            nested.rollback()
    engine.dispose()
    assert queued(on_server) == 2


def test_another_engine_is_named(on_file: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        monkeypatch.setattr(engine.dialect, "name", "mysql")
        with pytest.raises(ConfigurationError, match="leads to mysql; an outbox is in SQLite or in PostgreSQL"):
            on_file.send(letter(), connection=connection)


# ── places ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_foreign_file_is_named(on_file: Outbox, file: Path, tmp_path: Path) -> None:
    on_file.send(letter())
    copy = tmp_path / "copy.db"
    with (
        sqlite3.connect(file) as original,
        sqlite3.connect(copy) as target,
    ):  # a copy has everything that a row can tell
        original.backup(target)
    for other, name in ((copy, f"the database {copy}"), (":memory:", "the database in memory")):
        connection = sqlite3.connect(other)
        with pytest.raises(ConfigurationError) as caught:
            on_file.send(letter(), connection=connection)
        assert caught.value.message == (f"the connection leads to {name}, but this outbox is in the database {file}")
        assert not connection.in_transaction
        connection.close()
    original.close()
    target.close()


def test_a_link_to_the_file_is_the_file(on_file: Outbox, file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(file)
    connection = sqlite3.connect(link)
    on_file.send(letter(), connection=connection)
    connection.commit()
    connection.close()
    assert queued(on_file) == 1


def test_what_is_attached_is_another_database(on_file: Outbox, file: Path) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("ATTACH ? AS mail", (str(file),))  # SQLite would not commit both at once
    with pytest.raises(ConfigurationError, match="leads to the database in memory"):
        on_file.send(letter(), connection=connection)
    connection.close()


def test_a_database_in_memory_is_nobody_elses() -> None:
    connection = sqlite3.connect(":memory:")
    itself = "this outbox has the database in memory to itself"
    with Outbox("sqlite://") as outbox, pytest.raises(ConfigurationError, match=itself):
        outbox.send(letter(), connection=connection)
    connection.close()


def test_a_foreign_database_on_the_server_is_named(
    on_server: Outbox, postgresql: Postgresql, migrated_template: str
) -> None:
    ours = on_server.url.rpartition("/")[2]
    other = postgresql.new_database(migrated_template)
    with psycopg.connect(postgresql.url(other)) as connection:
        connection.execute("CREATE TABLE orders (number integer)")
        with pytest.raises(ConfigurationError) as caught:
            on_server.send(letter(), connection=connection)
        assert f"leads to the database postgresql://postgres@{postgresql.endpoint}/{other}," in caught.value.message
        assert caught.value.message.endswith(f"/{ours}")
        connection.execute("SELECT * FROM orders")  # the transaction goes on
    postgresql.drop(other)


def test_another_engine_is_another_database(
    on_file: Outbox, on_server: Outbox, to_file: sqlite3.Connection, to_server: psycopg.Connection[Any]
) -> None:
    with pytest.raises(ConfigurationError, match=r"leads to the database postgresql://.*, but .* in the database /"):
        on_file.send(letter(), connection=to_server)
    with pytest.raises(ConfigurationError, match=r"leads to the database /.*, but .* in the database postgresql://"):
        on_server.send(letter(), connection=to_file)


def test_the_tables_must_be_the_ones_of_the_outbox(on_server: Outbox, to_server: psycopg.Connection[Any]) -> None:
    to_server.execute("CREATE SCHEMA shop CREATE TABLE postroad_message (LIKE public.postroad_message)")
    for path in ("shop, public", "shop", "nowhere"):
        to_server.execute(f"SET search_path = {path}".encode())
        with pytest.raises(ConfigurationError, match="as it should, but finds other tables there") as caught:
            on_server.send(letter(), connection=to_server)
        assert "search_path" in caught.value.advice
    to_server.execute("SET search_path = public, shop")
    on_server.send(letter(), connection=to_server)


def test_a_server_that_was_started_again_is_known_again(on_server: Outbox, to_server: psycopg.Connection[Any]) -> None:
    home = on_server._store.home
    on_server.send(letter(), connection=to_server)
    assert home._known is not None
    home._known = replace(home._known, key=("the moment it was started before", *home._known.key[1:]))
    on_server.send(letter(), connection=to_server)
    to_server.commit()
    assert queued(on_server) == 2


# ── transactions and settings ─────────────────────────────────────────────────────────────────────────────────────────

AUTOCOMMIT = "the connection is in autocommit and no transaction is begun"


def test_autocommit_is_refused_but_not_a_transaction_within_it(
    on_file: Outbox, file: Path, on_server: Outbox, server_database: str
) -> None:
    free: sqlite3.Connection = sqlite3.connect(file, isolation_level=None)
    with pytest.raises(ConfigurationError, match=AUTOCOMMIT):
        on_file.send(letter(), connection=free)
    free.execute("BEGIN")
    on_file.send(letter(), connection=free)
    free.execute("ROLLBACK")
    free.close()
    with psycopg.connect(server_database, autocommit=True) as one:
        with pytest.raises(ConfigurationError, match=AUTOCOMMIT):
            on_server.send(letter(), connection=one)
        with one.transaction():
            on_server.send(letter(), connection=one)
    assert (queued(on_file), queued(on_server)) == (0, 1)


@pytest.mark.parametrize("driver", ["pysqlite", "psycopg", "psycopg2"])
def test_autocommit_is_seen_through_sqlalchemy(
    on_file: Outbox, on_server: Outbox, server_database: str, driver: str
) -> None:
    outbox, url = (on_file, on_file.url) if driver == "pysqlite" else (on_server, server_database)
    engine = create_engine(by(url, driver), isolation_level="AUTOCOMMIT")
    with engine.connect() as one, pytest.raises(ConfigurationError, match=AUTOCOMMIT):
        outbox.send(letter(), connection=one)
    engine.dispose()
    assert queued(outbox) == 0


@pytest.mark.parametrize("driver", ["aiosqlite", "psycopg", "asyncpg"])
def test_autocommit_is_seen_through_the_asynchronous_face_of_sqlalchemy(
    on_file: Outbox, on_server: Outbox, server_database: str, driver: str
) -> None:
    url = on_file.url if driver == "aiosqlite" else server_database

    async def through() -> None:
        engine = create_async_engine(by(url, driver), isolation_level="AUTOCOMMIT")
        async with AsyncOutbox(url) as outbox, engine.connect() as one:
            with pytest.raises(ConfigurationError, match=AUTOCOMMIT):
                await outbox.send(letter(), connection=one)
        await engine.dispose()

    asyncio.run(through())
    assert queued(on_file) == queued(on_server) == 0


def test_autocommit_of_an_asynchronous_connection_is_refused(on_server: Outbox, server_database: str) -> None:
    async def through() -> None:
        one = await psycopg.AsyncConnection.connect(server_database, autocommit=True)
        async with AsyncOutbox(server_database) as outbox, one:
            with pytest.raises(ConfigurationError, match=AUTOCOMMIT):
                await outbox.send(letter(), connection=one)
            async with one.transaction():
                await outbox.send(letter(), connection=one)

    asyncio.run(through())
    assert queued(on_server) == 1


@pytest.mark.parametrize("level", ["", "DEFERRED", "IMMEDIATE", "EXCLUSIVE"])
def test_every_isolation_level_of_sqlite_will_do(on_file: Outbox, file: Path, level: Any) -> None:
    connection = sqlite3.connect(file, isolation_level=level)
    on_file.send(letter(), connection=connection, idempotency_key="a key")
    connection.rollback()
    first = on_file.send(letter(), connection=connection, idempotency_key="a key")
    assert connection.in_transaction
    connection.commit()
    assert on_file.send(letter(), connection=connection, idempotency_key="a key").id == first.id
    connection.close()
    assert queued(on_file) == 1


def test_who_begins_transactions_of_sqlite_by_hand_through_sqlalchemy_may(on_file: Outbox) -> None:
    engine = create_engine(on_file.url)

    @event.listens_for(engine, "connect")
    def let_alone(connection: Any, _record: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    with engine.connect() as one:
        on_file.send(letter(), connection=one)
        one.rollback()
        on_file.send(letter(), connection=one)
        one.commit()
    engine.dispose()
    assert queued(on_file) == 1


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.parametrize("driver", ["psycopg", "Connection psycopg", "Connection psycopg2"])
def test_a_key_that_the_transaction_cannot_see_is_found(
    on_server: Outbox, server_database: str, level: str, driver: str
) -> None:
    engine = create_engine(by(server_database, driver.rpartition(" ")[2]))
    connection: Any = psycopg.connect(server_database) if driver == "psycopg" else engine.connect()
    run = connection.execute if driver == "psycopg" else lambda sql: connection.execute(text(sql))
    run(f"SET TRANSACTION ISOLATION LEVEL {level}")
    run("CREATE TABLE orders (number integer)")
    run("SELECT count(*) FROM orders")  # what others commit from here on stays unseen, but for READ COMMITTED
    first = on_server.send(letter(), idempotency_key="a key")
    again = on_server.send(letter(), connection=connection, idempotency_key="a key")
    assert (again.id, again.duplicate) == (first.id, True)
    other = on_server.send(letter(), connection=connection, idempotency_key="another")
    connection.commit()
    connection.close()
    engine.dispose()
    assert {entry.id for entry in on_server.find()} == {first.id, other.id}


def test_a_commit_that_does_not_wait_for_the_disk_is_refused(
    on_server: Outbox, to_server: psycopg.Connection[Any]
) -> None:
    to_server.execute("SET LOCAL synchronous_commit = off")
    with pytest.raises(ConfigurationError, match="synchronous_commit is off") as caught:
        on_server.send(letter(), connection=to_server)
    assert "SET LOCAL synchronous_commit = on" in caught.value.advice
    to_server.execute("SET LOCAL synchronous_commit = on")
    on_server.send(letter(), connection=to_server)


def test_a_connection_that_cannot_carry_every_letter_is_refused(
    on_server: Outbox, to_server: psycopg.Connection[Any]
) -> None:
    to_server.execute("SET client_encoding = 'LATIN1'")
    with pytest.raises(ConfigurationError, match="client_encoding is LATIN1"):
        on_server.send(letter(subject="Zażółć"), connection=to_server)


# ── what a caller has made of his connection ──────────────────────────────────────────────────────────────────────────


def test_row_and_text_factories_of_sqlite_do_not_matter(on_file: Outbox, file: Path) -> None:
    connection = sqlite3.connect(file, detect_types=sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES)
    connection.row_factory = lambda _cursor, row: {"a row": row}
    connection.text_factory = bytes
    first = on_file.send(letter(), connection=connection, idempotency_key="a key")
    assert on_file.send(letter(), connection=connection, idempotency_key="a key").id == first.id
    connection.commit()
    connection.close()
    assert queued(on_file) == 1


@pytest.mark.parametrize("cursor", [psycopg.ClientCursor, psycopg.RawCursor, psycopg.ServerCursor])
def test_row_and_cursor_factories_of_psycopg_do_not_matter(
    on_server: Outbox, to_server: psycopg.Connection[Any], cursor: Any
) -> None:
    to_server.row_factory = dict_row
    to_server.cursor_factory = cursor
    first = on_server.send(letter(), connection=to_server, idempotency_key="a key")
    assert on_server.send(letter(), connection=to_server, idempotency_key="a key").id == first.id
    assert to_server.cursor_factory is cursor
    to_server.commit()
    assert queued(on_server) == 1


def test_a_pipeline_of_psycopg_is_used(on_server: Outbox, to_server: psycopg.Connection[Any]) -> None:
    with to_server.pipeline():
        first = on_server.send(letter("a@b.example", "c@b.example"), connection=to_server, idempotency_key="a key")
        assert on_server.send(letter("a@b.example", "c@b.example"), connection=to_server, idempotency_key="a key") == (
            replace(first, duplicate=True)
        )
    to_server.commit()
    assert queued(on_server) == 2


@pytest.mark.parametrize("style", ["named", "qmark"])
def test_paramstyles_and_schemas_of_sqlalchemy_do_not_matter(on_file: Outbox, style: Any) -> None:
    engine = create_engine(on_file.url, paramstyle=style)
    with engine.connect().execution_options(schema_translate_map={None: "tenant"}, stream_results=True) as one:
        first = on_file.send(letter("a@b.example", "c@b.example"), connection=one, idempotency_key="a key")
        again = on_file.send(letter("a@b.example", "c@b.example"), connection=one, idempotency_key="a key")
        assert again.id == first.id
        one.commit()
    engine.dispose()
    assert queued(on_file) == 2


# ── all or nothing, and waking ────────────────────────────────────────────────────────────────────────────────────────


def test_what_fails_halfway_leaves_nothing(on_file: Outbox, to_file: sqlite3.Connection) -> None:
    to_file.execute("CREATE TABLE orders (number integer)")
    to_file.execute("CREATE TRIGGER full BEFORE INSERT ON postroad_delivery BEGIN SELECT RAISE(ABORT, 'no room'); END")
    to_file.execute("INSERT INTO orders VALUES (1)")
    with pytest.raises(sqlite3.IntegrityError, match="no room"):
        on_file.send(letter(), connection=to_file, idempotency_key="a key")
    assert to_file.in_transaction
    to_file.execute("DROP TRIGGER full")
    assert not on_file.send(letter(), connection=to_file, idempotency_key="a key").duplicate
    to_file.commit()
    assert to_file.execute("SELECT number FROM orders").fetchall() == [(1,)]
    assert queued(on_file) == 1


def test_a_statement_that_rolls_everything_back_is_told_as_it_is(on_file: Outbox, to_file: sqlite3.Connection) -> None:
    to_file.execute("CREATE TRIGGER full BEFORE INSERT ON postroad_delivery BEGIN SELECT RAISE(ROLLBACK, 'gone'); END")
    with pytest.raises(sqlite3.IntegrityError, match="gone"):
        on_file.send(letter(), connection=to_file)
    assert not to_file.in_transaction


def test_nobody_is_notified_in_the_callers_transaction_but_by_wake(
    on_server: Outbox, to_server: psycopg.Connection[Any], postgresql: Postgresql, server_database: str
) -> None:
    with psycopg.connect(server_database, autocommit=True) as listener:
        listener.execute("LISTEN postroad")
        receipt = on_server.send(letter(), connection=to_server)
        to_server.commit()
        postgresql.execute("NOTIFY postroad, 'the first'", server_database.rpartition("/")[2])
        heard = listener.notifies(timeout=120)
        assert next(heard).payload == "the first"
        receipt.wake()
        assert next(heard).payload == ""
        heard.close()


def test_what_nobody_wakes_is_found_all_the_same(
    on_file: Outbox, to_file: sqlite3.Connection, on_server: Outbox, to_server: psycopg.Connection[Any]
) -> None:
    for outbox, connection in ((on_file, to_file), (on_server, to_server)):
        with outbox.worker(MemoryTransport()):
            outbox.send(letter(), connection=connection)
            connection.commit()
            wait_for_states(outbox, sent=1)


def test_a_receipt_outlives_its_outbox_and_travels(on_file: Outbox, to_file: sqlite3.Connection) -> None:
    receipt = on_file.send(letter(), connection=to_file)
    travelled = pickle.loads(pickle.dumps(receipt))
    assert travelled == receipt
    travelled.wake()
    to_file.commit()
    on_file.close()
    receipt.wake()


def test_what_a_test_captures_is_not_written(on_file: Outbox, to_file: sqlite3.Connection) -> None:
    with capture() as box:
        on_file.send(letter(), connection=to_file)
    assert len(box) == 1
    assert not to_file.in_transaction
