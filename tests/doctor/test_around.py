"""The checks of what is around authentication: one fault each, what mends it, and a world that does not answer."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.doctor.beyond import Beyond
from postroad.doctor.check import NOT_CHECKED
from postroad.doctor.checks.hosts.own_name import why_generic
from postroad.doctor.checks.registry import CHECKS
from postroad.doctor.checkup import check_domain
from postroad.lint.finding import Level
from postroad.lookup import FetchFailed, RecordType, Status
from postroad.net.dns.zone import Zone
from tests.doctor.examined import faults
from tests.doctor.reached import (
    AROUND,
    HOST,
    IPS,
    LOGO_URL,
    MARK_URL,
    POLICY_URL,
    Hosts,
    Web,
    around,
    examine,
    page,
    pages,
    seen,
    sound,
    usual_subject,
)
from tests.doctor.sick_around import BIMI, PTR, SICK, STS, TLS_REPORTS, UNREACHED, Sick, changed, listed, without
from tests.doctor.test_records import Failing
from tests.doctor.zones import DOMAIN

_CASES = [pytest.param(case, id=name) for name, case in SICK.items()]
_NO_FAULT = {"BL-02"}  # a list that does not work is nobody's fault here


def pasted(zone: dict[str, list[Any]], web: Web, lines: str) -> tuple[dict[str, list[Any]], Web]:
    """Zone and web server after somebody put there what a finding says."""
    if lines.startswith("# https://"):
        url, _, text = lines.removeprefix("# ").partition("\n")
        return zone, Web({**web.pages, url: page(url, text)})
    result, cleared = {name: list(entries) for name, entries in zone.items()}, set[tuple[str, str]]()
    for line in lines.splitlines():
        owner, class_, kind, text = line.split(" ", 3)
        name = owner.removesuffix(".")
        assert (owner, class_) == (f"{name}.", "IN")
        value: Any = text.strip('"') if kind == "TXT" else text
        if (name, kind) not in cleared:
            cleared.add((name, kind))
            others = ("CNAME", kind) if kind in ("A", "AAAA") else (kind,)
            result[name] = [one for one in result.get(name, []) if not _goes(one, others, value)]
        result[name].append({kind: value})
    return result, web


def _goes(entry: Any, kinds: Sequence[str], value: Any) -> bool:
    """A TXT record makes way for one of its own sort, other records for those of their type."""
    if not isinstance(entry, dict) or not any(kind in entry for kind in kinds):
        return False
    return "TXT" not in entry or str(entry["TXT"]).lower()[:6] == value.lower()[:6]


def test_nothing_is_wrong_with_a_sound_domain() -> None:
    found = examine(sound())
    assert faults(found) == {}
    assert {id_ for id_, one in found.items() if one.level not in ("pass", "info")} == set()
    assert [one.id for one in found.values() if one.seen.startswith(NOT_CHECKED)] == []


@pytest.mark.parametrize("case", _CASES)
def test_a_fault_is_found_by_its_check_alone(case: Sick) -> None:
    found = case.examined()
    assert faults(found) == {case.id: case.level, **case.too}
    assert (found[case.id].publish is not None) == case.remedy


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in SICK.items() if case.remedy])
def test_what_is_to_be_published_mends_the_fault(case: Sick) -> None:
    lines = case.examined()[case.id].publish
    assert lines is not None
    zone, web = pasted(case.zone, pages(**case.web), lines)
    assert case.examined(zone, web)[case.id].level in case.after


def test_every_check_has_its_fault() -> None:
    assert {case.id for case in SICK.values()} == {check.id for check in AROUND} - _NO_FAULT


def test_the_ids_are_those_of_the_list() -> None:
    numbers = {"MX": 4, "IP": 5, "BL": 3, "STS": 5, "TR": 1, "DANE": 2}
    expected = [f"{area}-{n:02}" for area, most in numbers.items() for n in range(1, most + 1)]
    assert [check.id for check in AROUND] == [*expected, "OUT-TLS", *(f"BIMI-{n:02}" for n in range(1, 5))]


# ── what is not there, and what is not to be looked at ──────────────────────────────────────────────────────────────


def test_a_domain_with_the_least_has_no_fault() -> None:
    zone = without(STS, TLS_REPORTS, f"_25._tcp.{HOST}", BIMI)
    found = examine(zone, beyond=Beyond())
    assert faults(found) == {}
    assert {one.level for one in found.values()} <= {Level.PASS, Level.INFO}


def test_other_records_at_a_name_say_nothing() -> None:
    """A wildcard is everywhere."""
    zone = {**sound(), **{name: [{"TXT": "v=spf1 -all"}, {"TXT": "x"}] for name in (STS, TLS_REPORTS, BIMI)}}
    found = examine(zone)
    assert [found[id_].level for id_ in ("STS-01", "TR-01", "BIMI-01")] == ["info"] * 3


def test_nothing_is_visited_unasked() -> None:
    web = pages()
    found = examine(sound(), web=web, beyond=Beyond(blocklists=()))
    for id_ in ("MX-03", "MX-04", "BL-01", "BL-02", "BL-03", "STS-05", "OUT-TLS"):
        assert found[id_].seen.startswith(NOT_CHECKED)
    assert sorted(web.fetched) == sorted({POLICY_URL, LOGO_URL, MARK_URL, LOGO_URL})  # each once


def test_hosts_are_visited_once() -> None:
    hosts = Hosts(seen())
    examine(sound(), beyond=around(visitor=hosts))
    assert hosts.visited == [HOST]


def test_a_parked_domain_says_that_it_receives_nothing() -> None:
    parked = usual_subject(parked=True)
    assert examine(changed((DOMAIN, "MX", [[0, ""]])), of=parked)["MX-01"].level is Level.PASS
    assert examine(sound(), of=parked)["MX-01"].publish == "acme.example. IN MX 0 ."


def test_a_resolver_that_nobody_trusts_leaves_dane_open() -> None:
    class Untrusted(Zone):
        async def lookup(self, name: str, kind: RecordType) -> Any:
            return replace(await super().lookup(name, kind), authentic=False)

    found = examine(Untrusted(sound()))
    assert found["DANE-01"].level is Level.UNKNOWN


@pytest.mark.parametrize("word", ["TIMEOUT", "SERVFAIL"])
def test_whether_a_zone_is_signed_is_not_known_without_an_answer(word: str) -> None:
    found = examine(changed((DOMAIN, "DS", [word])))
    assert found["DANE-01"].level is Level.UNKNOWN
    assert faults(found) == {}


@pytest.mark.parametrize(
    ("written", "published"),
    [
        (["v=TLSRPTv1; rua=tls@acme.example"], "mailto:tls@acme.example"),
        (["v=TLSRPTv1 rua=mailto:tls@acme.example,https://acme.example/v1"],
         "mailto:tls@acme.example,https://acme.example/v1"),
        (['"v=TLSRPTv1; rua=mailto:tls@acme.example"'], "mailto:tls@acme.example"),
        (["v=TLSRPTv1; rua=mailto:a@b.example", "v=TLSRPTv1; rua=mailto:c@b.example"],
         "mailto:a@b.example,mailto:c@b.example"),
        (["v=TLSRPTv1; rua=http://acme.example/v1"], "mailto:tls-reports@acme.example"),
        (["v=TLSRPTv1; rua=mailto:\u00e4@acme.example"], "mailto:tls-reports@acme.example"),
    ],
)  # fmt: skip
def test_the_places_of_tls_reports_are_kept(written: list[str], published: str) -> None:
    found = examine(changed((TLS_REPORTS, "TXT", written)))["TR-01"]
    assert (found.level, found.publish) == ("fail", f'{TLS_REPORTS}. IN TXT "v=TLSRPTv1; rua={published}"')


def test_schemes_have_no_case() -> None:
    written = "v=TLSRPTv1; rua=MAILTO:tls@acme.example, HTTPS://acme.example/v1"
    assert examine(changed((TLS_REPORTS, "TXT", [written])))["TR-01"].level is Level.PASS


def test_a_pointer_that_is_written_twice_is_one() -> None:
    found = examine(changed(("1.2.0.192.in-addr.arpa", "PTR", [HOST, f"{HOST.upper()}."])))
    assert found["IP-01"].level is Level.PASS


# ── a world that does not answer ────────────────────────────────────────────────────────────────────────────────────

_ASKS_NOBODY = {"OUT-TLS"}


@pytest.mark.parametrize("status", [Status.TIMEOUT, Status.FAILED])
@pytest.mark.parametrize("check", [one for one in AROUND if one.id not in _ASKS_NOBODY], ids=lambda check: check.id)
def test_without_any_answer_everything_is_unknown(check: Any, status: Status) -> None:
    assert examine(Failing(sound(), status), checks=[check])[check.id].level is Level.UNKNOWN


@pytest.mark.parametrize("check", AROUND, ids=lambda check: check.id)
def test_no_missing_answer_is_a_fault(check: Any) -> None:
    asked = Failing(sound(), Status.TIMEOUT, ())
    examine(asked, checks=[check])
    for number in range(1, asked.asked + 1):
        found = examine(Failing(sound(), Status.TIMEOUT, {number}), checks=[check])
        assert faults(found) == {}


def test_a_host_that_cannot_be_visited_is_unknown() -> None:
    found = examine(without(f"_25._tcp.{HOST}", STS), beyond=around(visitor=Hosts(UNREACHED)))
    assert found["MX-03"].level is Level.UNKNOWN
    assert faults(found) == {}


@pytest.mark.parametrize(
    ("name", "code", "id_"),
    [
        ("1.2.0.192.zen.spamhaus.org", "127.255.255.252", "BL-01"),
        ("1.2.0.192.zen.spamhaus.org", "127.255.255.254", "BL-01"),
        ("1.2.0.192.zen.spamhaus.org", "127.255.255.255", "BL-01"),
        ("1.2.0.192.zen.spamhaus.org", "203.0.113.80", "BL-01"),  # a resolver that sells names that do not exist
        (f"{DOMAIN}.dbl.spamhaus.org", "127.0.1.255", "BL-03"),
        (f"{DOMAIN}.multi.uribl.com", "127.0.0.1", "BL-03"),
    ],
)
def test_what_is_no_listing(name: str, code: str, id_: str) -> None:
    found = examine(listed(name, code))
    assert found[id_].level is Level.UNKNOWN
    assert code in found[id_].seen
    assert faults(found) == {}


def test_a_list_that_lists_everything_is_ignored() -> None:
    zone = listed("1.2.0.192.zen.spamhaus.org", "127.0.0.2")
    zone["1.0.0.127.zen.spamhaus.org"] = [{"A": "127.0.0.2"}]
    found = examine(zone)
    assert (found["BL-01"].level, found["BL-02"].level) == (Level.PASS, Level.INFO)
    assert "it lists 1.0.0.127" in found["BL-02"].seen


def _untested(code: str, blocklist: str = "zen.spamhaus.org") -> dict[str, list[Any]]:
    zone = listed(f"1.2.0.192.{blocklist}", code)
    del zone[f"2.0.0.127.{blocklist}"]
    return zone


def test_what_a_major_list_without_its_test_entry_lists_is_to_be_looked_up() -> None:
    found = examine(_untested("127.0.0.2"))
    assert (found["BL-01"].level, found["BL-02"].level) == (Level.WARN, Level.INFO)
    assert (
        "the list's own test entry is missing, so look it up: 192.0.2.1 is on zen.spamhaus.org" in found["BL-01"].seen
    )
    assert examine(_untested("127.0.0.2", "psbl.surriel.com"))["BL-01"].level is Level.PASS  # a minor one is ignored


@pytest.mark.parametrize("code", ["127.255.255.254", "203.0.113.80"])
def test_a_refusal_of_a_list_without_its_test_entry_is_unknown(code: str) -> None:
    found = examine(_untested(code))
    assert found["BL-01"].level is Level.UNKNOWN
    assert code in found["BL-01"].seen
    alone = {name: records for name, records in _untested(code).items() if not name.startswith("2.0.0.127.")}
    assert examine(alone)["BL-01"].level is Level.UNKNOWN


def test_lists_without_their_test_entries_clear_nobody() -> None:
    zone = {name: records for name, records in sound().items() if not name.startswith("2.0.0.127.")}
    found = examine(zone)["BL-01"]
    assert (found.level, found.seen) == (Level.INFO, f"{NOT_CHECKED}no list passes its own test (BL-02)")


def test_a_list_that_refuses_its_own_test_is_unknown() -> None:
    zone = changed(("2.0.0.127.zen.spamhaus.org", "A", ["127.255.255.254"]))
    found = examine(zone)
    assert (found["BL-01"].level, found["BL-02"].level) == (Level.UNKNOWN, Level.UNKNOWN)
    assert "public resolvers" in found["BL-02"].seen


def test_one_silent_list_hides_no_listing() -> None:
    zone = {**listed("1.2.0.192.zen.spamhaus.org", "127.0.0.4"), "1.2.0.192.bl.spamcop.net": ["TIMEOUT"]}
    assert examine(zone)["BL-01"].level is Level.FAIL


def test_one_name_that_leads_back_is_enough() -> None:
    zone = changed((PTR, "PTR", ["mail.acme.example", "slow.example"]))
    zone["slow.example"] = ["TIMEOUT"]
    assert examine(zone)["IP-02"].level is Level.PASS


def test_the_checks_belong_to_the_checkup() -> None:
    assert {check.id for check in AROUND} <= {check.id for check in CHECKS}
    assert (check_domain.__kwdefaults__ or {})["checks"] is CHECKS


_SAMPLE = (
    b"From: a@acme.example\r\nReply-To: help@desk.example\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n"
    b'<a href="https://www.shop.example/x">a</a> <a href="https://192.0.2.7/">b</a>\r\n'
)


def test_domains_of_a_sample_are_looked_at() -> None:
    zone = {**sound(), "shop.example.dbl.spamhaus.org": [{"A": "127.0.1.2"}]}
    found = examine(zone, of=usual_subject(sample=_SAMPLE))
    assert (found["MX-01"].level, found["BL-03"].level) == (Level.FAIL, Level.FAIL)
    assert "desk.example" in found["MX-01"].seen
    assert "shop.example" in found["BL-03"].seen


def test_a_dns_that_says_nothing_of_a_web_server() -> None:
    zone = {**sound(), f"mta-sts.{DOMAIN}": ["SERVFAIL"]}
    found = examine(zone, web=pages(policy=FetchFailed(POLICY_URL, "no address")))
    assert found["STS-02"].level is Level.UNKNOWN


@pytest.mark.parametrize(
    ("name", "generic"),
    [
        ("mail.acme.example", False),
        ("mail-ej1-f43.acme.example", False),
        ("a27-12.smtp-out.acme.example", False),
        ("host-192-0-2-1.isp.example", True),
        ("1.2.0.192.isp.example", True),
        ("static-0-2-1.isp.example", True),
        ("c0000201.isp.example", True),
        ("web10-2-13.acme.example", False),
        ("dhcp7.isp.example", True),
        ("ppp.pool3.isp.example", True),
        ("dynamics.acme.example", False),
    ],
)
def test_names_that_look_like_nobodys(name: str, generic: bool) -> None:
    assert bool(why_generic(name, IPS[0])) is generic


# ── whatever strangers publish ──────────────────────────────────────────────────────────────────────────────────────

_PIECES = [
    *["v=STSv1", "v=TLSRPTv1", "v=BIMI1", ";", "id=", "rua=", "l=", "a=", "https://", "mailto:", ",", "x", "é"],
    " ",
    "\0",
]
_TEXTS = st.lists(st.sampled_from(_PIECES) | st.text(max_size=5), max_size=12).map("".join)
_NO_NAMES = ["", ".", "a", "a..b", f"{64 * 'a'}.example", "ü.example", "192.0.2.1", "[192.0.2.1]", "*.example", "a b"]
_NAMES = st.sampled_from([HOST, *_NO_NAMES])


@given(texts=st.lists(_TEXTS, max_size=3), names=st.lists(_NAMES, max_size=3), body=st.binary(max_size=200))
def test_whatever_is_published_has_a_finding(texts: list[str], names: list[str], body: bytes) -> None:
    zone = changed(
        (STS, "TXT", texts),
        (TLS_REPORTS, "TXT", texts),
        (BIMI, "TXT", texts),
        (DOMAIN, "MX", [[10, name] for name in names]),
        (PTR, "PTR", names),
    )
    web = pages(policy=page(POLICY_URL, body), logo=page(LOGO_URL, body), mark=page(MARK_URL, body))
    found = examine(zone, web=web)
    assert [one.id for one in found.values()] == [check.id for check in AROUND]
    assert all(one.seen.isprintable() for one in found.values())


@pytest.mark.parametrize(
    ("route", "level"),
    [
        ("sendmail://", Level.INFO),
        ("file:///var/mail", Level.INFO),
        ("smtp://localhost:1025", Level.INFO),
        ("failover(sendmail:// smtp+insecure://relay.example)", Level.FAIL),
        ("failover(smtp+opportunistic://relay.example:25 ses://eu-west-1)", Level.WARN),
        ("postmark://", Level.PASS),
    ],
)
def test_a_route_is_judged_as_far_as_it_says_how_mail_leaves(route: str, level: Level) -> None:
    found = examine(sound(), beyond=around(route=route))["OUT-TLS"]
    assert (found.level, found.seen.startswith(NOT_CHECKED)) == (level, level is Level.INFO)


def test_a_share_of_no_reasonable_length_is_no_share() -> None:
    """A number of more than 4,300 digits is one that Python refuses to read."""
    policy = f"v=DMARC1; p=reject; pct={5_000 * '9'}"
    assert examine(changed((f"_dmarc.{DOMAIN}", "TXT", [policy])))["BIMI-02"].level is Level.PASS


def test_exchangers_that_are_none_become_hosts_that_stand_there_once() -> None:
    exchanges = [[10, "alias.acme.example"], [20, "192.0.2.77"], [5, "192.0.2.78"], [30, HOST]]
    zone = changed((DOMAIN, "MX", exchanges))
    zone["alias.acme.example"] = [{"CNAME": HOST}]
    published = examine(zone, of=usual_subject(helo="mail.acme.example"))["MX-02"].publish
    assert published is not None
    assert published.splitlines() == [
        f"{DOMAIN}. IN MX 10 {HOST}.",
        f"{DOMAIN}. IN MX 5 mail.acme.example.",
        "mail.acme.example. IN A 192.0.2.1",
        "mail.acme.example. IN A 192.0.2.77",
        "mail.acme.example. IN A 192.0.2.78",
    ]
