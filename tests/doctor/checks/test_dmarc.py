"""Policy records as people write them, and what is made of them."""

from typing import Any

import pytest

from postroad.doctor.checks.dmarc.slips import as_meant
from tests.doctor.examined import examine, subject
from tests.doctor.zones import DMARC, DOMAIN, changed, healthy


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("v=DMARC1, p=reject, rua=mailto:a@b.example,mailto:c@b.example",
         "p=reject; rua=mailto:a@b.example,mailto:c@b.example"),
        ("p=reject; v=DMARC1; rua=mailto:a@b.example", "p=reject; rua=mailto:a@b.example"),
        ("v=DMARC2; p=quarantine", "p=quarantine"),
        ("v=DMARC1 p=reject sp=none", "p=reject; sp=none"),
        ("p=reject", "p=reject"),
        ("v=DMARC1; p=rejct", "p=reject"),
        ("v=DMARC1; p=quarentine; sp=Rejected", "p=quarantine; sp=reject"),
        ("v=DMARC1; p=block; sp=block", "p=none"),
        ("v=DMARC1; p=reject; rua=mailto:a@b.example; p=none", "p=reject; rua=mailto:a@b.example"),
        ("v=DMARC1; p=reject; adkim=Strict; aspf=loose", "p=reject; adkim=s"),
        ('v="DMARC1"; p="reject"', "p=reject"),
        ("v=DMARC1\\; p=reject\\;", "p=reject"),
    ],
)  # fmt: skip
def test_what_was_clearly_meant_is_kept(written: str, meant: str) -> None:
    assert as_meant(written) == f"v=DMARC1; {meant}"


def test_a_text_about_something_else_is_no_policy() -> None:
    for text in ("p=AAAA", "p=rejection", "docs: v=DMARC1 goes to _dmarc", "google-site-verification=v=dmarc"):
        found = examine(changed((DOMAIN, "TXT", [*_texts(), text])))
        assert found["DM-12"].level == "pass", text


def test_a_subdomain_is_judged_by_the_policy_for_subdomains() -> None:
    zone: dict[str, list[Any]] = changed((f"_dmarc.{DOMAIN}", "TXT", [f"{DMARC}; sp=none"]))
    zone["news.acme.example"] = [{"MX": [10, "mx.acme.example"]}]
    below = examine(zone, subject(domain=f"news.{DOMAIN}"))["DM-04"]
    assert (below.level, below.seen.partition(",")[0]) == ("warn", "_dmarc.acme.example has sp=none")
    assert below.publish is not None
    assert "sp=quarantine" in below.publish
    assert examine(zone)["DM-04"].level == "pass"
    other = examine(changed((f"_dmarc.{DOMAIN}", "TXT", [f"{DMARC}; sp=quarantine"])), subject(domain=f"mx.{DOMAIN}"))
    assert other["DM-04"].seen == "_dmarc.acme.example has sp=quarantine"


def test_a_stricter_policy_for_subdomains_counts_for_one() -> None:
    zone = changed((f"_dmarc.{DOMAIN}", "TXT", [f"{DMARC.replace('p=reject', 'p=none', 1)}; sp=reject"]))
    assert examine(zone)["DM-04"].level == "warn"
    below = examine(zone, subject(domain=f"mx.{DOMAIN}"))["DM-04"]
    assert (below.level, below.seen) == ("pass", "_dmarc.acme.example has sp=reject")


def test_a_record_that_receivers_pass_over_is_told_though_one_above_counts() -> None:
    below = f"mx.{DOMAIN}"
    zone = changed((f"_dmarc.{below}", "TXT", ["v=DMARC2; p=none; rua=mailto:a@acme.example"]))
    found = examine(zone, subject(domain=below))
    assert (found["DM-01"].level, found["DM-03"].level) == ("pass", "fail")
    expected = '_dmarc.mx.acme.example. IN TXT "v=DMARC1; p=none; rua=mailto:a@acme.example"'
    assert found["DM-03"].publish == expected


@pytest.mark.parametrize(
    ("written", "published"),
    [
        ("mailto://a@acme.example", "mailto:a@acme.example"),
        ("mailto:a@b\u00fccher.example", "mailto:a@xn--bcher-kva.example"),
        ("mailto:a@b\u00fccher.example, mailto:b@acme.example", "mailto:a@xn--bcher-kva.example,mailto:b@acme.example"),
        ("mailto:a@acme.example mailto:b@acme.example", "mailto:a@acme.example,mailto:b@acme.example"),
        ("mailto://a@acme.example,mailto:b@acme.example", "mailto:a@acme.example,mailto:b@acme.example"),
    ],
)
def test_the_places_of_reports_are_kept(written: str, published: str) -> None:
    found = examine(changed((f"_dmarc.{DOMAIN}", "TXT", [f"v=DMARC1; p=reject; rua={written}"])))["DM-08"]
    assert (found.level, found.publish) == (
        "warn", f'_dmarc.acme.example. IN TXT "v=DMARC1; p=reject; rua={published}"'
    )  # fmt: skip


def _texts() -> list[str]:
    return [one["TXT"] for one in healthy()[DOMAIN] if "TXT" in one]
