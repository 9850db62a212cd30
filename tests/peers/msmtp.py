"""msmtp, the sendmail command that hands mail to a server, as a peer of a server."""

import os
import subprocess
from dataclasses import dataclass

from tests.peers.endpoint import Endpoint
from tests.peers.program import program_path

RUN_PATIENCE = 120.0  # seconds


@dataclass(frozen=True, slots=True)
class MsmtpRun:
    """How a run ended: its exit code (0: the mail was taken), and the conversation it printed."""

    exit_code: int
    transcript: str


def run_msmtp(server: Endpoint, *arguments: str, content: bytes, password: str = "") -> MsmtpRun:
    """Run msmtp with its own options and recipients (``--tls``, ``--auth=plain``, ``--dsn-notify=success``).

    It reads no configuration file and adds no header field.
    """
    untouched = ("--set-from-header=off", "--set-date-header=off", "--set-msgid-header=off")
    where = (f"--host={server.host}", f"--port={server.port}", "--debug", "--passwordeval=printenv MSMTP_PASSWORD")
    run = subprocess.run(
        [program_path("msmtp"), "--file=/dev/null", *where, *untouched, *arguments],
        input=content,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=RUN_PATIENCE,
        check=False,
        env=os.environ | {"MSMTP_PASSWORD": password},
    )
    return MsmtpRun(run.returncode, run.stdout.decode(errors="replace"))
