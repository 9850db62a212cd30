"""Every check of a domain, in the order of a report. Each folder has its own list."""

from typing import Final

from postroad.doctor.check import Check
from postroad.doctor.checks.bimi.checks import BIMI_CHECKS
from postroad.doctor.checks.blocklists.checks import BLOCKLIST_CHECKS
from postroad.doctor.checks.dkim.checks import DKIM_CHECKS
from postroad.doctor.checks.dmarc.checks import DMARC_CHECKS
from postroad.doctor.checks.dns.checks import DNS_CHECKS
from postroad.doctor.checks.hosts.checks import HOST_CHECKS
from postroad.doctor.checks.reception.checks import RECEPTION_CHECKS
from postroad.doctor.checks.spf.checks import SPF_CHECKS
from postroad.doctor.checks.transport.checks import TRANSPORT_CHECKS

CHECKS: Final[tuple[Check, ...]] = (
    *DNS_CHECKS,
    *RECEPTION_CHECKS,
    *HOST_CHECKS,
    *BLOCKLIST_CHECKS,
    *SPF_CHECKS,
    *DKIM_CHECKS,
    *DMARC_CHECKS,
    *TRANSPORT_CHECKS,
    *BIMI_CHECKS,
)
