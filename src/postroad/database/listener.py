"""Hears of commits on a server: by a notification within a millisecond or two, and by looking, for all the others.

A notification is sent after the commit, in a transaction of its own, and not for each commit: the server makes everyone
who notifies wait in one line. What an application commits in its own transaction notifies nobody. So the listener looks
as well, many times a second; a look costs the server about as much as an empty query.
"""

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from postroad.database.faults import database_faults
from postroad.database.fork_gate import ForkGate
from postroad.database.location import Location
from postroad.database.postgresql import connect, connection_arguments
from postroad.errors import ConfigurationError

if TYPE_CHECKING:
    import psycopg

    from postroad.database.opened import Watching

CHANNEL: Final = "postroad"
# Nothing is lost with it, so nobody waits for the disk.
TELL_OTHERS: Final = f"BEGIN; SET LOCAL synchronous_commit = off; NOTIFY {CHANNEL}; COMMIT"

OFTEN: Final = 0.02  # seconds between looks while something happens
SELDOM: Final = 0.04  # seconds between looks otherwise: a message leaves within 50 ms of its commit
QUIET: Final = 100  # looks that saw nothing before they become seldom
TROUBLE: Final = 1.0  # seconds to wait before a lost server is asked again

# Which transactions have ended: it changes with every commit that wrote, and says which are new (see ``sites``).
_LOOK: Final = "SELECT pg_current_snapshot()::text"


class Listener:
    """Calls ``on_change`` from its own thread when somebody may have written."""

    def __init__(
        self, location: Location, gate: ForkGate, among: "set[Watching]", on_change: Callable[[], None]
    ) -> None:
        self._arguments = connection_arguments(location)
        self._gate = gate
        self._among = among
        self._on_change = on_change
        self._changed = threading.Event()
        self._closing = threading.Event()
        self._connection: psycopg.Connection[Any] | None = None
        self._last: str | None = None
        self._quiet = 0  # looks since the last change
        self._thread = threading.Thread(target=self._run, name="postroad-listener", daemon=True)
        among.add(self)
        self._thread.start()

    def changed(self) -> bool:
        """Whether somebody may have committed since this was last asked."""
        changed = self._changed.is_set()
        self._changed.clear()
        return changed

    def _run(self) -> None:
        passing: tuple[type[Exception], ...] = (*database_faults(), ConfigurationError)
        while not self._closing.is_set():
            try:
                with self._gate:
                    changed = self._look()
            except passing:
                with self._gate:
                    self.disconnect()
                self._closing.wait(TROUBLE)  # who works with the database says what is wrong
                continue
            if changed:
                self._changed.set()
                self._on_change()
        with self._gate:
            self.disconnect()

    def _look(self) -> bool:
        """Wait for a notification, for a little while, and look; whether anything has changed."""
        connection = self._connection
        if connection is None:
            connection = self._connection = connect(self._arguments)
            connection.execute(f"LISTEN {CHANNEL}")
            self._last = None
        else:
            patience = OFTEN if self._quiet < QUIET else SELDOM
            for _ in connection.notifies(timeout=patience, stop_after=1):
                pass
        row = connection.execute(_LOOK).fetchone()
        seen = None if row is None else str(row[0])
        changed = seen != self._last
        self._last = seen
        self._quiet = 0 if changed else self._quiet + 1
        return changed

    def disconnect(self) -> None:
        """Close the connection; the next look opens another, and sees a change."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*database_faults()):
                connection.close()

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        if self._thread is not threading.current_thread():
            self._thread.join()
        self._among.discard(self)
