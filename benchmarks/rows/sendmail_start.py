"""What a program that pipes a message into sendmail waits for until it is taken.

Measured from the start of the process until it has read from its standard input: a pipe that is full takes more only
when somebody reads.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter

from benchmarks.contest import Contest, Effort, Figure, Row, peer

COMMAND = "import sys; sys.argv[0] = 'postroad'; from postroad.__main__ import main; main()"
IMPORTS = "import smtplib, ssl, email.message"


def prepare(stack: ExitStack, effort: Effort) -> Contest:
    return Contest(
        work=1,
        turns=effort.pick(full=41, quick=9),
        ours=until_input_is_read(COMMAND, "sendmail", "-i", "ann@example.com"),
        peers=[peer(IMPORTS, 1.5, until_input_is_read(f"{IMPORTS}; import sys; sys.stdin.buffer.read()"))],
    )


def until_input_is_read(code: str, *arguments: str) -> Callable[[], float]:
    """A call that runs ``code`` in a new process and returns the seconds until it read from its standard input."""

    def seconds() -> float:
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        _fill(writing)
        os.set_blocking(writing, True)
        environ = {**os.environ, "POSTROAD_URL": "null://"}
        started = perf_counter()
        with subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdin=reading, stdout=subprocess.DEVNULL, env=environ
        ) as process:
            os.close(reading)
            os.write(writing, b"\n")  # blocks until there is room again
            taken = perf_counter() - started
            os.close(writing)
        if process.returncode:
            raise RuntimeError(f"{code} ended with {process.returncode}")
        return taken

    seconds()
    return seconds


def _fill(pipe: int) -> None:
    line = b"x" * 511 + b"\n"
    try:
        while True:
            os.write(pipe, line)
    except BlockingIOError:
        return


ROW = Row("sendmail", "postroad sendmail, until the message is read", Figure.TIME, prepare)
