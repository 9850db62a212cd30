"""The one thread that writes: groups, errors of one item, callers of both kinds."""

import asyncio
import errno
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection

from postroad.database import writer as writing
from postroad.database.database import Database
from postroad.database.lock_file import LockFile
from postroad.errors import DatabaseError
from tests.peers.waiting import wait_until


@pytest.fixture(params=["file", "memory"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path / 'mail.db'}"
    opened = Database(url)
    opened.write(lambda connection, _: [connection.exec_driver_sql("CREATE TABLE t (x INTEGER UNIQUE)").rowcount], None)
    yield opened
    opened.close()


def add(connection: Connection, numbers: Sequence[int]) -> list[int | Exception]:
    connection.exec_driver_sql(f"INSERT INTO t VALUES {','.join('(?)' for _ in numbers)}", tuple(numbers))
    return list(numbers)


def stored(database: Database) -> list[int]:
    return database.read(
        lambda connection: [row[0] for row in connection.exec_driver_sql("SELECT x FROM t ORDER BY x")]
    )


class Gate:
    """Work that keeps the writer busy until it is let go, so that others gather behind it."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()
        self.groups: list[int] = []

    def hold(self, connection: Connection, payloads: Sequence[None]) -> list[Exception | None]:
        self.reached.set()
        self.opened.wait(60)
        return [None] * len(payloads)

    def count(self, connection: Connection, payloads: Sequence[int]) -> list[int | Exception]:
        self.groups.append(len(payloads))
        return add(connection, payloads)


def test_what_gathers_becomes_one_group(database: Database) -> None:
    async def many() -> None:
        gate = Gate()
        busy = database.submit(gate.hold, None)
        await asyncio.to_thread(gate.reached.wait)
        waiting = [database.submit(gate.count, number) for number in range(100)]
        gate.opened.set()
        assert await asyncio.gather(*waiting) == list(range(100))
        assert gate.groups == [100]
        await busy

    asyncio.run(many())
    assert stored(database) == list(range(100))


def test_a_group_is_bounded_by_items_and_octets(database: Database) -> None:
    async def many() -> None:
        gate = Gate()
        busy = database.submit(gate.hold, None)
        await asyncio.to_thread(gate.reached.wait)
        small = [database.submit(gate.count, number) for number in range(writing.GROUP_ITEMS + 1)]
        large = [database.submit(gate.count, 1000 + n, octets=writing.GROUP_OCTETS // 2) for n in range(5)]
        gate.opened.set()
        await asyncio.gather(busy, *small, *large)
        assert gate.groups == [writing.GROUP_ITEMS, 3, 2, 1]  # the first large ones fit in with the last small one

    asyncio.run(many())


def test_the_error_of_one_item_is_its_own(database: Database) -> None:
    async def many() -> list[int | BaseException]:
        gate = Gate()
        busy = database.submit(gate.hold, None)
        await asyncio.to_thread(gate.reached.wait)
        waiting = [database.submit(add, number) for number in (1, 2, 2, 3)]  # the second 2 breaks the group
        gate.opened.set()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        await busy
        return results

    one, two, again, three = asyncio.run(many())
    assert (one, two, three) == (1, 2, 3)
    assert isinstance(again, DatabaseError)
    assert "UNIQUE" in again.message
    assert stored(database) == [1, 2, 3]


def test_an_error_that_is_a_result_does_not_disturb_the_group(database: Database) -> None:
    def judge(connection: Connection, numbers: Sequence[int]) -> list[int | Exception]:
        return [ValueError("odd") if number % 2 else number for number in numbers]

    assert database.write(judge, 2) == 2
    with pytest.raises(ValueError, match="odd"):
        database.write(judge, 3)


def test_what_an_item_raises_reaches_its_caller_and_changes_nothing(database: Database) -> None:
    def fail(connection: Connection, payloads: Sequence[int]) -> list[int | Exception]:
        add(connection, payloads)
        raise LookupError("no")

    with pytest.raises(LookupError):
        database.write(fail, 7)
    assert stored(database) == []
    assert database.write(add, 7) == 7


def test_a_cancelled_caller_does_not_stop_the_others(database: Database) -> None:
    async def many() -> None:
        gate = Gate()
        busy = database.submit(gate.hold, None)
        await asyncio.to_thread(gate.reached.wait)
        gone, stays = database.submit(add, 1), database.submit(add, 2)
        gone.cancel()
        gate.opened.set()
        assert await stays == 2
        await busy

    asyncio.run(many())
    assert stored(database) == [1, 2]  # what was handed over is written


def test_many_threads_and_loops_write_at_once(database: Database) -> None:
    def blocking(start: int) -> None:
        for number in range(start, start + 50):
            assert database.write(add, number) == number

    async def gathered() -> None:
        await asyncio.gather(*(database.submit(add, number) for number in range(1000, 1050)))

    threads = [threading.Thread(target=blocking, args=(start,)) for start in range(0, 400, 50)]
    threads += [threading.Thread(target=asyncio.run, args=(gathered(),))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stored(database)) == 450


def test_closing_writes_what_waits(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mail.db'}"
    database = Database(url)
    database.write(lambda connection, _: [connection.exec_driver_sql("CREATE TABLE t (x INTEGER)").rowcount], None)
    gate = Gate()
    busy = threading.Thread(target=database.write, args=(gate.hold, None))
    busy.start()
    gate.reached.wait()
    waiting = threading.Thread(target=database.write, args=(add, 5))
    waiting.start()
    queue = database._open.writer._waiting  # type: ignore[union-attr]  # it is open
    while not queue:
        threading.Event().wait(0.001)
    closing = threading.Thread(target=database.close)
    closing.start()
    gate.opened.set()
    for thread in (busy, waiting, closing):
        thread.join()
    again = Database(url)
    assert stored(again) == [5]
    again.close()


def test_nothing_is_written_after_closing(database: Database) -> None:
    database.close()
    with pytest.raises(DatabaseError, match="was closed"):
        database.write(add, 1)
    with pytest.raises(DatabaseError, match="was closed"):
        database.read(lambda connection: None)
    database.close()


def test_a_lock_that_cannot_be_taken_is_an_error_and_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    database = Database(f"sqlite:///{tmp_path / 'mail.db'}")
    database.write(lambda connection, _: [connection.exec_driver_sql("CREATE TABLE t (x INTEGER)").rowcount], None)
    monkeypatch.setattr("postroad.database.lock_file.fcntl.flock", no_locks)
    for _ in range(2):
        with pytest.raises(DatabaseError, match="cannot be locked: No locks available"):
            database.write(add, 1)
    monkeypatch.undo()

    assert database.write(add, 2) == 2
    database.close()


def test_a_process_that_does_not_let_go_of_the_lock_is_waited_for_with_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Such as one that was stopped in the middle of a commit.
    monkeypatch.setattr("postroad.database.lock_patience.PATIENCE", 0.05)
    monkeypatch.setattr("postroad.database.lock_patience.LOOK_EVERY", 0.01)
    database = Database(f"sqlite:///{tmp_path / 'mail.db'}")
    database.write(lambda connection, _: [connection.exec_driver_sql("CREATE TABLE t (x INTEGER)").rowcount], None)
    with LockFile(tmp_path / "mail.db-write-lock"):
        with pytest.raises(DatabaseError, match="locked by another process for") as caught:
            database.write(add, 1)
        assert "mail.db-write-lock" in caught.value.advice
        with pytest.raises(DatabaseError, match="locked by another process for"):  # who comes later is told sooner
            database.write(add, 2)
        assert stored(database) == []  # reading goes on
    patience = database._opened().writer._patience
    wait_until(lambda: patience._since is None or None, "the writer to have the lock")
    assert database.write(add, 7) == 7
    assert stored(database) == [7]
    database.close()
