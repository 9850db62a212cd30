"""swaks, the command-line SMTP client, as a peer of a server."""

import subprocess
from dataclasses import dataclass

from tests.peers.endpoint import Endpoint
from tests.peers.program import program_path

RUN_PATIENCE = 120.0  # seconds


@dataclass(frozen=True, slots=True)
class SwaksRun:
    """How a run of swaks ended: its exit code (0: the mail was taken) and the conversation it printed."""

    exit_code: int
    transcript: str


def run_swaks(endpoint: Endpoint, *arguments: str, data: bytes | None = None) -> SwaksRun:
    """Run swaks against a server, with its own options (``--tls``, ``--auth-user``, ``--pipeline``).

    ``data`` is the whole message, with LF or CRLF line ends; without it swaks writes one of its own.
    """
    message = [] if data is None else ["--data", "-"]
    command = [program_path("swaks"), "--server", endpoint.host, "--port", str(endpoint.port)]
    run = subprocess.run(
        [*command, *arguments, *message],
        input=(data or b"").removesuffix(b"\n").removesuffix(b"\r"),  # swaks adds a line end of its own
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=RUN_PATIENCE,
        check=False,
    )
    return SwaksRun(run.returncode, run.stdout.decode(errors="replace"))
