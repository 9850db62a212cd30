"""What the server programs of other projects have in common here: a folder of their own, a greeting, a log, mailboxes.

The operating system's instance of a program is neither needed nor touched. Each runs as our child, so that a test stops
exactly what it started.
"""

import tempfile
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.peers.endpoint import Endpoint
from tests.peers.program import ServerProcess, started
from tests.peers.stoppable import Stoppable
from tests.peers.waiting import PATIENCE, wait_until


@dataclass(frozen=True, slots=True)
class Launch:
    """How a server is started, and by what it is known: it greets at ``endpoint`` with ``name``."""

    command: Sequence[str]
    endpoint: Endpoint
    name: str


class PrivateServer(Stoppable):
    """A running server program. It runs from construction to ``stop``."""

    def __init__(self, prefix: str) -> None:
        # Not a test's own folder: those are closed to other users, and most servers work as one.
        self._folder = tempfile.TemporaryDirectory(prefix=prefix)
        self._root = Path(self._folder.name)
        self._root.chmod(0o755)
        try:
            self._prepare()
            self._process = started(self._start)
        except BaseException:
            self._release()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    @abstractmethod
    def _prepare(self) -> None:
        """Write what does not depend on the ports."""

    @abstractmethod
    def _launch(self) -> Launch:
        """Choose ports and write what depends on them. Called again where a port was lost to somebody else."""

    def _release(self) -> None:
        """Leave nothing behind."""
        wait_until(self._removed, f"{self._root} to be left alone")

    def _removed(self) -> bool | None:
        with suppress(OSError):  # a child that was just killed has written one more file
            self._folder.cleanup()
            return True
        return None

    def _start(self) -> ServerProcess:
        launch = self._launch()
        process = ServerProcess(launch.command, self._root / "output")
        try:
            process.wait_for_greeting(launch.endpoint, launch.name)
        except BaseException as error:
            error.add_note(self.log())
            process.stop()
            raise
        return process

    def stop(self) -> None:
        self._process.stop()
        self._release()

    def log(self) -> str:
        """What the server has logged so far."""
        path = self._root / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_for_log(self, text: str) -> str:
        """The first line of the log that holds ``text``, once it is written: the log lags a little behind."""

        def line() -> str | None:
            return next((line for line in self.log().splitlines() if text in line), None)

        return wait_until(line, f"{text!r} in the log")

    def _files(self, folder: Path, count: int, patience: float = PATIENCE) -> list[Path]:
        """The files in a folder, oldest first, once ``count`` or more are there.

        Raises:
            TimeoutError: fewer came within ``patience`` seconds; carries the log.
        """

        def enough() -> list[Path] | None:
            files = list(folder.glob("*"))
            return files if len(files) >= count else None

        try:
            files = wait_until(enough, f"{count} messages in {folder.parent.name}", patience)
        except TimeoutError as error:
            error.add_note(self.log())
            raise
        return sorted(files, key=lambda file: file.stat().st_mtime_ns)
