"""The records that mend everything together."""

import asyncio
from typing import Any

import pytest

from postroad.doctor.checks.registry import CHECKS
from postroad.doctor.prescription import Prescribed, prescribe
from postroad.doctor.remedy import DnsRecord, read_line, txt
from postroad.doctor.subject import Subject
from postroad.lookup import RecordType
from postroad.net.dns.zone import Zone
from tests.doctor.examined import AUTHENTICATION, examine, faults, subject
from tests.doctor.zones import DMARC, DOMAIN, SELECTOR, changed, healthy, publish, rsa_key


def prescribed(zone: dict[str, list[Any]], of: Subject) -> tuple[Prescribed, ...]:
    findings = tuple(examine(zone, of).values())
    return asyncio.run(prescribe(of, Zone(zone), findings, AUTHENTICATION))


def test_a_healthy_domain_needs_nothing() -> None:
    assert prescribed(healthy(), subject()) == ()


def test_everything_that_is_wrong_with_a_record_is_mended_at_once() -> None:
    zone = changed(
        (DOMAIN, "TXT", ["v=spf1 ipv4:198.51.100.1 ptr include:gone.example ?all", "v=spf1 ip4:10.0.0.0/8 +all"]),
        (f"_dmarc.{DOMAIN}", "TXT", [f"{DMARC.replace('mailto:', '')}; pct=50; t=y; sp=none"]),
        (f"{SELECTOR}._domainkey.{DOMAIN}", "TXT", ["v=DKIM1; t=y; p="]),
    )  # fmt: skip
    of = subject(keys={SELECTOR: rsa_key()})
    assert len(faults(examine(zone, of))) > 5
    given = prescribed(zone, of)
    assert [one.record.name for one in given].count(DOMAIN) == 1
    for one in given:
        zone = publish(zone, one.record.line)
    assert faults(examine(zone, of)) == {}


def test_what_a_later_record_makes_needless_is_left_out() -> None:
    zone = changed((f"_dmarc.{DOMAIN}", "TXT", [DMARC.replace("@acme", "@nobody")]))
    given = prescribed(zone, subject())
    assert [one.record.name for one in given] == [f"_dmarc.{DOMAIN}"]
    assert faults(examine(zone)) == {"DM-08": "warn", "DM-09": "fail"}


def test_a_stricter_policy_is_no_matter_of_today() -> None:
    zone = changed((f"_dmarc.{DOMAIN}", "TXT", ["v=DMARC1; p=none; t=y; rua=mailto:a@acme.example"]))
    (given,) = prescribed(zone, subject())
    assert given == Prescribed(txt(f"_dmarc.{DOMAIN}", "v=DMARC1; p=none; rua=mailto:a@acme.example"), ("DM-06",))


@pytest.mark.parametrize("text", ["", "v=spf1 -all", 'a "quoted" \\ text', "x" * 600, "é"])
def test_a_line_is_read_as_it_was_written(text: str) -> None:
    record = txt("acme.example", text)
    assert read_line(record.line) == record


def test_other_lines_are_no_txt_records() -> None:
    assert read_line(DnsRecord("acme.example", RecordType.MX, "10 mx.acme.example.").line) is None
    assert read_line("# https://acme.example/x") is None


@pytest.mark.parametrize(
    "texts", [["v=DMARC1"], ["v=DMARC1; p=none; rua=mailto:a@acme.example"], []], ids=["bare", "none", "no record"]
)
def test_no_stricter_policy_is_prescribed_for_today(texts: list[str]) -> None:
    zone = changed(
        (f"_dmarc.{DOMAIN}", "TXT", texts),
        (f"default._bimi.{DOMAIN}", "TXT", ["v=BIMI1; l=https://acme.example/l.svg"]),
    )
    of = subject()
    findings = tuple(examine(zone, of, CHECKS).values())
    given = asyncio.run(prescribe(of, Zone(zone), findings, CHECKS))
    assert "p=none" in next((one.record.text for one in given), "p=none")
    assert not [one for one in given if "quarantine" in one.record.text]
    assert len(given) == ("rua" not in "".join(texts))
