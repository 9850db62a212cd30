"""``postroad trace``: the way of a message as a table, and as JSON."""

import re
from pathlib import Path

import pytest

from postroad.message.trace import MAX_HOPS
from tests.cli.command import run_inside
from tests.message.test_received import WAY


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    path = tmp_path / "mail.eml"
    path.write_bytes(WAY)
    return path


def test_the_hops_stand_in_their_order_with_their_delays(mail: Path) -> None:
    ended = run_inside("trace", str(mail))
    assert ended.code == 0
    heading, *rows = [re.split(r"  +", line) for line in ended.stdout.splitlines()]
    assert heading == ["TIME", "DELAY", "FROM", "ADDRESS", "BY", "ID", "WITH", "TLS", "FOR"]
    assert rows[0][0] == "2026-11-23 09:00:00Z"
    assert "ESMTPSA, authenticated" in rows[0]
    assert rows[1][:3] == ["2026-11-23 08:59:57Z", "-3 s", "a.example"]
    assert "no TLS" in rows[3]
    assert rows[3][1] == "5 min 3 s"
    assert "Authentication-Results: c.example; dkim=pass" in ended.stdout
    assert ended.stderr == "4 hops in 5 min; the clocks of some servers differ\n"


def test_standard_input_and_json(mail: Path) -> None:
    ended = run_inside("trace", "-", "--json", given=mail.read_bytes())
    assert ended.json["file"] == "-"
    assert ended.json["seconds"] == 300
    assert ended.json["hops"][1] == {
        "from": "a.example", "host": None, "address": None, "by": "b.example", "via": None, "with": "ESMTPS", "id": "2",
        "for": None, "time": "2026-11-23T08:59:57+00:00", "delay_seconds": -3, "tls": True, "tls_version": None,
        "cipher": None, "authenticated": False, "user": None,
    }  # fmt: skip


def test_many_files_are_a_line_each(mail: Path, tmp_path: Path) -> None:
    (tmp_path / "draft.eml").write_bytes(b"Subject: x\n\nhello\n")
    files = (str(mail), str(tmp_path / "draft.eml"))
    lines = run_inside("trace", "--jsonl", *files).lines
    assert [line["file"] for line in lines] == list(files)
    assert [len(line["hops"]) for line in lines] == [4, 0]
    assert [one["file"] for one in run_inside("trace", "--json", *files).json["traces"]] == list(files)
    assert files[1] in run_inside("trace", *files).stdout


def test_a_message_that_never_travelled_has_no_hops() -> None:
    ended = run_inside("trace", "-", given=b"Subject: x\n\nhello\n")
    assert (ended.code, ended.stdout) == (0, "")
    assert "no Received field" in ended.stderr


@pytest.mark.parametrize("given", [b"", b"\n\n", b"just text\nwithout a header\n"])
def test_what_has_no_header_is_no_message(given: bytes) -> None:
    ended = run_inside("trace", "-", given=given)
    assert (ended.code, ended.stdout) == (65, "")
    assert "holds no message" in ended.stderr


def test_hops_beyond_the_limit_are_counted() -> None:
    given = b"Received: from a by b; Mon, 23 Nov 2026 09:00:00 +0000\n" * (MAX_HOPS + 3) + b"\nhi\n"
    assert "1000 hops in 0 s; 3 older hops left out" in run_inside("trace", "-", given=given).stderr
    assert run_inside("trace", "-", "--json", given=given).json["hops_left_out"] == 3


def test_a_file_that_is_not_there_is_named() -> None:
    ended = run_inside("trace", "/nowhere/mail.eml", "--json")
    assert ended.code == 65
    assert "/nowhere/mail.eml" in ended.json["error"]["message"]


def test_what_stands_in_the_header_does_not_drive_the_terminal() -> None:
    evil = b"Received: from \x1b]0;owned\x07 (\x1b[31m) by \xc2\x9b31m \xe2\x80\xae with \x1b[2J id \x07\n\n"
    ended = run_inside("trace", "-", given=evil + b"Authentication-Results: \x1b[31m\n\n")
    assert ended.code == 0
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", ended.stdout + ended.stderr)
