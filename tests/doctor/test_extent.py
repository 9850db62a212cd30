"""A file of records is not the whole DNS; and what follows from one fault is told once."""

from typing import Any

import pytest

from postroad.doctor.checks.registry import CHECKS
from postroad.doctor.extent import Extent
from postroad.lint.finding import Finding
from tests.doctor.examined import examine, faults, subject
from tests.doctor.zones import DMARC, DOMAIN, changed, healthy

COLLECTOR = "r@collector.example"


def in_file(zone: dict[str, list[Any]]) -> dict[str, Finding]:
    return examine(zone, extent=Extent.FILE)


def test_a_file_need_not_hold_the_hosts_of_others() -> None:
    zone = changed((DOMAIN, "NS", ["ns1.dns.example", "ns2.dns.example"]))
    assert faults(examine(zone)) == {"DNS-01": "fail"}
    assert faults(in_file(zone)) == {}


def test_name_servers_of_its_own_are_judged_in_a_file() -> None:
    zone = {name: entries for name, entries in healthy().items() if not name.startswith("ns")}
    assert in_file(zone)["DNS-01"].level == "fail"


@pytest.mark.parametrize(
    ("gone", "expected"),
    [
        (("SOA", "NS"), {}),
        (("NS",), {"DNS-01": "warn"}),
        (("SOA",), {"DNS-02": "warn"}),
    ],
    ids=["neither", "no name servers", "no SOA"],
)
def test_a_file_without_the_beginning_of_the_zone(gone: tuple[str, ...], expected: dict[str, str]) -> None:
    zone = changed(*((DOMAIN, kind, []) for kind in gone))
    found = in_file(zone)
    assert faults(found) == expected
    if not expected:
        assert {found[id_].level for id_ in ("DNS-01", "DNS-02")} == {"info"}
        assert all(found[id_].seen.startswith("not checked: ") for id_ in ("DNS-01", "DNS-02"))
        assert faults(examine(zone)) == {"DNS-01": "warn", "DNS-02": "warn"}


def test_a_collector_of_reports_may_stand_outside_a_file() -> None:
    zone = changed((f"_dmarc.{DOMAIN}", "TXT", [DMARC.replace("reports@acme.example", COLLECTOR)]))
    zone[f"{DOMAIN}._report._dmarc.collector.example"] = [{"TXT": "v=DMARC1"}]
    assert examine(zone)["DM-08"].level == "warn"
    assert in_file(zone)["DM-08"].level == "info"
    zone[f"_dmarc.{DOMAIN}"] = [{"TXT": f"v=DMARC1; p=reject; rua=mailto:{COLLECTOR},mailto:x@no.acme.example"}]
    dead = in_file(zone)["DM-08"]
    assert dead.level == "warn"
    assert dead.publish == f'_dmarc.{DOMAIN}. IN TXT "v=DMARC1; p=reject; rua=mailto:{COLLECTOR}"'


def test_a_file_is_judged_as_far_as_its_zone() -> None:
    zone = {name: entries for name, entries in healthy().items() if not name.startswith("ns")}
    zone[f"_dmarc.{DOMAIN}"] = [{"TXT": DMARC.replace("@acme", "@no.acme")}]
    found = examine(zone, subject(domain=f"mx.{DOMAIN}"), extent=Extent.FILE)
    assert (found["DNS-01"].level, found["DM-08"].level) == ("fail", "warn")


def test_of_a_domain_that_does_not_exist_nothing_else_is_told() -> None:
    zone = {"other.example": [{"A": "192.0.2.1"}]}
    found = examine(zone, checks=CHECKS)
    assert faults(found) == {"DNS-01": "fail"}
    for id_ in ("MX-01", "SPF-01", "DK-01", "DM-01", "IP-01"):
        assert found[id_].level == "info"
        assert found[id_].seen == f"not checked: {DOMAIN} does not exist, as DNS-01 says"
        assert found[id_].publish is None


def test_the_domain_without_an_exchanger_is_told_once() -> None:
    zone = changed((DOMAIN, "MX", []))
    assert faults(examine(zone, checks=CHECKS)) == {"MX-01": "fail"}


def test_a_parked_domain_can_be_healthy() -> None:
    zone: dict[str, list[Any]] = changed(
        (DOMAIN, "MX", [[0, ""]]),
        (DOMAIN, "TXT", ["v=spf1 -all"]),
        (f"_dmarc.{DOMAIN}", "TXT", ["v=DMARC1; p=reject"]),
    )
    of = subject(parked=True, ips=(), selectors=(), helo=None)
    assert faults(examine(zone, of, CHECKS)) == {}


def test_places_of_reports_that_are_good_stay() -> None:
    written = f"{DMARC},mailto:x@no.acme.example,https://acme.example/r"
    found = examine(changed((f"_dmarc.{DOMAIN}", "TXT", [written])))["DM-08"]
    assert found.level == "warn"
    assert found.publish is not None
    assert f'"{DMARC},https://acme.example/r"' in found.publish
