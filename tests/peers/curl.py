"""curl's SMTP client, as a peer of a server."""

import os
import subprocess
from dataclasses import dataclass

from tests.peers.endpoint import Endpoint
from tests.peers.program import program_path

RUN_PATIENCE = 120.0  # seconds


@dataclass(frozen=True, slots=True)
class CurlRun:
    """How a run ended: its exit code (0: the mail was taken), and the conversation it printed."""

    exit_code: int
    transcript: str


def run_curl(server: Endpoint, *arguments: str, content: bytes, scheme: str = "smtp") -> CurlRun:
    """Run curl with its own options (``--mail-from``, ``--mail-rcpt``, ``--ssl-reqd``); the content goes as it is."""
    # The path of the URL is the name in EHLO.
    command = [program_path("curl"), "--disable", "--no-progress-meter", "--verbose", "--upload-file", "-"]
    run = subprocess.run(
        [*command, *arguments, f"{scheme}://{server.host}:{server.port}/client.example"],
        input=content,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=RUN_PATIENCE,
        check=False,
        env=os.environ | {"LC_ALL": "C.UTF-8"},  # non-ASCII addresses are read by the locale
    )
    return CurlRun(run.returncode, run.stdout.decode(errors="replace"))
