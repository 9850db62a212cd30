"""nodemailer, in Node. Installed beside this bench on first use, at the version and hash of its lock file."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

from benchmarks.letter import ENVELOPE_SENDER, RECIPIENT, rendered
from tests.peers.endpoint import Endpoint

FOLDER = Path(__file__).parents[1] / "nodemailer"
INSTALL_PATIENCE = 120.0  # seconds


@cache
def missing() -> str:
    """Why nodemailer cannot run here; empty where it can."""
    if not (shutil.which("node") and shutil.which("npm")):
        return "node and npm are not installed"
    if (FOLDER / "node_modules" / "nodemailer").is_dir():
        return ""
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        subprocess.run(install, cwd=FOLDER, check=True, capture_output=True, timeout=INSTALL_PATIENCE)
    except (subprocess.SubprocessError, OSError):
        return "npm could not install it"
    return ""


def send(endpoint: Endpoint, count: int, connections: int) -> float:
    command = ["node", "send.js", *map(str, (endpoint.port, connections, count, ENVELOPE_SENDER, RECIPIENT))]
    run = subprocess.run(command, cwd=FOLDER, input=rendered(), check=True, stdout=subprocess.PIPE)
    return float(run.stdout)
