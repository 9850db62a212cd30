"""``postroad check domain``: what to publish, for people and for programs."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from postroad.doctor.checks.registry import CHECKS
from postroad.mailauth.dkim.keys import KeyKind
from postroad.mailauth.dkim.record import record_text
from postroad.mailauth.dkim.rotation import KeyState
from postroad.mailer.key_folder import KeyFolder
from tests.cli.command import run_inside, run_on_terminal
from tests.doctor.sick import SICK, signed
from tests.doctor.zones import DMARC, DOMAIN, SELECTOR, changed, healthy, rsa_key

USUAL = ("--ip", "192.0.2.1", "--selector", SELECTOR, "--selector", "s2", "--helo", "mail.acme.example")


def written(folder: Path, zone: dict[str, list[Any]]) -> str:
    path = folder / "zone.yaml"
    path.write_text(yaml.safe_dump(zone), encoding="utf-8")
    return str(path)


def test_a_healthy_domain_ends_with_zero(tmp_path: Path) -> None:
    zone = written(tmp_path, healthy())
    ended = run_inside("check", "domain", DOMAIN, "--dns", zone, *USUAL)
    assert "Nothing has to be done." in ended.stdout
    assert ended.code == 0
    assert "0 fail" not in ended.stderr


def test_programs_get_the_findings(tmp_path: Path) -> None:
    zone = written(tmp_path, SICK["an address that is not allowed"].zone)
    ended = run_inside("check", "domain", DOMAIN, "--dns", zone, *USUAL, "--json")
    assert ended.code == 3
    assert ended.json["domain"] == DOMAIN
    assert [one["id"] for one in ended.json["findings"]] == [check.id for check in CHECKS]
    assert all(set(one) == {"id", "level", "seen", "rule", "rfc", "publish"} for one in ended.json["findings"])
    assert {one["level"] for one in ended.json["findings"]} <= {"pass", "info", "warn", "fail", "unknown"}
    by_id = {one["id"]: one for one in ended.json["findings"]}
    record = 'acme.example. IN TXT "v=spf1 ip4:192.0.2.1 ip4:198.51.100.0/24 -all"'
    assert by_id["SPF-11"]["level"] == "fail"
    assert by_id["SPF-11"]["publish"] == record
    assert ended.json["publish"] == [record]
    assert by_id["SPF-01"]["publish"] is None


def test_people_see_first_what_to_do(tmp_path: Path) -> None:
    zone = changed((DOMAIN, "TXT", ["v=spf1 ?all"]), (f"_dmarc.{DOMAIN}", "TXT", [f"{DMARC}; t=y"]))
    ended = run_inside("check", "domain", DOMAIN, "--dns", written(tmp_path, zone), *USUAL)
    assert ended.code == 3
    lines = ended.stdout.splitlines()
    assert lines[0] == "acme.example  EHLO mail.acme.example; from 192.0.2.1; selectors s1, s2"
    assert lines[2] == "What to do, the most important first"
    assert lines[3].startswith("  1. fail    SPF-11 ")
    assert [line[:19] for line in lines[4:6]] == ["  2. warn    SPF-06", "  3. warn    DM-06 "]
    # One record for both that are about it, ready to be pasted.
    assert 'acme.example. IN TXT "v=spf1 ip4:192.0.2.1 ~all"' in lines
    assert "    for SPF-11, SPF-06" in lines
    assert lines.index("SPF") < lines.index("DKIM") < lines.index("DMARC")
    assert "1 fail, 2 warn" in ended.stderr


def test_a_dns_that_does_not_answer_is_no_fault_of_the_domain(tmp_path: Path) -> None:
    zone = written(tmp_path, changed((f"_dmarc.{DOMAIN}", "TXT", ["SERVFAIL"])))
    ended = run_inside("check", "domain", DOMAIN, "--dns", zone, *USUAL, "--json")
    assert ended.code == 75
    levels = {one["id"]: one["level"] for one in ended.json["findings"]}
    assert levels["DM-01"] == "unknown"
    assert "fail" not in levels.values()
    shown = run_inside("check", "domain", DOMAIN, "--dns", zone, *USUAL).stdout
    assert "No fault was found, but not everything could be found out: try again." in shown
    assert "Nothing has to be done." not in shown


def test_the_record_of_a_key_is_shown(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(rsa_key().pem())
    zone = written(tmp_path, SICK["no key"].zone)
    for option in (("--selector", SELECTOR, "--key", str(key)), ("--key", f"{SELECTOR}={key}")):
        ended = run_inside("check", "domain", DOMAIN, "--dns", zone, *option, "--json")
        (line,) = ended.json["publish"]
        assert line.startswith(f's1._domainkey.{DOMAIN}. IN TXT ( "v=DKIM1;')
        assert rsa_key().public_text[-40:] in line.replace('" "', "")


def test_a_folder_of_keys_says_how_old_they_are(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path / "keys")
    made = keys.make(DOMAIN, "s9", KeyKind.RSA, at=0.0)
    keys.put(made.moved(KeyState.PUBLISHED, 0.0).moved(KeyState.ACTIVE, 0.0))
    keys.make(DOMAIN, "s10", KeyKind.RSA, at=0.0)
    zone = written(tmp_path, changed((f"s9._domainkey.{DOMAIN}", "TXT", [record_text(keys.private(made))])))
    ended = run_inside("check", "domain", DOMAIN, "--dns", zone, "--keys", str(tmp_path / "keys"), "--json")
    levels = {one["id"]: one["level"] for one in ended.json["findings"]}
    assert (levels["DK-01"], levels["DK-07"], levels["DK-08"], levels["DK-10"]) == ("pass", "pass", "pass", "warn")


def test_the_rules_of_a_receiver_are_shown(tmp_path: Path) -> None:
    zone = written(tmp_path, SICK["p=none"].zone)
    arguments = ("check", "domain", DOMAIN, "--dns", zone, *USUAL, "--profile", "gmail-bulk")
    ended = run_inside(*arguments)
    assert ended.code == 0
    assert "\ngmail-bulk  personal accounts of Gmail" in ended.stdout
    assert "met         a DMARC policy, p=none or stricter" in ended.stdout
    document = run_inside(*arguments, "--json").json
    assert document["profile"] == "gmail-bulk"
    first = document["requirements"][0]
    assert (first["requirement"], first["state"], first["open"]) == ("SPF passes", "met", [])
    assert next(one["level"] for one in document["findings"] if one["id"] == "DM-04") == "info"


def test_a_sample_shows_what_is_signed(tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(signed(f"c=relaxed/relaxed; d={DOMAIN}; h=from:from"))
    zone = written(tmp_path, healthy())
    ended = run_inside("check", "domain", DOMAIN, "--dns", zone, "--sample", str(tmp_path / "mail.eml"))
    assert ended.code == 3
    assert "does not cover list-unsubscribe and list-unsubscribe-post" in ended.stdout


def test_a_parked_domain_needs_records_too(tmp_path: Path) -> None:
    zone = {name: entries for name, entries in healthy().items() if name != f"_dmarc.{DOMAIN}"}
    zone[DOMAIN] = [one for one in zone[DOMAIN] if "TXT" not in one]
    ended = run_inside("check", "domain", DOMAIN, "--dns", written(tmp_path, zone), "--parked")
    assert 'acme.example. IN TXT "v=spf1 -all"' in ended.stdout
    assert '_dmarc.acme.example. IN TXT "v=DMARC1; p=reject"' in ended.stdout


def test_servers_are_visited_only_where_that_is_asked_for(tmp_path: Path) -> None:
    zone = changed((DOMAIN, "MX", [[10, "localhost"]]), ("localhost", "A", ["127.0.0.1"]))
    arguments = ("check", "domain", DOMAIN, "--dns", written(tmp_path, zone), *USUAL, "--json")
    ended = [run_inside(*arguments, *more) for more in ([], ["--connect"])]
    seen = [{one["id"]: one["seen"] for one in each.json["findings"]} for each in ended]
    assert [one["MX-03"].startswith("not checked: no server is to be visited") for one in seen] == [True, False]
    assert [one["MX-04"].startswith("not checked: no mail exchanger is to be") for one in seen] == [True, False]


def test_the_route_is_judged_where_it_is_given(tmp_path: Path) -> None:
    arguments = ("check", "domain", DOMAIN, "--dns", written(tmp_path, healthy()), "--json")
    ended = run_inside(*arguments, "--transport", "smtp+insecure://relay.acme.example")
    assert next(one["level"] for one in ended.json["findings"] if one["id"] == "OUT-TLS") == "fail"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["no domain"], 78, "no domain name"),
        ([DOMAIN, "--ip", "192.0.2"], 78, "--ip: '192.0.2' is no IP address"),
        ([DOMAIN, "--key", "key.pem"], 78, "--key: whose key is this?"),
        ([DOMAIN, "--selector", "s1", "--key", "/nowhere/key.pem"], 78, "cannot read"),
        ([DOMAIN, "--dns", "/nowhere/zone.yaml"], 78, "--dns: cannot read"),
        ([DOMAIN, "--profile", "hotmail"], 2, "hotmail"),
    ],
)
def test_what_is_wrong_with_the_command_line_is_said(arguments: list[str], code: int, sentence: str) -> None:
    ended = run_inside("check", "domain", *arguments)
    assert ended.code == code
    assert sentence in ended.stderr


def test_foreign_text_is_escaped(tmp_path: Path) -> None:
    zone = changed((DOMAIN, "TXT", ["v=spf1 \x1b[31m -all"]), (f"_dmarc.{DOMAIN}", "TXT", ["v=DMARC1; p=\x1b[0m"]))
    ended = run_inside("check", "domain", DOMAIN, "--dns", written(tmp_path, zone), *USUAL)
    assert ended.code == 3
    assert "\x1b" not in ended.stdout + ended.stderr


def test_a_terminal_gets_colours(tmp_path: Path) -> None:
    zone = written(tmp_path, SICK["p=none"].zone)
    plain = {"TERM": "xterm", "NO_COLOR": ""}
    assert b"\x1b[" in run_on_terminal("check", "domain", DOMAIN, "--dns", zone, environ=plain)
    assert b"\x1b[" not in run_on_terminal("check", "domain", DOMAIN, "--dns", zone, environ={**plain, "NO_COLOR": "1"})


def test_several_lines_for_a_name_are_said_to_be_all_of_it(tmp_path: Path) -> None:
    zone = changed((DOMAIN, "MX", [[0, ""], [10, "mx.acme.example"], [20, "mail.acme.example"]]))
    ended = run_inside("check", "domain", DOMAIN, "--dns", written(tmp_path, zone), *USUAL)
    assert ended.stdout.count("publish acme.example. IN MX") == 2
    assert "lines of one name and type are together all that is to stand there" in ended.stdout


def test_an_address_in_the_place_of_the_domain_is_refused_with_a_hint() -> None:
    ended = run_inside("check", "domain", "192.0.2.1")
    assert ended.code == 78
    assert "--ip" in ended.stderr
