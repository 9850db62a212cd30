"""docs/command-line.md: its commands are run as they stand there, and its tables are compared with the code."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import postroad
from postroad import Email, Outbox
from postroad.cli.exit_codes import ExitCode
from postroad.cli.sendmail.flags import UnusableFlags, read_flags
from postroad.testing import ScriptedServer
from tests.cli.command import PATIENCE
from tests.conftest import RequiresProgram

GUIDE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
COMMANDS = "".join(re.findall(r"```console\n(.*?)```", GUIDE, re.DOTALL)).splitlines()
# Where an administrator would put it; nothing of the machine is touched by a test.
INSTALLED = "/usr/local/sbin/sendmail"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    script = tmp_path / "postroad"
    script.write_text(f"#!{sys.executable}\nfrom postroad.__main__ import main\nmain()\n")
    (tmp_path / "sendmail").write_text('#!/bin/sh\nexec postroad sendmail "$@"\n')
    for program in (script, tmp_path / "sendmail"):
        program.chmod(0o755)
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.4\n")
    (tmp_path / "export").write_bytes(b"a,b\n")
    (tmp_path / "meeting.ics").write_bytes(b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n")
    (tmp_path / "mail.eml").write_bytes(b"Received: by a.example; Mon, 23 Nov 2026 09:00:04 +0000\nTo: x\n\nhi\n")
    (tmp_path / "list.csv").write_text("address\nann@example.com\nbob@example.com\n")
    _fill(Outbox.from_env({"XDG_DATA_HOME": str(tmp_path / "data")}))
    (tmp_path / "mail.php").write_text("<?php exit(mail('ann@example.com', 'Hi', 'text') ? 0 : 1);")
    return tmp_path


def _fill(outbox: Outbox) -> None:
    """The outbox that the commands find: a message, somebody who gets none, and a stream that rests."""
    with outbox:
        outbox.send(Email(from_="me@acme.example", to="ann@example.com", text="Hi"))
        outbox.suppressions.add("cy@example.com")
        outbox.pause(stream="news")


@pytest.mark.parametrize("line", [line for line in COMMANDS if not line.startswith("git ")])
def test_a_command_does_what_the_guide_says(line: str, folder: Path, requires_program: RequiresProgram) -> None:
    if not line.startswith(("postroad ", "date ", "printf ")):
        requires_program(shlex.split(line)[0])
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    with ScriptedServer() as server:
        run = subprocess.run(
            ["sh", "-c", line.replace(INSTALLED, str(folder / "sendmail"))],
            cwd=folder, env={**os.environ, "PATH": path, "POSTROAD_URL": server.url}, timeout=PATIENCE, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
        sends = re.search(r"postroad send|php", line) is not None and "--dry-run" not in line
        assert (run.returncode, len(server.messages)) == (0, int(sends)), run.stderr
    assert run.stdout or "sendmail" in line or ">" in line


def test_the_exit_codes_are_those_of_the_command_line() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", GUIDE, re.MULTILINE)}
    assert told == {int(code) for code in ExitCode}


def test_every_variable_that_is_read_is_named() -> None:
    source = Path(postroad.__file__).parent
    read = {
        name.removesuffix("_FILE")
        for path in source.rglob("*.py")
        for name in re.findall(r'"((?:POSTROAD|SMTP)_[A-Z_]+)"', path.read_text(encoding="utf-8"))
    }
    assert {"POSTROAD_URL", "SMTP_TLS", "POSTROAD_LIMITS"} < read
    own = {"POSTROAD_IN_SENDMAIL"}  # by which the program knows itself again
    assert sorted(name for name in read - own if f"`{name}" not in GUIDE) == []


def test_the_flags_of_sendmail_are_those_that_are_read() -> None:
    table = GUIDE.partition("| flag |")[2].partition("\n\n")[0]
    for cell in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE):
        for flags in re.findall(r"`(-[^`]+)`", cell):
            words = flags.split() if flags.count(" -") else [flags.replace(" ", "")]
            for word in words:
                given = [word if len(word) > 2 or word in ("-t", "-i", "-v", "-q") else f"{word}m", "ann@example.com"]
                if "refused" in next(line for line in table.splitlines() if cell in line):
                    with pytest.raises(UnusableFlags):
                        read_flags(given)
                elif not word.startswith("-B"):
                    read_flags(given)
