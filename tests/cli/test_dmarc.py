"""``postroad dmarc check``: policies and verdicts on a zone in a file."""

import json
from pathlib import Path

import pytest

from tests.cli.command import run_inside

ZONE = """\
_dmarc.acme.example:
  - TXT: v=DMARC1; p=reject; sp=quarantine; t=y; pct=50; rua=mailto:d@reports.test,mailto:d@acme.example
_dmarc.down.example: [TIMEOUT]
news.acme.example:
  - A: 192.0.2.1
"""


def test_a_domain_alone_has_its_policy_shown(zone: str) -> None:
    ended = run_inside("dmarc", "check", "news.acme.example", "--dns", zone)
    assert ended.code == 0
    assert "The policy for news.acme.example is none, from sp= of the record at acme.example" in ended.stdout
    assert "(quarantine is published, and t=y asks for one level less)" in ended.stdout
    assert "_dmarc.news.acme.example  no record" in ended.stdout
    assert 'it would by acme.example._report._dmarc.reports.test TXT "v=DMARC1"' in ended.stdout
    assert "fail" not in ended.stdout
    assert "pct=50: tag removed by RFC 9989" in ended.stderr
    assert "3 queries" in ended.stderr


def test_mail_is_judged_by_what_spf_and_dkim_found(zone: str) -> None:
    command = ("dmarc", "check", "acme.example", "--dns", zone, "--json")
    passed = run_inside(*command, "--spf", "x.test", "--dkim", "mail.acme.example").json
    assert (passed["result"], passed["disposition"], passed["policy"]) == ("pass", "none", "quarantine")
    assert [(one["mechanism"], one["aligned"]) for one in passed["identifiers"]] == [("spf", False), ("dkim", True)]
    failed = run_inside(*command, "--spf", "acme.example:softfail", "--dkim", "x.test").json
    assert (failed["result"], failed["disposition"]) == ("fail", "quarantine")
    assert (failed["organizational_domain"], failed["policy_domain"], failed["tag"]) == (
        "acme.example",
        "acme.example",
        "p",
    )
    assert failed["record"]["ignored"] == [{"tag": "pct", "text": "50", "why": "tag removed by RFC 9989"}]
    assert [one["authorization"] for one in failed["destinations"]] == ["refused", "internal"]
    assert [query["name"] for query in failed["queries"]] == ["_dmarc.acme.example", "_dmarc.example"]


def test_nothing_is_said_of_mail_where_none_was_given(zone: str) -> None:
    document = run_inside("dmarc", "check", "acme.example", "--dns", zone, "--json").json
    assert (document["result"], document["disposition"], document["policy"]) == (None, None, "quarantine")
    assert run_inside("dmarc", "check", "x.test", "--dns", zone, "--json").json["result"] == "none"


def test_mail_for_which_nothing_passes_is_judged_too(zone: str) -> None:
    command = ("dmarc", "check", "acme.example", "--dns", zone, "--json")
    assert run_inside(*command, "--expect", "fail").json["result"] == "fail"
    assert run_inside(*command, "--expect", "pass").code == 3
    cases = '{"domain": "acme.example", "dkim": []}\n{"domain": "acme.example"}\n'
    named, alone = run_inside("dmarc", "check", "--dns", zone, "--jsonl", given=cases).lines
    assert (named["result"], named["disposition"], alone["result"]) == ("fail", "quarantine", None)


@pytest.mark.parametrize(("expected", "code"), [("temperror", 0), ("fail", 3)])
def test_an_answer_that_does_not_come_is_no_verdict(zone: str, expected: str, code: int) -> None:
    ended = run_inside("dmarc", "check", "down.example", "--dns", zone, "--dkim", "x.test", "--expect", expected)
    assert ended.code == code
    assert ended.stdout.startswith("temperror: _dmarc.down.example: ")


def test_cases_come_on_standard_input(zone: str) -> None:
    cases = [
        {"domain": "acme.example", "spf": {"domain": "acme.example", "result": "pass"}},
        {"domain": "acme.example", "dkim": [{"domain": "x.test"}, {"domain": "acme.example", "result": "fail"}]},
        {"domain": 7},
        {"domain": "acme.example", "dkim": [{"domain": "x.test", "result": "maybe"}]},
        {"domain": "acme.example", "dkim": {"domain": "x.test"}},
        {"domain": "no name"},
    ]
    ended = run_inside("dmarc", "check", "--jsonl", "--dns", zone, given="\n".join(map(json.dumps, cases)))
    assert ended.code == 65
    assert [line.get("result", "error" in line) for line in ended.lines] == [
        "pass",
        "fail",
        True,
        True,
        True,
        "permerror",
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [((), "DOMAIN is missing"), (("acme.example", "--spf", "acme.example:good"), "'good' is no result")],
)
def test_a_wrong_command_line(zone: str, arguments: tuple[str, ...], sentence: str) -> None:
    ended = run_inside("dmarc", "check", "--dns", zone, *arguments)
    assert ended.code == 2
    assert sentence in ended.stderr


def test_what_a_record_says_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / "zone.yaml"
    path.write_text('_dmarc.evil.example: [{TXT: "v=DMARC1; p=none; x=\\e[31m\\n\\u202e"}]\n')
    for form in ((), ("--json",)):
        ended = run_inside("dmarc", "check", "evil.example", "--dns", str(path), *form)
        assert ended.code == 0
        assert not set("\x1b\u202e") & set(ended.stdout + ended.stderr)
