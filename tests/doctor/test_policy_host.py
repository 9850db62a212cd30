"""Policies of MTA-STS on a real web server: fetched as senders fetch them, and judged."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from postroad.doctor.checks.transport.checks import TRANSPORT_CHECKS
from postroad.doctor.checkup import check_domain
from postroad.doctor.subject import Subject
from postroad.lint.finding import Finding
from postroad.net.dns.zone import Zone
from postroad.net.https_fetcher import HttpsFetcher
from tests.doctor.reached import HOST, sound
from tests.doctor.zones import DOMAIN
from tests.peers.certificates import Certificates
from tests.peers.endpoint import LOOPBACK
from tests.peers.policy_host import PolicyHost, policy_page

WEB = f"mta-sts.{DOMAIN}"


@pytest.fixture
def server(certificates: Certificates) -> Iterator[PolicyHost]:
    with PolicyHost(certificates.for_names(WEB), {WEB: policy_page("enforce", HOST)}) as running:
        yield running


def look(server: PolicyHost, certificates: Certificates, **zone: Any) -> dict[str, Finding]:
    resolver = Zone({**sound(), WEB: [{"A": LOOPBACK}], **zone})
    fetcher = HttpsFetcher(resolver, ca=str(certificates.ca), port=server.endpoint.port)
    found = check_domain(Subject(domain=DOMAIN), resolver, fetcher=fetcher, checks=TRANSPORT_CHECKS)
    return {one.id: one for one in asyncio.run(found) if one.id.startswith("STS")}


def test_a_policy_that_is_fine(server: PolicyHost, certificates: Certificates) -> None:
    found = look(server, certificates)
    assert [found[f"STS-0{number}"].level for number in range(1, 5)] == ["pass"] * 4
    assert len(server.requests) == 1  # for all checks


def test_a_certificate_for_another_host(server: PolicyHost, certificates: Certificates) -> None:
    with PolicyHost(certificates.wrong_host, {WEB: policy_page("enforce", HOST)}) as wrong:
        found = look(wrong, certificates)
    assert found["STS-02"].level == "fail"
    assert "certificate" in found["STS-02"].seen


def test_a_server_that_nobody_runs(server: PolicyHost, certificates: Certificates) -> None:
    found = look(server, certificates, **{WEB: [{"TXT": "no address"}]})
    assert found["STS-02"].level == "fail"
    assert f"{WEB} has no address" in found["STS-02"].seen


def test_a_dns_that_does_not_answer(server: PolicyHost, certificates: Certificates) -> None:
    assert look(server, certificates, **{WEB: ["TIMEOUT"]})["STS-02"].level == "unknown"
