"""Every check of a domain, in the order of a report. Each folder has its own list."""

from typing import Final

from postroad.doctor.check import Check
from postroad.doctor.checks.dkim.checks import DKIM_CHECKS
from postroad.doctor.checks.dmarc.checks import DMARC_CHECKS
from postroad.doctor.checks.dns.checks import DNS_CHECKS
from postroad.doctor.checks.spf.checks import SPF_CHECKS

CHECKS: Final[tuple[Check, ...]] = (*DNS_CHECKS, *SPF_CHECKS, *DKIM_CHECKS, *DMARC_CHECKS)
