"""``postroad spf check``: a verdict for people and for programs, from the DNS or from a file."""

import json
from pathlib import Path

from tests.cli.command import run_inside

ZONE = """
acme.example:
  - TXT: v=spf1 include:_spf.acme.example mx -all exp=why.acme.example
  - MX: [10, mail.acme.example]
_spf.acme.example:
  - TXT: v=spf1 ip4:192.0.2.0/24 -all
mail.acme.example:
  - A: 198.51.100.7
why.acme.example:
  - TXT: "%{i} is no sender of %{d}"
slow.example:
  - TIMEOUT
"""


def test_a_verdict_in_json(zone: str) -> None:
    ended = run_inside("spf", "check", "--dns", zone, "--ip", "198.51.100.7", "--helo", "mail.acme.example",
                       "--mail-from", "ann@acme.example", "--json")  # fmt: skip
    assert ended.code == 0
    told = ended.json
    assert {name: told[name] for name in ("result", "explanation", "mechanism", "lookups")} == {
        "result": "pass", "explanation": None, "mechanism": "mx", "lookups": 2,
    }  # fmt: skip
    assert [step["outcome"] for step in told["trace"]] == ["record", "record", "no match", "match", "no match", "match"]
    assert told["trace"][-1]["answers"][-1] == {
        "name": "mail.acme.example", "type": "A", "status": "found", "records": ["198.51.100.7"], "count": 1,
    }  # fmt: skip


def test_a_verdict_for_people(zone: str) -> None:
    ended = run_inside("spf", "check", "--dns", zone, "--ip", "203.0.113.1", "--mail-from", "ann@acme.example")
    assert ended.code == 0
    assert ended.stdout.startswith("fail: the policy of acme.example (mailfrom) has -all for 203.0.113.1\n")
    assert "explains: 203.0.113.1 is no sender of acme.example" in ended.stdout
    assert "MX acme.example: 10 mail.acme.example; A mail.acme.example: 198.51.100.7" in ended.stdout
    assert ended.stderr == "2 terms of 10 asked the DNS; 0 questions of 2 found nothing\n"
    slow = run_inside("spf", "check", "--dns", zone, "--ip", "203.0.113.1", "--mail-from", "ann@slow.example")
    assert slow.stdout == "temperror: TXT 'slow.example' did not answer in time: the zone says so\n"


def test_text_of_strangers_does_not_reach_the_terminal_raw(tmp_path: Path) -> None:
    path = tmp_path / "zone.yaml"
    path.write_text('acme.example: [{TXT: "v=spf1 -all exp=x.example"}]\nx.example: [{TXT: "\\e[31m %{c}"}]\n')
    ended = run_inside("spf", "check", "--dns", str(path), "--ip", "192.0.2.1", "--mail-from", "a@acme.example")
    assert "\x1b" not in ended.stdout


def test_cases_on_standard_input_are_answered_in_order(zone: str) -> None:
    cases = [
        {"ip": "192.0.2.1", "helo": "x", "mail_from": "ann@acme.example"},
        {"ip": "2001:db8::1", "helo": "acme.example", "mail_from": ""},
        {"ip": "192.0.2.1", "mail_from": "a@nowhere.example", "more": 1},
    ]
    given = "\n\n".join(map(json.dumps, cases))
    ended = run_inside("spf", "check", "--dns", zone, "--jsonl", given=given)
    assert ended.code == 0
    assert [(line["result"], line["identity"]) for line in ended.lines] == [
        ("pass", "mailfrom"), ("fail", "helo"), ("none", "mailfrom"),
    ]  # fmt: skip


def test_a_line_that_is_no_case_is_told_and_the_others_are_answered(zone: str) -> None:
    given = (
        '{"ip": "here"}\n[]\n{\n{"ip": "192.0.2.1", "helo": 5}\n{"ip": "192.0.2.1", "mail_from": "a@acme.example"}\n'
    )
    ended = run_inside("spf", "check", "--dns", zone, "--jsonl", given=given)
    assert ended.code == 65
    *wrong, right = ended.lines
    assert [line["error"]["line"] for line in wrong] == [1, 2, 3, 4]
    assert wrong[0]["error"]["message"] == "line 1: ip: 'here' is no IP address"
    assert wrong[0]["error"]["field"] == "ip"
    assert right["result"] == "pass"


def test_a_script_may_expect_a_result(zone: str) -> None:
    how = ("spf", "check", "--dns", zone, "--ip", "192.0.2.1", "--mail-from", "ann@acme.example", "--expect")
    assert run_inside(*how, "pass").code == 0
    assert run_inside(*how, "fail").code == 3
    given = '{"ip": "203.0.113.1", "mail_from": "ann@acme.example"}\n'
    assert run_inside("spf", "check", "--dns", zone, "--jsonl", "--expect", "pass", given=given).code == 3


def test_what_is_missing_or_wrong_is_said_before_anything_is_asked(zone: str, tmp_path: Path) -> None:
    assert run_inside("spf", "check", "--dns", zone).code == 2
    assert run_inside("spf", "check", "--dns", zone, "--ip", "here").code == 65
    absent = run_inside("spf", "check", "--dns", str(tmp_path / "absent"), "--ip", "192.0.2.1", "--json")
    assert (absent.code, absent.json["error"]["setting"]) == (78, "--dns")
    (tmp_path / "wrong").write_text("acme.example:\n  - A: here\n")
    wrong = run_inside("spf", "check", "--dns", str(tmp_path / "wrong"), "--ip", "192.0.2.1")
    assert wrong.code == 78
    assert "line 2: 'acme.example': 'here' is no value of type A" in wrong.stderr
    (tmp_path / "odd").write_text("a..example: []\n")
    odd = run_inside("spf", "check", "--dns", str(tmp_path / "odd"), "--ip", "192.0.2.1", "--mail-from", "a@b.example")
    assert odd.code == 0
    assert "nobody can ask for a..example" in odd.stderr
