"""Proxies of other projects: microsocks for SOCKS 5, tinyproxy for HTTP CONNECT. Both send connections on for anybody
who logs in, or for anybody at all.
"""

import os
import socket
import tempfile
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.peers.endpoint import LOOPBACK, Endpoint, free_endpoint
from tests.peers.program import ServerProcess, StartFailure, program_path, started
from tests.peers.stoppable import Stoppable
from tests.peers.waiting import wait_until

USER, PASSWORD = "proxy-user", "pr0xy-secret"


class ForeignProxy(Stoppable):
    """A running proxy; with ``account`` it wants ``USER`` and ``PASSWORD``."""

    endpoint: Endpoint

    def __init__(self, *, account: bool = False) -> None:
        self._account = account
        self._folder = tempfile.TemporaryDirectory(prefix="proxy-")
        self._root = Path(self._folder.name)
        self._root.chmod(0o755)
        try:
            self._process = started(self._start)
        except BaseException:
            self._folder.cleanup()
            raise

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """How it is started at ``endpoint``."""

    def _start(self) -> ServerProcess:
        self.endpoint = free_endpoint()
        process = ServerProcess(self._command(), self._root / "output")

        def listens() -> bool | None:
            if not process.running:
                raise StartFailure((self._root / "output").read_text(errors="replace"))
            with suppress(OSError), socket.create_connection(self.endpoint, timeout=5):
                return True
            return None

        try:
            wait_until(listens, f"a proxy at {self.endpoint}")
        except BaseException:
            process.stop()
            raise
        return process

    def stop(self) -> None:
        self._process.stop()
        self._folder.cleanup()

    def url(self, scheme: str) -> str:
        """As a proxy's URL, with the account where it wants one."""
        account = f"{USER}:{PASSWORD}@" if self._account else ""
        return f"{scheme}://{account}{self.endpoint}"


class Microsocks(ForeignProxy):
    """microsocks, a small SOCKS 5 server."""

    def _command(self) -> Sequence[str]:
        account = ["-u", USER, "-P", PASSWORD] if self._account else []
        place = ["-i", self.endpoint.host, "-p", str(self.endpoint.port)]
        return [program_path("microsocks"), *place, *account]


class Tinyproxy(ForeignProxy):
    """tinyproxy, a small HTTP proxy; with ``ports`` it allows CONNECT to these alone."""

    def __init__(self, *, account: bool = False, ports: Sequence[int] = ()) -> None:
        self._ports = ports
        super().__init__(account=account)

    def _command(self) -> Sequence[str]:
        lines = [f"Port {self.endpoint.port}", f"Listen {LOOPBACK}", "Timeout 60", f"Allow {LOOPBACK}"]
        lines += [f"ConnectPort {port}" for port in self._ports]
        if self._account:
            lines.append(f"BasicAuth {USER} {PASSWORD}")
        if os.geteuid() == 0:
            lines += ["User nobody", "Group nogroup"]
        configuration = self._root / "configuration"
        configuration.write_text("\n".join([*lines, ""]))
        return [program_path("tinyproxy"), "-d", "-c", str(configuration)]
