"""``postroad completion``: the scripts, run by the shells they are for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import PATIENCE, run_inside
from tests.conftest import RequiresProgram

# Each shell is given the script, then a command line to complete, and prints what it would offer.
BASH = """\
eval "$(postroad completion bash)"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
_postroad_completion postroad
printf '%s\\n' "${COMPREPLY[@]}"
"""
# Outside of its line editor zsh has no completion system; these stand for the two functions that the script calls.
ZSH = """\
compdef() { : }
compadd() { print -l -- $completions }
_describe() { print -l -- ${completions_with_descriptions%%:*} }
eval "$(postroad completion zsh)"
words=("$@") CURRENT=$#
_postroad_completion
"""
FISH = """\
postroad completion fish | source
complete --do-complete "$argv"
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    script = tmp_path / "postroad"
    script.write_text(f"#!{sys.executable}\nfrom postroad.__main__ import main\nmain()\n")
    script.chmod(0o755)
    return f"{tmp_path}{os.pathsep}{os.environ['PATH']}"


def offered(path: str, *command: str) -> set[str]:
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, "PATH": path}, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    return {line.partition("\t")[0] for line in run.stdout.splitlines() if line}


LINES = pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("postroad", "se"), {"send", "sendmail"}),
        (("postroad", "outbox", "r"), {"retry", "release", "resume"}),
        (("postroad", "suppress", ""), {"ls", "add", "rm", "import", "export"}),
        (("postroad", "send", "--dry"), {"--dry-run"}),
        (("postroad", "completion", ""), {"bash", "zsh", "fish"}),
    ],
)


@LINES
def test_bash(words: tuple[str, ...], expected: set[str], path: str) -> None:
    assert offered(path, "bash", "--norc", "-c", BASH, "bash", *words) == expected


@pytest.mark.system
@LINES
def test_zsh(words: tuple[str, ...], expected: set[str], path: str, requires_program: RequiresProgram) -> None:
    assert offered(path, requires_program("zsh"), "-f", "-c", ZSH, "zsh", *words) == expected


@pytest.mark.system
@LINES
def test_fish(words: tuple[str, ...], expected: set[str], path: str, requires_program: RequiresProgram) -> None:
    found = offered(path, requires_program("fish"), "--no-config", "-c", FISH, " ".join(words))
    assert found == expected


def test_completing_loads_no_command() -> None:
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "postroad"],
        capture_output=True, text=True, timeout=PATIENCE, check=True,
        env={**os.environ, "_POSTROAD_COMPLETE": "bash_complete", "COMP_WORDS": "postroad ", "COMP_CWORD": "1"},
    )  # fmt: skip
    assert "plain,inbox" in run.stdout
    assert "postroad.cli.commands" not in run.stderr


def test_another_shell_is_a_usage_error() -> None:
    assert run_inside("completion", "tcsh").code == 2
