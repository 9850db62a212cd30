"""Opening, sharing, forking and closing a database."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection

from postroad.database.database import Database
from postroad.errors import ConfigurationError, DatabaseError
from tests.database.streams import add_stream, streams


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def setting(connection: Connection, name: str) -> object:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


def test_every_connection_is_durable(tmp_path: Path) -> None:
    database = Database(url_of(tmp_path / "mail.db"))
    for ask in (database.read, lambda query: database.write(lambda connection, _: [query(connection)], None)):
        assert ask(lambda connection: setting(connection, "synchronous")) == 2  # FULL
        assert ask(lambda connection: setting(connection, "journal_mode")) == "wal"
    assert database.read(lambda connection: setting(connection, "page_size")) == 8192
    database.close()


def test_the_files_are_private(tmp_path: Path) -> None:
    database = Database(url_of(tmp_path / "mail.db"))
    database.write(add_stream, "x")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["mail.db", "mail.db-shm", "mail.db-wal", "mail.db-worker-lock", "mail.db-write-lock"]
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    database.close()
    assert not (tmp_path / "mail.db-wal").exists()  # written back


@pytest.mark.parametrize("name", ["missing/mail.db", "missing/deeper/mail.db"])
def test_a_missing_folder_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"the folder .*missing.* does not exist"):
        Database(url_of(tmp_path / name))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written"):
        Database(url_of(tmp_path))


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        folder = Path("/proc")  # where even root makes no file
    else:
        folder = tmp_path / "closed"
        folder.mkdir(mode=0o500)
    with pytest.raises(ConfigurationError, match=rf"{folder}/mail\.db cannot be written"):
        Database(url_of(folder / "mail.db"))


def test_a_file_of_another_kind_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but somebody's notes")
    with pytest.raises(ConfigurationError, match=r"notes\.txt is no SQLite database"):
        Database(url_of(path))
    assert path.read_text() == "not a database, but somebody's notes"
    assert list(tmp_path.iterdir()) == [path]


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mail.db"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 8000)
    with pytest.raises(ConfigurationError, match=r"mail\.db cannot be used"):
        Database(url_of(path))


def test_many_processes_open_one_new_database(tmp_path: Path) -> None:
    url = url_of(tmp_path / "mail.db")
    program = "import sys; from postroad.database.database import Database; Database(sys.argv[1]).close()"
    opening = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", program, url], stderr=subprocess.PIPE) for _ in range(4)
    ]
    said = [one.communicate()[1] for one in opening]
    assert [one.returncode for one in opening] == [0] * 4, said


def test_a_value_that_cannot_be_kept_is_not_blamed_on_the_disk(shared_database: str) -> None:
    database = Database(shared_database)
    with pytest.raises(DatabaseError) as caught:
        database.write(add_stream, object())  # type: ignore[arg-type]  # wrong on purpose
    assert "arguments of the call" in caught.value.advice
    assert database.read(streams) == set()
    database.close()


def test_nothing_is_written_into_a_file_that_was_deleted(tmp_path: Path) -> None:
    path = tmp_path / "mail.db"
    database = Database(url_of(path))
    database.write(add_stream, "before")
    path.rename(tmp_path / "away.db")
    with pytest.raises(DatabaseError, match=r"mail\.db was deleted or replaced while it was open"):
        database.write(add_stream, "into nothing")
    sqlite3.connect(path).close()
    path.touch()
    with pytest.raises(DatabaseError, match="nothing was written"):
        database.write(add_stream, "beside another")
    (tmp_path / "away.db").replace(path)
    database.write(add_stream, "after")
    assert database.read(streams) == {"before", "after"}
    database.close()


def test_a_reader_sees_one_state(shared_database: str) -> None:
    database = Database(shared_database)

    def look_twice(connection: Connection) -> tuple[set[str], set[str]]:
        before = streams(connection)
        writing = threading.Thread(target=database.write, args=(add_stream, "meanwhile"))
        writing.start()
        writing.join()
        return before, streams(connection)

    assert database.read(look_twice) == (set(), set())
    assert database.read(streams) == {"meanwhile"}
    database.close()


def test_a_watch_sees_other_connections(tmp_path: Path) -> None:
    url = url_of(tmp_path / "mail.db")
    database, other = Database(url), Database(url)
    watch = database.watch(lambda: None)
    assert not watch.changed()
    other.write(add_stream, "theirs")
    assert watch.changed()
    assert not watch.changed()
    database.write(add_stream, "ours")
    assert watch.changed()
    watch.close()
    database.close()
    other.close()


def test_a_watch_in_memory() -> None:
    database = Database("sqlite://")
    watch = database.watch(lambda: None)
    assert not watch.changed()
    database.write(add_stream, "ours")
    assert watch.changed()
    assert not watch.changed()
    watch.close()
    database.close()


def in_child(work: Callable[[], object]) -> int:
    """The exit status of a forked child that does the work; 1 where it raised."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as fault:  # noqa: BLE001  # the child must not go on with the test
            os.write(2, f"{type(fault).__name__}: {fault}\n".encode())
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_child_opens_the_database_for_itself(tmp_path: Path) -> None:
    database = Database(url_of(tmp_path / "mail.db"))
    database.write(add_stream, "before")

    def write_and_close() -> None:
        database.write(add_stream, "child")
        assert database.read(streams) == {"before", "child"}
        database.close()

    assert in_child(write_and_close) == 0
    database.write(add_stream, "after")
    assert database.read(streams) == {"before", "child", "after"}
    database.close()
    check = sqlite3.connect(tmp_path / "mail.db")
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()


def test_a_child_forked_while_the_writer_works(tmp_path: Path) -> None:
    database = Database(url_of(tmp_path / "mail.db"))
    stop = threading.Event()

    def keep_writing() -> None:
        number = 0
        while not stop.is_set():
            database.write(add_stream, f"parent-{number}")
            number += 1

    busy = threading.Thread(target=keep_writing)
    busy.start()
    try:
        results = [in_child(partial(database.write, add_stream, f"child-{number}")) for number in range(5)]
    finally:
        stop.set()
        busy.join()
    assert results == [0] * 5
    assert {f"child-{number}" for number in range(5)} <= database.read(streams)
    database.close()


def test_a_database_in_memory_stays_with_its_process() -> None:
    database = Database("sqlite://")

    def look() -> None:
        with pytest.raises(DatabaseError, match="in memory belongs to the process"):
            database.read(streams)

    assert in_child(look) == 0
    assert database.read(streams) == set()
    database.close()


def test_a_database_that_nobody_closes_closes_by_itself(tmp_path: Path) -> None:
    program = """
import sys
from postroad.database.database import Database
database = Database(sys.argv[1])
database.write(lambda connection, _: [connection.exec_driver_sql("DELETE FROM postroad_stream").rowcount], None)
"""
    url = url_of(tmp_path / "mail.db")
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program, url], capture_output=True, timeout=120, check=True
    )
    assert done.stderr == b""
    assert not (tmp_path / "mail.db-wal").exists()
