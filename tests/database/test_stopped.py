"""A process that is stopped in the middle of a transaction does not keep what it has locked.

To the server a stopped process is one that says nothing more while its connection stands; here it is work that waits.
"""

import threading
from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, Text, bindparam, select, update

from postroad.database import postgresql
from postroad.database.batch import Query, Returning, Statement
from postroad.database.database import Database
from postroad.database.tables import stream
from tests.database.streams import add_stream

SHORT = 0.2  # seconds
LONG = 3600.0

_CHANGE = update(stream).where(stream.c.name == "a").values(kind=bindparam("to", type_=Text))
CHANGE, CHANGE_AND_TELL = Statement(_CHANGE), Returning(_CHANGE.returning(stream.c.kind))
LOOK = Query(select(stream.c.kind).where(stream.c.name == "a"))


class Stopped:
    """Changes the row, and then stands still until it is told to go on."""

    def __init__(self, how: str) -> None:
        self._how = how
        self.tries = 0
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, connection: Connection, payloads: Sequence[str]) -> Sequence[str]:
        self.tries += 1
        match self._how:
            case "nothing asked":
                CHANGE.run(connection, to=payloads[0])
            case "rows asked":
                CHANGE.run(connection, to=payloads[0])
                LOOK.rows(connection)
            case "number asked":
                CHANGE.changed(connection, to=payloads[0])
            case "rows of the change asked":
                CHANGE_AND_TELL.rows(connection, to=payloads[0])
        self.reached.set()
        self.go_on.wait()
        return payloads


def change(connection: Connection, payloads: Sequence[str]) -> Sequence[str]:
    for to in payloads:
        CHANGE.run(connection, to=to)
    return payloads


@pytest.mark.parametrize(
    ("how", "limit"),
    [
        ("nothing asked", "LONGEST_TRANSACTION"),
        ("rows asked", "STOPPED_AFTER"),
        ("number asked", "STOPPED_AFTER"),
        ("rows of the change asked", "STOPPED_AFTER"),
    ],
)
def test_others_get_what_a_stopped_process_has_locked(
    server_database: str, monkeypatch: pytest.MonkeyPatch, how: str, limit: str
) -> None:
    for name in ("STOPPED_AFTER", "LONGEST_TRANSACTION"):
        monkeypatch.setattr(postgresql, name, SHORT if name == limit else LONG)
    first, second = Database(server_database), Database(server_database)
    first.write(add_stream, "a")
    first._opened().writer.disconnect()  # it was set to the limits before they were short
    work = Stopped(how)
    thread = threading.Thread(target=lambda: first.write(work, "stopped"))
    thread.start()
    work.reached.wait()
    try:
        second.write(change, "other")
        assert second.read(LOOK.rows) == [("other",)]
    finally:
        work.go_on.set()
        thread.join()
    assert work.tries == 2  # it has heard that its transaction came to nothing
    assert second.read(LOOK.rows) == [("stopped",)]
    first.close()
    second.close()
