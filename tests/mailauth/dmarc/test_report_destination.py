"""Reports to somebody else's address need that somebody's consent (RFC 9990 §4)."""

import asyncio

import pytest

from postroad.mailauth.dmarc.report_destination import Authorization, authorize
from postroad.mailauth.dmarc.reporting_uri import reporting_uri
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
