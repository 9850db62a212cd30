"""Waiting for the lock of another process, with somebody who says so when it takes too long.

The kernel wakes the next waiter at once and in turn, but knows no time limit; looking again and again would be neither
quick nor fair. So the writer waits as long as it takes, and this watches it: whoever holds the lock may have been
stopped in the middle of a commit (by a debugger, by Ctrl-Z), and callers must not wait for that without an end.
"""

import contextlib
import threading
from collections.abc import Callable
from typing import Final

from postroad.clock import SYSTEM_CLOCK
from postroad.database.lock_file import LockFile

PATIENCE: Final = 30.0  # seconds; a commit takes milliseconds, a full group on a slow disk some seconds
LOOK_EVERY: Final = 1.0  # seconds


class LockPatience:
    """``on_too_long`` is called from a thread of its own, again and again, while the lock is not to be had."""

    def __init__(self, lock: LockFile, on_too_long: Callable[[float], None]) -> None:
        self._lock = lock
        self._on_too_long = on_too_long
        self._since: float | None = None  # by the monotonic clock; ``None`` while nobody waits
        self._starting = threading.Lock()
        self._watching = False

    def acquire(self) -> None:
        """As ``LockFile.acquire``."""
        if self._lock.try_acquire():
            return
        self._since = SYSTEM_CLOCK.monotonic()
        self._watch()
        try:
            self._lock.acquire()
        finally:
            self._since = None

    def _watch(self) -> None:
        with self._starting:
            if self._watching:
                return
            watch = threading.Thread(target=self._run, name="postroad-lock-watch", daemon=True)
            # From Python 3.12 on no thread begins once the main thread has ended, though others may still be sending:
            # they wait unwatched then, which is better than not at all.
            with contextlib.suppress(RuntimeError):
                watch.start()
                self._watching = True

    def _run(self) -> None:
        tick = threading.Event()
        while True:
            tick.wait(LOOK_EVERY)
            since = self._since
            waited = 0.0 if since is None else SYSTEM_CLOCK.monotonic() - since
            if waited > PATIENCE:
                self._on_too_long(waited)
            with self._starting:
                if self._since is None:
                    self._watching = False
                    return
