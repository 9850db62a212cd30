"""Postfix's load tools: smtp-sink, which takes mail and throws it away, and smtp-source, which makes mail."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.peers.endpoint import Endpoint, free_endpoint
from tests.peers.private_server import Launch, PrivateServer
from tests.peers.program import program_path
from tests.peers.waiting import PATIENCE

BACKLOG = "1024"  # connections that may wait to be accepted
MAX_SESSIONS = "1000"
RUN_PATIENCE = 300.0  # seconds for one run of smtp-source


@dataclass(frozen=True, slots=True)
class Dumped:
    """One transaction as smtp-sink wrote it down: two commands as they came, and the content. Line ends are LF."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes


class SmtpSink(PrivateServer):
    """A running smtp-sink. ``arguments`` are its own options: ``-f RCPT`` refuses recipients.

    It throws mail away unless it is told to keep it; keeping is slow.
    """

    smtp: Endpoint

    def __init__(self, *arguments: str, keep: bool = False) -> None:
        self._arguments = arguments
        self._keep = keep
        super().__init__("smtp-sink-")

    @property
    def dumps(self) -> Path:
        """The folder of what it keeps: a file for each transaction."""
        return self._root / "mail" / "new"

    def _prepare(self) -> None:
        self.dumps.mkdir(parents=True)
        self.dumps.chmod(0o777)

    def _launch(self) -> Launch:
        self.smtp = free_endpoint()
        name = f"sink-{self.smtp.port}.test"
        # smtp-sink refuses to work as root.
        privileges = ["-u", "nobody"] if os.geteuid() == 0 else []
        keeping = ["-d", f"{self.dumps}/"] if self._keep else []
        options = ["-4", "-c", "-h", name, "-m", MAX_SESSIONS, *privileges, *keeping, *self._arguments]
        return Launch([program_path("smtp-sink"), *options, str(self.smtp), BACKLOG], self.smtp, name)

    def received(self) -> int:
        """How many messages it has taken so far."""
        return self._counter("mesg")

    def sessions(self) -> int:
        """How many connections have been ended so far."""
        return self._counter("sess")

    def _counter(self, name: str) -> int:
        # It prints three running counters after every message; the last hundred octets hold the newest.
        with (self._root / "output").open("rb") as output:
            output.seek(max(0, output.seek(0, os.SEEK_END) - 100))
            counts = re.findall(rb"%s=(\d+)" % name.encode(), output.read())
        return int(counts[-1]) if counts else 0

    def kept(self, count: int = 1, patience: float = PATIENCE) -> list[Dumped]:
        """The messages it has kept, once ``count`` or more are there, oldest first.

        Raises:
            TimeoutError: fewer came within ``patience`` seconds.
        """
        return [_read(file) for file in self._files(self.dumps, count, patience)]


def run_smtp_source(endpoint: Endpoint, *arguments: str) -> None:
    """Run smtp-source with its own options (``-s`` sessions, ``-m`` messages, ``-d`` keeps connections) to its end.

    Raises:
        subprocess.CalledProcessError: the server did not take every message.
    """
    command = [program_path("smtp-source"), *arguments, str(endpoint)]
    subprocess.run(command, check=True, capture_output=True, timeout=RUN_PATIENCE)


def _read(file: Path) -> Dumped:
    # Trace fields of its own, the last of them Received with its folded lines; then the content, and an empty line.
    trace, received, rest = file.read_bytes().partition(b"\nReceived: ")
    content = re.sub(rb"\A.*\n(?:\t.*\n)+", b"", rest) if received else rest
    fields = [line.decode().partition(": ") for line in trace.splitlines()]
    (sender,) = [value for name, _, value in fields if name == "X-Mail-Args"]
    recipients = tuple(value for name, _, value in fields if name == "X-Rcpt-Args")
    return Dumped(sender, recipients, content.removesuffix(b"\n"))
