"""``postroad outbox limits check`` and ``show``."""

from pathlib import Path

import pytest

from postroad.outbox.shaping.in_force import shipped_rules
from tests.cli.command import Ended, run_inside

OWN = """
[site.google]
rate = "60/min"
burst = 5

[stream.bulk]
rate = "500/min"

[[reply]]
id = "wait"
site = "google"
code = 421
text = "wait a little"
for = "1h"
halve = true

[[warm_up]]
source = "203.0.113.7"
start = 2026-12-01
plan = [[1, 50], [8, 1000]]
"""
WRONG = OWN.replace('site = "google"', 'site = "gmail"')


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return tmp_path / "rules.toml"


def check(rules: Path, text: str, *options: str) -> Ended:
    rules.write_text(text)
    return run_inside("outbox", "limits", "check", str(rules), *options)


def test_what_is_fine_is_shown_as_it_holds(rules: Path) -> None:
    ended = check(rules, OWN)
    assert (ended.code, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert lines[0] == f"{rules}: nothing to complain about"
    google = next(line for line in lines if line.startswith("site google"))
    assert "5 connections, 50 messages a connection" in google
    assert google.endswith("own")
    assert not any(line.startswith("site yahoo") for line in lines)
    assert any(line.startswith("stream bulk") and "500/min" in line for line in lines)
    assert (
        "Warm-up of the source 203.0.113.7 from 2026-12-01: 50 from day 1, 1000 from day 8; over after day 8." in lines
    )
    assert any(line.startswith("wait ") and "half the connections for 60 min" in line for line in lines)


def test_what_can_never_match_is_found(rules: Path) -> None:
    ended = check(rules, WRONG)
    assert ended.code == 3
    assert "there is no site gmail" in ended.stdout
    document = check(rules, WRONG, "--json")
    assert (document.code, document.json["ok"], document.json["file"]) == (3, False, str(rules))
    (finding,) = document.json["findings"]
    assert (finding["level"], finding["place"]) == ("error", "[[reply]] wait")
    assert finding["advice"]


def test_a_note_is_no_failure(rules: Path) -> None:
    ended = check(rules, OWN + '[site.yahoo]\nnew_connections = "10/min"\n', "--json")
    assert (ended.code, ended.json["ok"]) == (0, True)
    assert [one["level"] for one in ended.json["findings"]] == ["note"]
    assert ended.json["in_force"]["sites"]["google"]["through_relay"] == {"rate": "60/min", "burst": 5}


def test_what_is_not_understood_is_a_fault_of_configuration(rules: Path) -> None:
    ended = check(rules, OWN.replace("60/min", "fast"))
    assert (ended.code, ended.stdout) == (78, "")
    assert "[site.google] rate" in ended.stderr
    error = check(rules, "[site.google\n", "--json").json["error"]
    assert (error["code"], str(rules) in error["message"]) == ("configuration_error", True)
    assert run_inside("outbox", "limits", "check", str(rules.with_name("none.toml"))).code == 78


def test_everything_in_force() -> None:
    ended = run_inside("outbox", "limits", "show", "--json")
    assert ended.code == 0
    assert list(ended.json["sites"]) == list(shipped_rules().sites)
    assert ended.json["default"] == {
        "limits": {"connections": 10, "messages_per_connection": 100, "new_connections": "100/min",
                   "new_connections_burst": 10},
        "through_relay": {},
    }  # fmt: skip
    assert [one["id"] for one in ended.json["replies"]] == [rule.id for rule in shipped_rules().replies]
    text = run_inside("outbox", "limits", "show").stdout
    assert all(f"site {name} " in text for name in shipped_rules().sites)
    assert all(rule.id in text for rule in shipped_rules().replies)


@pytest.mark.parametrize("name", ["google", "GMail.com"])
def test_one_site_by_its_name_or_a_domain(name: str, rules: Path) -> None:
    rules.write_text(OWN)
    shown = run_inside("outbox", "limits", "show", "--site", name, "--limits", str(rules), "--json").json
    assert (shown["site"], shown["own"], shown["limits"]["connections"]) == ("google", True, 5)
    assert shown["replies"][0]["id"] == "wait"
    assert {one["site"] for one in shown["replies"]} == {"google", None}
    text = run_inside("outbox", "limits", "show", "--site", name).stdout
    assert "domains: gmail.com, googlemail.com" in text
    assert "yahoo" not in text


def test_a_domain_of_nobody_is_a_site_and_a_name_of_nobody_is_none() -> None:
    shown = run_inside("outbox", "limits", "show", "--site", "Acme.example", "--json").json
    assert (shown["site"], shown["limits"]["connections"]) == ("acme.example", 10)
    assert run_inside("outbox", "limits", "show", "--site", "nobody").code == 4
