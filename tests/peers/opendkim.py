"""OpenDKIM: in its test mode, where it reads messages and keys from files and asks nobody; and as a signing milter."""

import re
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.peers.endpoint import free_endpoint
from tests.peers.program import ServerProcess, StartFailure, program_path, started
from tests.peers.stoppable import Stoppable
from tests.peers.waiting import PATIENCE, wait_until

_FROM = re.compile(rb"(?im)^From[ \t]*:.*(?:\r?\n[ \t].*)*")
_ODD_SPACE = re.compile(rb"(?m)^[!-9;-~]+(?:[ \t]+:|:(?! (?! )))")
_SUCCEEDED = re.compile(r"opendkim: (.*?): verification \(s=(\S+?),? d=(\S+?), .*\) succeeded")


def can_read(content: bytes, canon: str) -> bool:
    """Whether it sees the message as it is: an address with a domain in From, without which it looks for no signature;
    no bare CR, which its test mode takes for a line end; and, where each octet of a header counts, one space behind
    each colon, because it puts one there."""
    found = _FROM.search(content)
    if found is None or b"@" not in found[0] or b"\r" in content.replace(b"\r\n", b""):
        return False
    return (
        canon.startswith("relaxed") or _ODD_SPACE.search(content.replace(b"\r\n", b"\n").partition(b"\n\n")[0]) is None
    )


def passed(files: list[Path], records: Mapping[str, bytes], folder: Path) -> set[str]:
    """The names of the files whose first signature that OpenDKIM goes by passes; ``records`` are by name."""
    keys, configuration = folder / "keys", folder / "opendkim.conf"
    keys.write_bytes(b"".join(name.encode() + b" " + text + b"\n" for name, text in records.items()))
    configuration.write_text(f"Mode v\nTestPublicKeys {keys}\nSyslog no\nSocket inet:0@localhost\n")
    names = [file.name for file in files]
    assert all("," not in name for name in names)
    run = subprocess.run(
        [program_path("opendkim"), "-x", configuration, "-v", "-t", ",".join(names)],
        capture_output=True, timeout=PATIENCE, check=False, cwd=files[0].parent,
    )  # fmt: skip
    said = (run.stdout + run.stderr).decode(errors="replace")
    return {found[1] for found in _SUCCEEDED.finditer(said)}


class OpenDkimMilter(Stoppable):
    """OpenDKIM as Postfix's milter, signing mail from ``domain`` by this key. It runs from construction to ``stop``."""

    def __init__(self, domain: str, selector: str, key: bytes) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="opendkim-")
        root = Path(self._folder.name)
        private = root / "key.pem"
        private.touch(mode=0o600)
        private.write_bytes(key)
        self._configuration = root / "opendkim.conf"
        self._settings = (
            f"Mode s\nDomain {domain}\nSelector {selector}\nKeyFile {private}\nCanonicalization relaxed/relaxed\n"
            "Syslog no\nBackground no\nInternalHosts 127.0.0.0/8\nRequireSafeKeys no\n"  # its folder is below /tmp
        )
        self._output = root / "output"
        self._process = started(self._start)

    def _start(self) -> ServerProcess:
        self.endpoint = free_endpoint()
        self._configuration.write_text(f"{self._settings}Socket inet:{self.endpoint.port}@{self.endpoint.host}\n")
        process = ServerProcess([program_path("opendkim"), "-f", "-x", str(self._configuration)], self._output)
        try:
            wait_until(lambda: self._listening(process), "OpenDKIM to listen")
        except BaseException:
            process.stop()
            raise
        return process

    def _listening(self, process: ServerProcess) -> bool | None:
        if not process.running:
            raise StartFailure(f"ended while starting: {self._output.read_text(errors='replace')}")
        with suppress(OSError), socket.create_connection((self.endpoint.host, self.endpoint.port)):
            return True
        return None

    def stop(self) -> None:
        self._process.stop()
        self._folder.cleanup()
