"""The promise, seen from the kernel: the data is synced before ``send`` returns, and before a dot may go out.

On PostgreSQL it is the server that syncs: one trace watches it and our program, so their calls are in one order.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from postroad.database.migrate import migrate_database
from tests.peers.postgresql import Postgresql

PROGRAM = Path(__file__).with_name("programs") / "traced_send.py"
CALLS = "pwrite64,pwritev,write,fsync,fdatasync"


FILE_LOG = r"[^>]*mail\.db-wal"
SERVER_LOG = r"[^>]*/pg_wal/[0-9A-F]{24}"  # postgresql.org/docs/current/wal-internals.html


def traced(strace: str, url: str, output: Path, *beside: str) -> "subprocess.Popen[bytes]":
    """One message's life, up to its end; the system calls of it, and of the processes ``beside``, go to ``output``."""
    # Only what is traced stops the program; a process that runs already cannot be asked for that.
    filtered = [] if beside else ["--seccomp-bpf"]
    command = [strace, "-f", *filtered, "-y", "-qq", "-s", "64", "-e", f"trace={CALLS}", "-o", str(output), *beside]
    tracer = subprocess.Popen([*command, sys.executable, str(PROGRAM), url], stdout=subprocess.PIPE)
    assert tracer.stdout is not None
    said = [tracer.stdout.readline() for _ in range(5)]
    tracer.stdout.close()
    assert said[-1] == b"END\n"
    return tracer


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory, requires_program: Callable[[str], str]) -> list[str]:
    """The system calls in order."""
    folder = tmp_path_factory.mktemp("traced")
    output = folder / "trace"
    assert traced(requires_program("strace"), f"sqlite:///{folder / 'mail.db'}", output).wait() == 0
    return output.read_text().splitlines()


@pytest.fixture
def server_trace(tmp_path: Path, requires_program: Callable[[str], str]) -> list[str]:
    """The system calls of the program and of the server, in one order."""
    strace, output = requires_program("strace"), tmp_path / "trace"
    with Postgresql() as server:
        url = server.url(server.new_database())
        migrate_database(url)
        tracer = traced(strace, url, output, "-p", str(server.pid))
        server.shut_down()  # the tracer ends with the last of those that it watches
        assert tracer.wait() == 0
    return output.read_text().splitlines()


def between(trace: list[str], first: str, last: str) -> list[str]:
    """The calls after the program said ``first`` and before it said ``last``."""
    said = [number for number, call in enumerate(trace) if re.search(rf'write\(1<.*"({first}|{last})\\n"', call)]
    start, end = said
    return trace[start:end]


def synced_after_the_last_write(calls: list[str], log: str = FILE_LOG) -> bool:
    """Whether the log was written, and synced to its end after that."""
    written = [number for number, call in enumerate(calls) if re.search(rf"pwritev?(64)?\(\d+<{log}>", call)]
    # A call that another thread's call interrupts is in two lines; the second one is its return.
    begun = [number for number, call in enumerate(calls) if re.search(rf"f(data)?sync\(\d+<{log}>", call)]
    ended = [number for number, call in enumerate(calls) if re.search(r"f(data)?sync(\(| resumed).*= 0$", call)]
    return bool(written and begun and ended) and written[-1] < begun[-1] <= ended[-1]


@pytest.mark.system
def test_send_returns_after_the_sync(trace: list[str]) -> None:
    assert synced_after_the_last_write(between(trace, "SENDING", "RECEIPT"))


@pytest.mark.system
def test_the_flight_record_is_synced_before_the_dot(trace: list[str]) -> None:
    assert synced_after_the_last_write(between(trace, "ASKING", "DOT"))


@pytest.mark.system
def test_a_server_has_synced_before_send_returns_and_before_the_dot(server_trace: list[str]) -> None:
    assert synced_after_the_last_write(between(server_trace, "SENDING", "RECEIPT"), SERVER_LOG)
    assert synced_after_the_last_write(between(server_trace, "ASKING", "DOT"), SERVER_LOG)
