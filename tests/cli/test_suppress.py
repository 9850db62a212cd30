"""``postroad suppress``: who gets no mail, from the command line."""

import json
from pathlib import Path

import pytest

from tests.cli.command import Ended, run_inside
from tests.cli.queueing import ENVELOPE


def suppress(verb: str, db: str, *options: str, given: str | None = None) -> Ended:
    return run_inside("suppress", verb, "--db", db, *options, given=given)


def test_who_is_added_gets_nothing_and_what_waits_ends(db: str) -> None:
    run_inside("send", *ENVELOPE, "--outbox", "--db", db)
    ended = suppress("add", db, "Ann@example.com", "--reason", "complaint", "--note", "by phone", "--json")
    assert ended.code == 0
    (entry,) = ended.json["suppressions"]
    assert (entry["address"], entry["stream"], entry["reason"]) == ("Ann@example.com", None, "complaint")
    assert run_inside("outbox", "stats", "--db", db, "--json").json["states"]["suppressed"] == 1
    shown = suppress("ls", db).stdout
    assert "by phone" in shown
    assert "complaint" in shown


def test_ls_of_an_address_and_by_what_it_is(db: str) -> None:
    suppress("add", db, "ann@example.com", "bob@other.example", "--stream", "news", "--reason", "unsubscribe")
    suppress("add", db, "cy@example.com", "--expires-at", "+30d")
    cases = {
        (): 3, ("ANN@example.com",): 1, ("dan@example.com",): 0, ("--stream", "news"): 2, ("--reason", "manual"): 1,
        ("--domain", "example.com"): 2, ("--limit", "2"): 2,
    }  # fmt: skip
    for options, count in cases.items():
        assert len(suppress("ls", db, "--jsonl", *options).lines) == count, options
    assert len(suppress("ls", db).stdout.splitlines()) == 4


def test_rm_leaves_what_is_of_a_stream(db: str) -> None:
    suppress("add", db, "ann@example.com")
    suppress("add", db, "ann@example.com", "--stream", "news", "--reason", "unsubscribe")
    ended = suppress("rm", db, "ann@example.com")
    assert ended.code == 0
    assert "still on the list for the stream news (unsubscribe)" in ended.stderr
    again = suppress("rm", db, "ann@example.com")
    assert again.code == 4
    assert "was not on the list for all streams" in again.stderr
    assert (
        suppress("rm", db, "ann@example.com", "--stream", "news", "--json").json["suppressions"][0]["stream"] == "news"
    )
    assert suppress("ls", db, "--json").json == {"suppressions": []}


@pytest.mark.parametrize("options", [(), ("--jsonl",)])
def test_an_export_is_an_import(db: str, tmp_path: Path, options: tuple[str, ...]) -> None:
    suppress("add", db, "ann@example.com", "--note", "=1+1")
    suppress("add", db, "bob@example.com", "--stream", "news", "--reason", "unsubscribe", "--expires-at", "+9d")
    exported = suppress("export", db, *options)
    assert exported.code == 0
    (tmp_path / "list").write_text(exported.stdout)
    other = f"sqlite:///{tmp_path / 'other.db'}"
    ended = suppress("import", other, str(tmp_path / "list"), "--json")
    assert (ended.code, ended.json) == (0, {"read": 2, "changed": 2, "refused": 0})
    assert suppress("export", other, *options).stdout == exported.stdout
    again = suppress("import", other, "-", "--json", given=exported.stdout)
    assert again.json == {"read": 2, "changed": 0, "refused": 0}
    assert suppress("import", other, "-", "--json", given="").json["read"] == 0


def test_import_tells_wrong_lines_and_takes_the_others(db: str) -> None:
    lines = (
        "email,reason,stream\nann@example.com,HardBounce,\nno address\x1b[1m,manual,\n"
        "bob@example.com,blocked,\ncy@example.com,,\ndan@example.com,,two words\n"
    )
    ended = suppress("import", db, "-", given=lines)
    assert ended.code == 65
    assert "line 3: " in ended.stderr
    assert "line 4: reason" in ended.stderr
    assert "line 6: stream" in ended.stderr
    assert "\x1b" not in ended.stderr
    assert "2 entries read, 2 new or longer, 3 refused" in ended.stdout
    entries = {one["address"]: one["reason"] for one in suppress("ls", db, "--jsonl").lines}
    assert entries == {"ann@example.com": "hard_bounce", "cy@example.com": "manual"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("add", "nope"), 65),
        (("add", "ann@example.com", "--reason", "blocked"), 65),
        (("add", "ann@example.com", "--stream", "two words"), 65),
        (("add", "ann@example.com", "--expires-at", "soon"), 2),
        (("ls", "nope"), 65),
        (("ls", "--reason", "blocked"), 65),
        (("rm",), 2),
        (("import", "/nowhere/list.csv"), 2),
        (("import", "-", "--stream", "two words"), 65),
        (("import", "-", "--reason", "blocked"), 65),
    ],
)
def test_what_makes_no_sense_is_refused(db: str, words: tuple[str, ...], code: int) -> None:
    ended = run_inside("suppress", *words, "--db", db, "--json", given="ann@example.com\n")
    assert ended.code == code
    assert set(ended.json["error"]) >= {"code", "message", "advice", "retryable"}


@pytest.mark.parametrize("words", [("ls",), ("export",), ("rm", "ann@example.com")])
def test_looking_makes_no_outbox(words: tuple[str, ...], tmp_path: Path) -> None:
    ended = run_inside("suppress", *words, "--db", f"sqlite:///{tmp_path / 'mail.db'}")
    assert ended.code == 4
    assert list(tmp_path.iterdir()) == []


def test_an_export_is_json_a_line(db: str) -> None:
    suppress("add", db, "ann@example.com")
    (line,) = suppress("export", db, "--jsonl").stdout.splitlines()
    assert suppress("export", db, "--json").json == {"suppressions": [json.loads(line)]}
    assert set(json.loads(line)) == {"address", "stream", "reason", "source", "note", "created_at", "expires_at"}
