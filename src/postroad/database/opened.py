"""What is open of a database in one process: connections, their writer, and the locks between processes."""

from typing import Protocol

from sqlalchemy import Connection

from postroad.database.driver import execute
from postroad.database.engine import open_engine
from postroad.database.faults import while_working
from postroad.database.fork_gate import ForkGate
from postroad.database.location import Location
from postroad.database.lock_file import LockFile
from postroad.database.writer import CLOSING_PATIENCE, WRITE_LOCK, Writer


class Watching(Protocol):
    """Sees commits of other processes."""

    def changed(self) -> bool:
        """Whether somebody may have committed since the last look.

        Raises:
            DatabaseError: the database cannot be read now.
        """

    def disconnect(self) -> None:
        """Close the connection; the next look opens another, and sees a change."""

    def close(self) -> None: ...


class Opened:
    """Everything of one database that this process has open."""

    __slots__ = ("engine", "gate", "location", "watches", "worker_lock", "write_lock", "writer")

    def __init__(self, location: Location) -> None:
        self.location = location
        self.engine = open_engine(location)
        self.gate = ForkGate()
        self.watches: set[Watching] = set()
        self.write_lock = LockFile(location.beside(WRITE_LOCK))
        try:
            self.worker_lock = LockFile(location.beside("-worker-lock"))
        except BaseException:
            self.write_lock.close()
            raise
        self.writer = Writer(self.engine, self.write_lock, self.gate, location)

    def disconnect(self) -> None:
        """Close every connection; they open again when they are needed."""
        self.writer.disconnect()
        for watch in tuple(self.watches):
            watch.disconnect()
        self.engine.dispose()

    def close(self) -> None:
        self.writer.close()
        if self.write_lock.acquire_within(CLOSING_PATIENCE):  # the last connection to go writes the log back
            try:
                self.engine.dispose()
            finally:
                self.write_lock.release()
        self.write_lock.close()
        self.worker_lock.close()


class Watch:
    """Sees commits, of this process and of others. Looking costs some microseconds and never waits."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._connection: Connection | None = None
        self._last = self._version()
        opened.watches.add(self)

    def changed(self) -> bool:
        """Whether somebody has committed since the last look.

        Raises:
            DatabaseError: the database cannot be read now.
        """
        version = self._version()
        if version == self._last:
            return False
        self._last = version
        return True

    def _version(self) -> tuple[int, int]:
        # In memory there is nobody else, and the one connection is the writer's.
        opened = self._opened
        if opened.location.path is None:
            return 0, opened.writer.groups
        with while_working(opened.location), opened.gate:
            if self._connection is None:
                self._connection = opened.engine.connect()
            # The number means something within one connection only.
            return id(self._connection), execute(self._connection, "PRAGMA data_version").fetchone()[0]

    def disconnect(self) -> None:
        """Close the connection; the next look opens another, and sees a change."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        self._opened.watches.discard(self)
        self.disconnect()
