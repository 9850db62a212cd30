"""``postroad arc verify``: chains, with keys from a file."""

from pathlib import Path

import pytest
import yaml

from tests.cli.command import run_inside
from tests.mailauth.arc.foreign_chain import MESSAGE, chain, key_record


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    zone = {f"s{number}._domainkey.f{number}.example": [{"TXT": key_record()}] for number in (1, 2)}
    (tmp_path / "zone.yaml").write_text(yaml.safe_dump(zone))
    (tmp_path / "down.yaml").write_text(yaml.safe_dump({name: ["TIMEOUT"] for name in zone}))
    (tmp_path / "good.eml").write_bytes(chain(2))
    (tmp_path / "bad.eml").write_bytes(chain(2).replace(b"lines.", b"lines!"))
    (tmp_path / "plain.eml").write_bytes(MESSAGE)
    return tmp_path


def test_each_file_has_its_line(folder: Path) -> None:
    files = [str(folder / name) for name in ("good.eml", "bad.eml", "plain.eml")]
    ended = run_inside("arc", "verify", "--dns", str(folder / "zone.yaml"), "--jsonl", *files)
    assert ended.code == 0
    assert [line["file"] for line in ended.lines] == files
    assert [line["cv"] for line in ended.lines] == ["pass", "fail", "none"]
    assert "the body was changed" in ended.lines[1]["reason"]
    assert ended.lines[0]["sealed_by"] == [
        {"domain": f"f{number}.example", "selector": f"s{number}"} for number in (1, 2)
    ]


def test_a_file_that_is_not_there_stops_no_other(folder: Path) -> None:
    files = [str(folder / name) for name in ("good.eml", "none.eml", "plain.eml")]
    ended = run_inside("arc", "verify", "--dns", str(folder / "zone.yaml"), "--jsonl", *files)
    assert ended.code == 65
    assert [line.get("cv", "error" in line) for line in ended.lines] == ["pass", True, "none"]


@pytest.mark.parametrize(("name", "code"), [("good.eml", 0), ("bad.eml", 3), ("plain.eml", 0)])
def test_people_see_who_sealed(folder: Path, name: str, code: int) -> None:
    ended = run_inside("arc", "verify", "--dns", str(folder / "zone.yaml"), str(folder / name))
    assert ended.code == code
    assert ("  1. f1.example" in ended.stdout) is (name != "plain.eml")


def test_standard_input_is_one_document(folder: Path) -> None:
    ended = run_inside("arc", "verify", "--dns", str(folder / "zone.yaml"), "--json", "-", given=chain(1))
    assert (ended.json["file"], ended.json["cv"], ended.json["oldest_pass"]) == ("-", "pass", 0)


def test_a_key_that_nobody_answers_for_is_told(folder: Path) -> None:
    ended = run_inside("arc", "verify", "--dns", str(folder / "down.yaml"), str(folder / "good.eml"))
    assert ended.code == 3
    assert "may pass another time" in ended.stderr
