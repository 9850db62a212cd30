"""The promise, seen from the kernel: the data is synced before ``send`` returns, and before a dot may go out."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("programs") / "traced_send.py"
CALLS = "pwrite64,pwritev,write,fsync,fdatasync"


@pytest.fixture
def trace(tmp_path: Path, requires_program: Callable[[str], str]) -> list[str]:
    """The system calls of one message's life, in order."""
    strace = requires_program("strace")
    url, output = f"sqlite:///{tmp_path / 'mail.db'}", tmp_path / "trace"
    command = [strace, "-f", "-y", "-qq", "-s", "64", "-e", f"trace={CALLS}", "-o", str(output)]
    subprocess.run([*command, sys.executable, str(PROGRAM), url], check=True, capture_output=True, timeout=120)
    return output.read_text().splitlines()


def between(trace: list[str], first: str, last: str) -> list[str]:
    """The calls after the program said ``first`` and before it said ``last``."""
    said = [number for number, call in enumerate(trace) if re.search(rf'write\(1<.*"({first}|{last})\\n"', call)]
    start, end = said
    return trace[start:end]


def synced_after_the_last_write(calls: list[str]) -> bool:
    """Whether the log was written, and synced to its end after that."""
    written = [number for number, call in enumerate(calls) if re.search(r"pwritev?(64)?\(\d+<[^>]*mail\.db-wal>", call)]
    # A call that another thread's call interrupts is in two lines; the second one is its return.
    begun = [number for number, call in enumerate(calls) if re.search(r"f(data)?sync\(\d+<[^>]*mail\.db-wal>", call)]
    ended = [number for number, call in enumerate(calls) if re.search(r"f(data)?sync(\(| resumed).*= 0$", call)]
    return bool(written and begun and ended) and written[-1] < begun[-1] <= ended[-1]


@pytest.mark.system
def test_send_returns_after_the_sync(trace: list[str]) -> None:
    assert synced_after_the_last_write(between(trace, "SENDING", "RECEIPT"))


@pytest.mark.system
def test_the_flight_record_is_synced_before_the_dot(trace: list[str]) -> None:
    assert synced_after_the_last_write(between(trace, "ASKING", "DOT"))
