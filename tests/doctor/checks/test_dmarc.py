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


def _texts() -> list[str]:
    return [one["TXT"] for one in healthy()[DOMAIN] if "TXT" in one]
