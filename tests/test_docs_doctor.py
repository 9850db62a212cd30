"""docs/doctor.md: its commands are run as they stand there, on its zone, and its tables are those of the code."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from postroad.doctor.checks.registry import CHECKS
from postroad.doctor.profiles import PROFILES
from tests.cli.command import PATIENCE

GUIDE = (Path(__file__).parent.parent / "docs" / "doctor.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    script = tmp_path / "postroad"
    script.write_text(f"#!{sys.executable}\nfrom postroad.__main__ import main\nmain()\n")
    script.chmod(0o755)
    (tmp_path / "zone.yaml").write_text("".join(blocks("yaml")))
    return tmp_path


def run(line: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    if "--dns" not in line:
        line += " --dns zone.yaml"  # no question of a test leaves the machine
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", line], cwd=folder, env={**os.environ, "PATH": path}, timeout=PATIENCE, check=False,
        capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("line", [line for block in blocks("console") for line in block.splitlines()])
def test_a_command_does_what_the_guide_says(line: str, folder: Path) -> None:
    ended = run(line, folder)
    assert (ended.returncode, ended.stdout != "") == (3, True), ended.stderr


def test_the_report_begins_as_the_guide_shows(folder: Path) -> None:
    assert run(blocks("console")[-1].strip(), folder).stdout.startswith(blocks("text")[0])


def test_every_check_is_described_as_it_describes_itself() -> None:
    assert [one.id for one in CHECKS if f"\n| {one.id} | {one.rule} | {one.rfc} |\n" not in GUIDE] == []


def test_every_profile_is_named() -> None:
    assert [one.name for one in PROFILES if one.name not in GUIDE] == []
