"""docs/dmarc.md, arc.md and linting.md: their commands are run as they stand there, on the zone that is shown."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from postroad.lint.check import RULES
from tests.cli.command import PATIENCE
from tests.mailauth.arc.foreign_chain import MESSAGE, chain

DOCS = Path(__file__).parent.parent / "docs"
ZONE = "".join(re.findall(r"```yaml\n(.*?)```", (DOCS / "dmarc.md").read_text(), re.DOTALL))
COMMANDS = [
    line
    for page in ("dmarc.md", "arc.md", "linting.md")
    for block in re.findall(r"```console\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    for line in block.splitlines()
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    script = tmp_path / "postroad"
    script.write_text(f"#!{sys.executable}\nfrom postroad.__main__ import main\nmain()\n")
    script.chmod(0o755)
    (tmp_path / "zone.yaml").write_text(ZONE)
    (tmp_path / "mail.eml").write_bytes(MESSAGE)
    (tmp_path / "other.eml").write_bytes(chain(1))
    return tmp_path


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_does_what_the_guide_says(line: str, folder: Path) -> None:
    if "--dns" not in line and "dmarc" in line:
        line += " --dns zone.yaml"  # no question of a test leaves the machine; the plain message has no keys to ask for
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["sh", "-c", line], cwd=folder, env={**os.environ, "PATH": path}, timeout=PATIENCE, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    expected = 3 if "--kind marketing" in line else 0  # the plain message has no way to leave
    assert (run.returncode, run.stdout != "") == (expected, True), run.stderr


def test_every_rule_is_described() -> None:
    guide = (DOCS / "linting.md").read_text()
    assert [rule.id for rule in RULES if f"\n| {rule.id} | " not in guide] == []
