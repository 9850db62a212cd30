"""Every check of a domain, in the order of a report. Each folder has its own list."""

from typing import Final

from postroad.doctor.check import Check
from postroad.doctor.checks.dns.checks import DNS_CHECKS

CHECKS: Final[tuple[Check, ...]] = (*DNS_CHECKS,)
