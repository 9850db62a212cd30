"""Nobody is inside SQLite while the process forks.

SQLite keeps the locks that a process holds in the process's memory, and the kernel does not hand them to a child: a
child that inherited an open database believes to hold locks that it does not have (sqlite.org/howtocorrupt.html §2.6).
So before a fork everybody leaves, the connections are closed, and parent and child open their own afterwards.
"""

import threading
from types import TracebackType
from typing import Final

PATIENCE: Final = 10.0  # seconds that a fork waits for queries under way


class ForkGate:
    """``with gate:`` around every use of a connection. Whoever is inside does not fork."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._inside = 0
        self._shut = False

    def __enter__(self) -> None:
        with self._changed:
            while self._shut:
                self._changed.wait()
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._inside -= 1
            if self._shut and not self._inside:
                self._changed.notify_all()

    def shut(self) -> bool:
        """Let nobody in any more and wait until everybody has left; whether they have."""
        with self._changed:
            self._shut = True
            return self._changed.wait_for(lambda: not self._inside, PATIENCE)

    def open(self) -> None:
        """Let them in again."""
        with self._changed:
            self._shut = False
            self._changed.notify_all()
