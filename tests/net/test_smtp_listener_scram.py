"""SCRAM-SHA-256 on a real socket, judged by GNU SASL, which shares no code with ours."""

import asyncio
import base64
import subprocess
from collections.abc import Mapping

import pytest

from postroad.net.smtp_handler import SmtpClient
from postroad.net.smtp_listener import SmtpListener
from postroad.reply import Reply
from postroad.secret import Secret
from postroad.smtp.replies import from_text
from postroad.smtp.scram_server import StoredKey
from postroad.smtp.server_settings import AuthOffer, ServerSettings
from tests.conftest import RequiresProgram
from tests.net.recording_handler import RecordingHandler

SETTINGS = ServerSettings(auth=AuthOffer.OVER_TLS_OR_LOOPBACK)
SALT = b"sixteen octets.."
PATIENCE = 120.0  # seconds

pytestmark = pytest.mark.system


class Keys:
    """Knows some users, and a moment at which nobody knows."""

    def __init__(self, keys: Mapping[str, StoredKey]) -> None:
        self._keys = keys

    async def stored_key(self, client: SmtpClient, username: str) -> StoredKey | Reply | None:
        if username == "later":
            return from_text("454 4.7.0 Ask me later")
        return self._keys.get(username)


KEYS = Keys(
    {
        "ann": StoredKey.of(Secret("pencil"), SALT, 4096),
        "a,b=c": StoredKey.of(Secret("pass word, = ß"), SALT, 4096),
    }
)


def gsasl(program: str, username: str, password: str) -> subprocess.CompletedProcess[str]:
    """GNU SASL's client logs in to a listener of ours, and goes."""

    async def serve() -> subprocess.CompletedProcess[str]:
        async with SmtpListener(RecordingHandler(), settings=SETTINGS, keys=KEYS) as listener:
            host, port = listener.address
            options = ("--smtp", "--no-starttls", f"--connect={host}:{port}", "--mechanism=SCRAM-SHA-256")
            command = [program, *options, f"--authentication-id={username}", f"--password={password}"]
            return await asyncio.to_thread(_run, command)

    return asyncio.run(serve())


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=PATIENCE, check=False, input=""
    )


@pytest.mark.parametrize(("username", "password"), [("ann", "pencil"), ("a,b=c", "pass word, = ß")])
def test_gnu_sasl_logs_in(requires_program: RequiresProgram, username: str, password: str) -> None:
    run = gsasl(requires_program("gsasl"), username, password)
    assert run.returncode == 0, run.stderr
    assert "235 2.7.0 Authenticated" in run.stdout


@pytest.mark.parametrize(("username", "code"), [("ann", "535"), ("nobody", "535"), ("later", "454")])
def test_gnu_sasl_is_refused(requires_program: RequiresProgram, username: str, code: str) -> None:
    run = gsasl(requires_program("gsasl"), username, "wrong")
    assert run.returncode != 0
    assert f"\n{code} " in run.stdout


@pytest.mark.parametrize("password", ["pencil", "pass word, = ß"])
def test_gnu_sasl_derives_the_same_key(requires_program: RequiresProgram, password: str) -> None:
    options = ("--mkpasswd", "--mechanism=SCRAM-SHA-256", "--iteration-count=4096")
    salt = base64.b64encode(SALT).decode()
    run = _run([requires_program("gsasl"), *options, f"--salt={salt}", f"--password={password}"])
    _, _, stored, server = run.stdout.strip().split(",")
    ours = StoredKey.of(Secret(password), SALT, 4096)
    assert base64.b64decode(stored) == ours.stored_key
    assert base64.b64decode(server) == ours.server_key
