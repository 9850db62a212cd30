"""Running the command line: inside the test's process, or as a process of its own."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from typing import IO, Any, Literal

from click.testing import CliRunner

from postroad.cli.main import postroad

PATIENCE = 120.0  # seconds that a command gets before the test fails

Run = Callable[..., "Ended"]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """Standard output as one document."""
        return json.loads(self.stdout)

    @property
    def lines(self) -> list[Any]:
        """Standard output as one document a line."""
        return [json.loads(line) for line in self.stdout.splitlines()]


def run_inside(*arguments: str, given: str | bytes | None = None, environ: Mapping[str, str] | None = None) -> Ended:
    """Run a command in this process; its standard input, no terminal, is ``given``."""
    result = CliRunner().invoke(postroad, list(arguments), input=given, env=dict(environ or {}))
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return Ended(result.exit_code, result.stdout, result.stderr)


def run_process(*arguments: str, given: str = "", environ: Mapping[str, str] | None = None) -> Ended:
    """Run a command as a process of its own."""
    run = subprocess.run(
        [sys.executable, "-m", "postroad", *arguments],
        input=given.encode(),
        capture_output=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, **(environ or {})},
    )
    return Ended(run.returncode, run.stdout.decode(), run.stderr.decode())


def run_on_terminal(
    *arguments: str, stream: Literal["stdout", "stderr"] = "stdout", environ: Mapping[str, str] | None = None
) -> bytes:
    """What a command that succeeds writes to a terminal in place of this stream; the other one is thrown away."""
    controller, terminal = pty.openpty()
    with os.fdopen(controller, "rb", buffering=0) as screen:
        outputs = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: terminal}
        with subprocess.Popen(
            [sys.executable, "-m", "postroad", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=outputs["stdout"],
            stderr=outputs["stderr"],
            env={**os.environ, "TERM": "xterm", **(environ or {})},
        ) as process:
            os.close(terminal)
            seen = b"".join(_until_hung_up(screen))
        assert process.returncode == 0
        return seen


def _until_hung_up(screen: FileIO) -> Iterator[bytes]:
    with suppress(OSError):  # EIO: nobody has the terminal open any more
        while more := screen.read(65536):
            yield more


class Running:
    """A command that runs; its standard output can be read line by line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        assert process.stdout is not None
        self._stdout: IO[str] = process.stdout

    def line(self) -> Any:
        """The next line of standard output, as JSON; blocks until it comes."""
        line = self._stdout.readline()
        assert line, f"the command ended: {self.process.stderr.read() if self.process.stderr else ''}"
        return json.loads(line)

    def end(self, by: signal.Signals = signal.SIGTERM) -> Ended:
        """Send a signal, and see how the command ends."""
        self.process.send_signal(by)
        stdout, stderr = self.process.communicate(timeout=PATIENCE)
        return Ended(self.process.returncode, stdout, stderr)


@contextmanager
def running(*arguments: str, environ: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Start a command as a process of its own; it is killed at the end if it still runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "postroad", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environ or {})},
    ) as process:
        try:
            yield Running(process)
        finally:
            if process.poll() is None:
                process.kill()
