"""A server program of another project as a child process: started, waited for, stopped by its pid."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from tests.peers.endpoint import Endpoint
from tests.peers.waiting import wait_until

Started = TypeVar("Started")

SBIN = "/usr/local/sbin:/usr/sbin:/sbin"  # where servers are installed; not in the PATH of every user
START_TRIES = 5  # a port found free is taken by someone else once in a few thousand starts
STOP_PATIENCE = 10.0  # seconds between SIGTERM and SIGKILL


class StartFailure(RuntimeError):
    """The program ended, or someone else answered on its port; carries what it printed."""


def find_program(name: str) -> str | None:
    """The path of a program, looked for in PATH and in the folders of system programs."""
    return shutil.which(name) or shutil.which(name, path=SBIN)


def program_path(name: str) -> str:
    """As ``find_program``, for a program that must be there."""
    path = find_program(name)
    if path is None:
        raise FileNotFoundError(f"{name} is not installed")
    return path


class ServerProcess:
    """A child process that greets on an endpoint."""

    def __init__(self, command: Sequence[str], output: Path) -> None:
        with output.open("ab") as sink:
            # A process group of its own: some servers leave children behind, who would still write.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
            )
        self._output = output

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait_for_greeting(self, endpoint: Endpoint, name: str) -> None:
        """Return once an SMTP greeting with this host name is read at the endpoint.

        Raises:
            StartFailure: the process ended, or another server owns the port.
        """
        greeting = wait_until(lambda: self._greeting(endpoint), f"the greeting of {name} at {endpoint}")
        if name.encode() not in greeting:
            raise StartFailure(f"{endpoint} belongs to another server: {greeting!r}")

    def _greeting(self, endpoint: Endpoint) -> bytes | None:
        if not self.running:
            raise StartFailure(f"ended while starting: {self._output.read_text(errors='replace')}")
        with suppress(OSError), socket.create_connection(endpoint, timeout=5) as connection:
            greeting = connection.recv(512)
            connection.sendall(b"QUIT\r\n")
            return greeting or None
        return None

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)  # the children that it left behind


def started(start: Callable[[], Started]) -> Started:
    """The result of ``start``, tried again where another process was quicker to take a free port."""
    for _ in range(START_TRIES - 1):
        with suppress(StartFailure):
            return start()
    return start()
