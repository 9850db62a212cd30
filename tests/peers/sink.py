"""Postfix's load tools: smtp-sink, which takes mail and throws it away, and smtp-source, which makes mail."""

import os
import re
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.peers.endpoint import Endpoint, free_endpoint
from tests.peers.program import ServerProcess, program_path, started

BACKLOG = "1024"  # connections that may wait to be accepted
MAX_SESSIONS = "1000"
RUN_PATIENCE = 300.0  # seconds for one run of smtp-source


class SmtpSink:
    """A running smtp-sink. ``arguments`` are its own options: ``-f RCPT`` refuses recipients."""

    def __init__(self, *arguments: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="smtp-sink-")
        self._output = Path(self._folder.name) / "output"
        self._arguments = arguments
        self._process, self.smtp = started(self._start)

    def _start(self) -> tuple[ServerProcess, Endpoint]:
        endpoint = free_endpoint()
        name = f"sink-{endpoint.port}.test"
        # smtp-sink refuses to work as root.
        privileges = ["-u", "nobody"] if os.geteuid() == 0 else []
        options = ["-4", "-c", "-h", name, "-m", MAX_SESSIONS, *privileges, *self._arguments]
        process = ServerProcess([program_path("smtp-sink"), *options, str(endpoint), BACKLOG], self._output)
        try:
            process.wait_for_greeting(endpoint, name)
        except BaseException:
            process.stop()
            raise
        return process, endpoint

    def received(self) -> int:
        """How many messages it has taken so far."""
        # It prints three running counters after every message; the last hundred octets hold the newest.
        with self._output.open("rb") as output:
            output.seek(max(0, output.seek(0, os.SEEK_END) - 100))
            counts = re.findall(rb"mesg=(\d+)\r", output.read())
        return int(counts[-1]) if counts else 0

    def stop(self) -> None:
        self._process.stop()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def run_smtp_source(endpoint: Endpoint, *arguments: str) -> None:
    """Run smtp-source with its own options (``-s`` sessions, ``-m`` messages, ``-d`` keeps connections) to its end.

    Raises:
        subprocess.CalledProcessError: the server did not take every message.
    """
    command = [program_path("smtp-source"), *arguments, str(endpoint)]
    subprocess.run(command, check=True, capture_output=True, timeout=RUN_PATIENCE)
