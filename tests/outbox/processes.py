"""Enqueuers and workers as processes of their own, which a test may kill, freeze and thaw."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.peers.stoppable import Stoppable

ROOT = Path(__file__).parents[2]
# Octets that a program may have said and nobody heard: little, so that a reader who waits holds it up.
PIPE = 4096


class Process(Stoppable):
    """A program of ``tests/outbox/programs``. What it logs goes to the end of ``log``."""

    def __init__(self, name: str, *arguments: str, log: Path) -> None:
        command = [sys.executable, "-m", f"tests.outbox.programs.{name}", *arguments]
        with log.open("ab") as errors:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert self._process.stdout is not None
        self.output = self._process.stdout
        fcntl.fcntl(self.output, fcntl.F_SETPIPE_SZ, PIPE)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End it at once, wherever it is; what it has said can still be read."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Stop it where it is; returns when every thread of it stands still."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        self.kill()
        self.output.close()
