"""The rules in docs/limits.md are read, make sense, and name everything that may be said; its commands run."""

import re
import shlex
from pathlib import Path

import pytest

from postroad.outbox.shaping.finding import Level
from postroad.outbox.shaping.in_force import shipped_rules
from postroad.outbox.shaping.rules_file import rules_in
from postroad.outbox.shaping.rules_lint import findings_of
from tests.cli.command import run_inside

GUIDE = (Path(__file__).parents[1] / "docs" / "limits.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
COMMANDS = "".join(re.findall(r"```console\n(.*?)```", GUIDE, re.DOTALL)).splitlines()


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_read_and_has_an_effect(example: str) -> None:
    found = findings_of(rules_in(example.encode(), "rules.toml"), shipped_rules())
    assert [one for one in found if one.level is not Level.NOTE] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.toml").write_text(EXAMPLES[0])
    ended = run_inside(*shlex.split(command)[1:])
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout
