"""docs/dkim.md: its commands are run as they stand there, one after the other."""

import re
import shlex
from pathlib import Path

import pytest

from postroad.mailauth.dkim.rotation import KeyState
from postroad.mailauth.dkim.signature import Result
from tests.cli.command import run_inside

GUIDE = (Path(__file__).parents[1] / "docs" / "dkim.md").read_text(encoding="utf-8")
COMMANDS = "".join(re.findall(r"```console\n(.*?)```", GUIDE, re.DOTALL)).splitlines()


def test_the_commands_work_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mail.eml").write_bytes(b"From: ann@acme.example\r\nSubject: hello\r\n\r\nhello\r\n")
    (tmp_path / "zone.yaml").write_text("acme.example: []\n")
    assert len(COMMANDS) == 7
    answers = [run_inside(*shlex.split(command)[1:]) for command in COMMANDS]
    assert [answer.code for answer in answers] == [0] * len(COMMANDS), answers
    assert [bool(answer.stdout) for answer in answers] == ["--out" not in command for command in COMMANDS]
    assert answers[-1].json["signatures"][0]["selector"] == "s2026"


@pytest.mark.parametrize("word", [*KeyState, *Result])
def test_every_state_and_every_result_is_explained(word: str) -> None:
    assert f"| `{word}` |" in GUIDE
