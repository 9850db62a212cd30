"""Sixteen processes enqueue into one SQLite file beside a worker: how long a single send takes at the worst."""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import NoReturn

from postroad import Outbox
from postroad.transport.to_memory import MemoryTransport

PROCESSES = 16
PROGRAM = Path(__file__).parents[2] / "tests" / "outbox" / "programs" / "enqueue_at_once.py"
ROW = b"x" * 1000  # octets, about what a message of the program comes to


def slowest_send(each: int) -> float:
    """The 99th percentile of a send, in seconds, of so many by each process."""
    with _beside_worker() as url:
        done = subprocess.run(
            [sys.executable, str(PROGRAM), url, str(PROCESSES), str(each)], capture_output=True, text=True, check=True
        )
    return _percentile([float(word) / 1000 for word in done.stdout.split()])


@contextmanager
def _beside_worker() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="enqueueing-") as folder:
        url = f"sqlite:///{folder}/outbox.db"
        with Outbox(url) as outbox, outbox.worker(MemoryTransport()):
            yield url


def slowest_insert(each: int) -> float:
    """The same with SQLite's busy handler alone: each send one inserted row, the worker somebody who updates rows."""
    with tempfile.TemporaryDirectory(prefix="enqueueing-") as folder:
        path = f"{folder}/queue.db"
        own = _open(path)
        own.execute("PRAGMA journal_mode=WAL")
        own.execute("CREATE TABLE queue (id INTEGER PRIMARY KEY, body BLOB, tried INTEGER DEFAULT 0)")
        own.close()
        worker = os.fork()
        if worker == 0:
            _keep_updating(path)
        try:
            return _percentile(_in_processes(lambda: _insert(path, each)))
        finally:
            os.kill(worker, signal.SIGKILL)
            os.waitpid(worker, 0)


def _open(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=120, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def _keep_updating(path: str) -> NoReturn:
    connection = _open(path)
    while True:
        connection.execute("UPDATE queue SET tried = tried + 1 WHERE id > (SELECT max(id) - 32 FROM queue)")


def _insert(path: str, count: int) -> list[float]:
    connection, taken = _open(path), []
    for _ in range(count):
        started = perf_counter()
        connection.execute("INSERT INTO queue (body) VALUES (?)", (ROW,))
        taken.append(perf_counter() - started)
    connection.close()
    return taken


def _in_processes(work: Callable[[], list[float]]) -> list[float]:
    """What the work returns in each of the processes, together."""
    readers, children = [], []
    for _ in range(PROCESSES):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writer, " ".join(map(str, work())).encode())
            os._exit(0)
        children.append(child)
        os.close(writer)
        readers.append(reader)
    taken: list[float] = []
    for reader in readers:
        with os.fdopen(reader) as lines:
            taken += map(float, lines.read().split())
    for child in children:
        os.waitpid(child, 0)
    return taken


def _percentile(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) * 99 // 100]
