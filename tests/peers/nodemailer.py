"""nodemailer, in Node. Installed beside its scripts on first use, at the version and hash of its lock file."""

import base64
import fcntl
import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.peers.endpoint import Endpoint

FOLDER = Path(__file__).parent / "node"
INSTALL_PATIENCE = 120.0  # seconds
RUN_PATIENCE = 120.0  # seconds


@dataclass(frozen=True, slots=True)
class NodemailerRun:
    """What nodemailer says became of a message. ``response`` is the server's last word, or nodemailer's own."""

    accepted: tuple[str, ...]
    rejected: tuple[str, ...]
    response: str


@cache
def missing() -> str:
    """Why nodemailer cannot run here; empty where it can."""
    if not (shutil.which("node") and shutil.which("npm")):
        return "node and npm are not installed"
    with (FOLDER / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the tests run in several processes
        if (FOLDER / "node_modules" / "nodemailer").is_dir():
            return ""
        install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            subprocess.run(install, cwd=FOLDER, check=True, capture_output=True, timeout=INSTALL_PATIENCE)
        except (subprocess.SubprocessError, OSError):
            return "npm could not install nodemailer"
    return ""


def send_one(
    server: Endpoint, content: bytes, envelope: Mapping[str, Any], settings: Mapping[str, Any]
) -> NodemailerRun:
    """Send a content as it is; ``settings`` are more of what createTransport takes, ``envelope`` is nodemailer's."""
    order = {
        "transport": {"host": server.host, "port": server.port, **settings},
        "mail": {"envelope": dict(envelope), "raw": base64.b64encode(content).decode()},
    }
    run = subprocess.run(
        ["node", "send_one.js"],
        cwd=FOLDER,
        input=json.dumps(order).encode(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=RUN_PATIENCE,
    )
    told = json.loads(run.stdout)
    return NodemailerRun(tuple(told["accepted"]), tuple(told["rejected"]), told["response"])


def send_many(server: Endpoint, content: bytes, count: int, connections: int, sender: str, recipient: str) -> float:
    """Send a content ``count`` times through a pool; the seconds it took, without Node's own start."""
    command = ["node", "send_many.js", *map(str, (server.port, connections, count, sender, recipient))]
    run = subprocess.run(command, cwd=FOLDER, input=content, check=True, stdout=subprocess.PIPE)
    return float(run.stdout)
