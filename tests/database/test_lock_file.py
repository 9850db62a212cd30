"""Locks between processes, held by threads that do not exclude each other's processes by accident."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from postroad.database.lock_file import LockFile
from postroad.errors import ConfigurationError

HOLDER = """
import sys
from pathlib import Path
from postroad.database.lock_file import LockFile
lock = LockFile(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_one_holder_at_a_time_within_a_process(tmp_path: Path) -> None:
    first, second = LockFile(tmp_path / "lock"), LockFile(tmp_path / "lock")
    assert first.try_acquire()
    assert not first.try_acquire()
    assert not second.try_acquire()
    first.release()
    assert second.try_acquire()
    second.release()
    first.close()
    second.close()


def test_a_lock_in_memory_holds_between_threads() -> None:
    lock = LockFile(None)
    with lock:
        assert not lock.try_acquire()
    assert lock.try_acquire()
    lock.release()
    lock.close()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    lock = LockFile(path)
    assert not lock.try_acquire()
    holder.kill()
    holder.wait()
    holder.stdin.close()
    holder.stdout.close()
    assert lock.try_acquire()
    lock.release()
    lock.close()


def test_a_forked_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = LockFile(path)
    lock.acquire()
    to_child, from_parent = os.pipe()
    to_parent, from_child = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(from_parent)
        os.write(from_child, b"!")
        os.read(to_child, 1)  # stays alive until the parent has looked
        os._exit(0)
    os.read(to_parent, 1)
    lock.close()  # as the death of this process would
    other = LockFile(path)
    try:
        assert other.try_acquire()
    finally:
        for end in (from_parent, to_child, to_parent, from_child):
            os.close(end)
        os.waitpid(child, 0)
        other.close()


def test_a_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(ConfigurationError, match="lock cannot be written"):
        LockFile(tmp_path / "lock")


def test_a_file_system_without_locks_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    lock = LockFile(tmp_path / "lock")
    monkeypatch.setattr("postroad.database.lock_file.fcntl.flock", no_locks)
    for take in (lock.acquire, lock.try_acquire, lock.acquire):
        with pytest.raises(OSError, match="No locks available"):
            take()
    monkeypatch.undo()

    assert lock.try_acquire()
    lock.release()
    lock.close()
