"""Reports to somebody else's address need that somebody's consent (RFC 9990 §4)."""

import asyncio

import pytest

from postroad.mailauth.dmarc.record import read_record
from postroad.mailauth.dmarc.report_destination import MAX_DESTINATIONS, Authorization, authorize, destinations
from postroad.mailauth.dmarc.reporting_uri import reporting_uri
from postroad.mailauth.dmarc.tree_walk import MAX_QUERIES
from postroad.testing.fake_dns import FakeDns

OURS: dict[str, object] = {"_dmarc.example.com": [{"TXT": "v=DMARC1; p=none"}]}
CONSENT = "example.com._report._dmarc.reports.test"


@pytest.mark.parametrize(
    ("uri", "zone", "expected"),
    [
        ("mailto:a@example.com", {}, Authorization.INTERNAL),
        ("mailto:a@reports.example.com", {}, Authorization.INTERNAL),
        ("mailto:a@reports.test", {}, Authorization.REFUSED),
        ("mailto:a@reports.test", {CONSENT: [{"TXT": "v=DMARC1"}]}, Authorization.GRANTED),
        ("mailto:a@reports.test", {CONSENT: [{"TXT": "hello"}, {"TXT": "v=DMARC1; p=none;"}]}, Authorization.GRANTED),
        ("mailto:a@reports.test", {CONSENT: [{"TXT": "v=DMARC1"}] * 2}, Authorization.GRANTED),
        ("mailto:a@reports.test", {CONSENT: [{"TXT": "v=DMARC2"}]}, Authorization.REFUSED),
        ("mailto:a@reports.test", {CONSENT: ["TIMEOUT"]}, Authorization.UNKNOWN),
        ("https://reports.test/in", {CONSENT: [{"TXT": "v=DMARC1"}]}, Authorization.GRANTED),
        # The same end of the name is not the same organization.
        ("mailto:a@example2.com", {}, Authorization.REFUSED),
        # An organization of its own below ours.
        ("mailto:a@x.example.com", {"_dmarc.x.example.com": [{"TXT": "v=DMARC1; psd=n"}]}, Authorization.REFUSED),
        ("mailto:a@x.example.com", {"_dmarc.x.example.com": ["SERVFAIL"]}, Authorization.UNKNOWN),
    ],
)
def test_who_consents(uri: str, zone: dict[str, object], expected: Authorization) -> None:
    where = reporting_uri(uri)
    assert where is not None
    found = asyncio.run(authorize("example.com", where, FakeDns(OURS | zone)))
    assert found.authorization is expected
    assert found.name == f"example.com._report._dmarc.{where.host}"


def test_consent_may_name_another_address() -> None:
    where = reporting_uri("mailto:a@reports.test")
    assert where is not None
    zone: dict[str, object] = {CONSENT: [{"TXT": "v=DMARC1; rua=mailto:customers@reports.test"}]}
    found = asyncio.run(authorize("example.com", where, FakeDns(OURS | zone)))
    assert found.record is not None
    assert [uri.address for uri in found.record.rua] == ["customers@reports.test"]


def test_a_record_with_thousands_of_addresses_costs_few_questions() -> None:
    uris = ",".join(f"mailto:a@h{number}.elsewhere.com" for number in range(2_000))
    record = read_record(f"v=DMARC1; p=none; rua={uris}; ruf={uris}".encode())
    assert record is not None
    assert len(record.rua) == 2_000
    dns = FakeDns(OURS)
    found = asyncio.run(destinations(record, "example.com", dns))
    assert [tag for tag, _ in found] == ["rua"] * MAX_DESTINATIONS + ["ruf"] * MAX_DESTINATIONS
    assert len(dns.asked) <= 2 * MAX_DESTINATIONS + MAX_QUERIES

    uris = ",".join(f"mailto:a@h{number}.example.com" for number in range(MAX_DESTINATIONS))
    record = read_record(f"v=DMARC1; p=none; rua={uris}; ruf={uris}".encode())
    assert record is not None
    dns = FakeDns(OURS)
    found = asyncio.run(destinations(record, "example.com", dns))
    assert {one.authorization for _, one in found} == {Authorization.INTERNAL}
    assert len(dns.asked) <= MAX_DESTINATIONS + MAX_QUERIES
