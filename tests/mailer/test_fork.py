"""A process forks while a mailer has an open connection: two clean sessions, the parent's undisturbed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from postroad.testing import ScriptedServer
from tests.peers.certificates import Certificates
from tests.transport.road import verbs

PROGRAM = Path(__file__).with_name("forking_sender.py")
PATIENCE = 120.0  # seconds

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this operating system has no fork")


def run(url: str, child_does: str) -> None:
    # Forking with threads is what is tested; from Python 3.12 on it warns of it.
    command = [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", str(PROGRAM), url, child_does]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def subjects(server: ScriptedServer, connection: int) -> list[str]:
    contents = [message.content.decode() for message in server.messages if message.connection == connection]
    return [content.split("Subject: ")[1].split("\r\n")[0] for content in contents]


@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
@pytest.mark.parametrize("child_does", ["sends", "closes"])
def test_both_sides_send(certificates: Certificates, tls: str, child_does: str) -> None:
    context = None if tls == "none" else certificates.good.server_context()
    with ScriptedServer(tls=context, implicit_tls=tls == "implicit") as server:
        run(server.url if context is None else f"{server.url}?ca={certificates.ca}", child_does)
        assert len(server.sessions) == 2
        assert subjects(server, 0) == ["parent-before", "parent-after"]
        assert subjects(server, 1) == ["child-one", "child-two"]
        for session in server.sessions:
            assert verbs(session.commands)[-1] == "QUIT"
            assert verbs(session.commands).count("MAIL") == 2
        assert all(message.accepted for message in server.messages)


@pytest.mark.parametrize("child_does", ["leaves", "collects"])
@pytest.mark.parametrize("secure", [False, True])
def test_a_child_that_does_not_care_disturbs_nothing(certificates: Certificates, child_does: str, secure: bool) -> None:
    context = certificates.good.server_context() if secure else None
    with ScriptedServer(tls=context) as server:
        run(f"{server.url}?ca={certificates.ca}" if secure else server.url, child_does)
        assert len(server.sessions) == 1
        assert subjects(server, 0) == ["parent-before", "parent-after"]


def test_threads_of_a_child_may_all_be_the_first() -> None:
    with ScriptedServer() as server:
        run(server.url, "threads")
        assert subjects(server, 0) == ["parent-before", "parent-after"]
        of_child = [subject for number in range(1, len(server.sessions)) for subject in subjects(server, number)]
        assert sorted(of_child) == [f"child-{number}" for number in range(4)]
