"""Advisory locks between processes: files beside the database that are only ever locked, never read or written.

``flock`` and not POSIX record locks: the kernel gives it back when the process dies, however it dies, and two holders
within one process exclude each other too.
"""

import fcntl
import os
import threading
import weakref
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from postroad.clock import SYSTEM_CLOCK
from postroad.errors import ConfigurationError

LOOK_EVERY: Final = 0.02  # seconds
_MODE: Final = 0o600  # whoever can lock the file can stop the outbox, so it is as private as the mail beside it


class LockFile:
    """One lock; ``path`` None stands for a database in memory, where the lock holds between threads alone."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._descriptor: int | None = None if path is None else _opened(path)
        self._held = threading.Lock()  # flock on one descriptor does not exclude threads
        _LOCKS.add(self)

    def acquire(self) -> None:
        """Wait until it is ours. The kernel lets a waiter in when the holder unlocks or dies."""
        self._held.acquire()
        try:
            if self._descriptor is not None:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        except BaseException:  # a file system without locks, for one
            self._held.release()
            raise

    def try_acquire(self) -> bool:
        """Take it if nobody holds it."""
        if not self._held.acquire(blocking=False):
            return False
        if self._descriptor is None:
            return True
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._held.release()
            return False
        except BaseException:
            self._held.release()
            raise
        return True

    def acquire_within(self, seconds: float) -> bool:
        """Take it as soon as nobody holds it, within that time; for those who are in no hurry."""
        deadline = SYSTEM_CLOCK.monotonic() + seconds
        while not self.try_acquire():
            if SYSTEM_CLOCK.monotonic() >= deadline:
                return False
            threading.Event().wait(LOOK_EVERY)
        return True

    def release(self) -> None:
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self._held.release()

    def close(self) -> None:
        """Give the descriptor back, and with it the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
    except OSError as fault:
        sentence = f"the lock file {path} cannot be written: {fault.strerror}"
        raise ConfigurationError(sentence, setting="url") from fault


def file_at(path: Path | None) -> tuple[int, int] | None:
    """Which file a path names now: its device and its number there; ``None`` where there is none."""
    try:
        found = None if path is None else path.stat()
    except FileNotFoundError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)


_LOCKS: Final["weakref.WeakSet[LockFile]"] = weakref.WeakSet()


def _let_go_in_child() -> None:
    # A forked child shares the parent's lock through the inherited descriptor: it would keep the lock alive after the
    # parent's death. Closing the copy leaves the parent's lock as it is.
    for lock in list(_LOCKS):
        lock.close()


os.register_at_fork(after_in_child=_let_go_in_child)
