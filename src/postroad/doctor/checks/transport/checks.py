"""The checks of this area, in order."""

from typing import Final

from postroad.doctor.check import Check
from postroad.doctor.checks.transport import (
    dane_match,
    dane_signed,
    outbound,
    sts_change,
    sts_document,
    sts_hosts,
    sts_policy,
    sts_record,
    tls_reports,
)

TRANSPORT_CHECKS: Final[tuple[Check, ...]] = (
    sts_record.CHECK,
    sts_document.CHECK,
    sts_policy.CHECK,
    sts_hosts.CHECK,
    sts_change.CHECK,
    tls_reports.CHECK,
    dane_signed.CHECK,
    dane_match.CHECK,
    outbound.CHECK,
)
