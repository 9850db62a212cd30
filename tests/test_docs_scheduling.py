"""docs/scheduling.md: its commands run as they stand, and its tables are those of the code."""

import re
import shlex
from pathlib import Path

import pytest

from postroad import Email, Outbox
from postroad.cli.rest_options import SCOPES
from postroad.outbox.reasons import Reason
from tests.cli.command import run_inside

PAGE = (Path(__file__).parents[1] / "docs" / "scheduling.md").read_text(encoding="utf-8")
COMMANDS = "".join(re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)).splitlines()


@pytest.fixture
def db(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'mail.db'}"
    with Outbox(url) as outbox:
        outbox.send(Email(from_="me@acme.example", to="ann@example.com", text="Hi"))
        outbox.pause(account="bob@smtp.example.net:587")
    return url


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_does_what_the_page_says(line: str, db: str) -> None:
    ended = run_inside(*shlex.split(line)[1:], "--db", db)
    assert ended.code == 0, ended.stderr


def named_in_table(heading: str) -> set[str]:
    table = PAGE.partition(heading)[2].partition("\n\n")[0]
    return {word for row in table.splitlines() for word in re.findall(r"`([\w-]+)`", row.split("|")[1] if row else "")}


def test_the_page_names_every_reason_and_every_scope() -> None:
    assert named_in_table("| reason | what it means |") == set(Reason)
    assert named_in_table("| scope | what rests |") == {f"--{scope}" for scope in SCOPES}
