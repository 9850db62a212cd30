"""docs/spf.md: its commands are run as they stand there, on the zone that the guide shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from postroad.mailauth.spf.verdict import Result
from tests.cli.command import PATIENCE

GUIDE = (Path(__file__).parent.parent / "docs" / "spf.md").read_text(encoding="utf-8")
ZONE = "".join(re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL))
COMMANDS = "".join(re.findall(r"```console\n(.*?)```", GUIDE, re.DOTALL)).splitlines()


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_does_what_the_guide_says(line: str, tmp_path: Path) -> None:
    script = tmp_path / "postroad"
    script.write_text(f"#!{sys.executable}\nfrom postroad.__main__ import main\nmain()\n")
    script.chmod(0o755)
    (tmp_path / "zone.yaml").write_text(ZONE)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["sh", "-c", line], cwd=tmp_path, env={**os.environ, "PATH": path}, timeout=PATIENCE, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert (run.returncode, run.stdout != "") == (0, True), run.stderr


def test_every_result_is_named() -> None:
    assert [str(result) for result in Result if f"`{result}`" not in GUIDE] == []
