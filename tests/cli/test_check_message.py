"""``postroad check message``: findings for people, and a line for each file."""

from pathlib import Path

import pytest

from tests.cli.command import run_inside
from tests.lint.clean import MARKETING, TRANSACTIONAL
from tests.lint.faulty import FAULTY


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.eml").write_bytes(TRANSACTIONAL)
    (tmp_path / "news.eml").write_bytes(MARKETING)
    (tmp_path / "bad.eml").write_bytes(FAULTY["no List-Unsubscribe-Post"][2])
    (tmp_path / "odd.eml").write_bytes(FAULTY["an answer to nothing"][2])
    return tmp_path


def test_each_file_has_its_line(folder: Path) -> None:
    files = [str(folder / name) for name in ("good.eml", "bad.eml", "none.eml", "odd.eml")]
    ended = run_inside("check", "message", "--jsonl", *files)
    assert ended.code == 65
    assert [line["file"] for line in ended.lines] == files
    good, bad, none, odd = ended.lines
    assert {one["level"] for one in good["findings"]} == {"pass"}
    assert [one["id"] for one in bad["findings"] if one["level"] == "fail"] == ["MSG-04"]
    assert none["error"]["code"]
    assert [one["id"] for one in odd["findings"] if one["level"] == "warn"] == ["MSG-10"]
    assert set(good["findings"][0]) == {"id", "level", "seen", "rule", "rfc", "publish"}


@pytest.mark.parametrize(("name", "code"), [("good.eml", 0), ("news.eml", 0), ("odd.eml", 0), ("bad.eml", 3)])
def test_a_fault_ends_with_three(folder: Path, name: str, code: int) -> None:
    assert run_inside("check", "message", str(folder / name)).code == code
    assert run_inside("check", "message", "--json", str(folder / name)).code == code


def test_people_see_what_to_add(folder: Path) -> None:
    ended = run_inside("check", "message", str(folder / "bad.eml"))
    assert "fail    MSG-04   there is no List-Unsubscribe-Post" in ended.stdout
    assert "+ List-Unsubscribe-Post: List-Unsubscribe=One-Click" in ended.stdout
    assert "MSG-01" not in ended.stdout
    assert "1 fail, 10 pass" in ended.stderr


def test_the_kind_can_be_said(folder: Path) -> None:
    ended = run_inside("check", "message", "--kind", "marketing", "--json", "-", given=TRANSACTIONAL)
    assert ended.code == 3
    assert [one["id"] for one in ended.json["findings"] if one["level"] == "fail"] == ["MSG-04"]


def test_foreign_text_is_escaped() -> None:
    ended = run_inside("check", "message", "-", given=b"Subject: Re: \x1b[31m\xe2\x80\xae\r\nDate: \x1b[0m\r\n\r\n")
    assert ended.code == 3
    assert not set("\x1b\u202e") & set(ended.stdout + ended.stderr)
