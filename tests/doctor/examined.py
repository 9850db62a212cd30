"""Examining a written zone."""

import asyncio
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from postroad.doctor.check import Check
from postroad.doctor.checks.dkim.checks import DKIM_CHECKS
from postroad.doctor.checks.dmarc.checks import DMARC_CHECKS
from postroad.doctor.checks.dns.checks import DNS_CHECKS
from postroad.doctor.checks.spf.checks import SPF_CHECKS
from postroad.doctor.checkup import check_domain
from postroad.doctor.extent import Extent
from postroad.doctor.subject import Subject
from postroad.lint.finding import Finding
from postroad.net.dns.zone import Zone
from tests.doctor.zones import DOMAIN, SELECTOR

AUTHENTICATION = (*DNS_CHECKS, *SPF_CHECKS, *DKIM_CHECKS, *DMARC_CHECKS)


def subject(**given: Any) -> Subject:
    """The usual one: an address and two selectors are known."""
    usual = {
        "domain": DOMAIN,
        "ips": (ip_address("192.0.2.1"),),
        "selectors": (SELECTOR, "s2"),
        "helo": "mail.acme.example",
    }
    return Subject(**{**usual, **given})


def examine(
    zone: Any, of: Subject | None = None, checks: Iterable[Check] = AUTHENTICATION, extent: Extent = Extent.WORLD
) -> dict[str, Finding]:
    """The findings by the id of their check."""
    resolver = Zone(zone) if isinstance(zone, dict) else zone
    found = asyncio.run(check_domain(of or subject(), resolver, checks=checks, extent=extent))
    return {one.id: one for one in found}


def faults(found: dict[str, Finding]) -> dict[str, str]:
    """The levels of what is not as it should be."""
    return {id_: str(one.level) for id_, one in found.items() if one.level in ("warn", "fail")}
