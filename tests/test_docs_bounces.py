"""docs/bounces.md and reports.md: their commands run as they stand there, and the tables are those of the code."""

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from postroad.reports.classes import BounceClass
from postroad.reports.report import ReportKind
from tests.cli.command import PATIENCE
from tests.cli.test_report import BOUNCE, COMPLAINT, VACATION
from tests.reports.report_files import REPORT, TLS_REPORT, failure_report

DOCS = Path(__file__).parent.parent / "docs"
GUIDE = (DOCS / "bounces.md").read_text(encoding="utf-8")
REPORTS_GUIDE = (DOCS / "reports.md").read_text(encoding="utf-8")
COMMANDS = "".join(re.findall(r"```console\n(.*?)```", GUIDE + REPORTS_GUIDE, re.DOTALL)).splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    script = tmp_path / "postroad"
    script.write_text(f"#!{sys.executable}\nfrom postroad.__main__ import main\nmain()\n")
    script.chmod(0o755)
    for name, content in (("bounce.eml", BOUNCE), ("complaint.eml", COMPLAINT), ("vacation.eml", VACATION)):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "report.xml.gz").write_bytes(gzip.compress(REPORT))
    (tmp_path / "tls.json.gz").write_bytes(gzip.compress(json.dumps(TLS_REPORT).encode()))
    (tmp_path / "failure.eml").write_bytes(failure_report())
    (tmp_path / "mail.log").write_text("to=<ann@example.com>, (host mx said: 550 5.1.1 User unknown)\n")
    return tmp_path


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_does_what_the_guide_says(line: str, folder: Path) -> None:
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["sh", "-c", line], cwd=folder, env={**os.environ, "PATH": path}, timeout=PATIENCE, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout


def test_the_classes_are_those_of_the_code() -> None:
    table = GUIDE.partition("| class |")[2].partition("\n\n")[0]
    told = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", table, re.MULTILINE)
    assert told == [(str(one), str(one.action)) for one in BounceClass]


def test_the_kinds_are_those_of_the_code() -> None:
    table = GUIDE.partition("| kind |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| (`[^|]+`) \|", table, re.MULTILINE)
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == {str(one) for one in ReportKind}
