"""The checks of this area, in order."""

from typing import Final

from postroad.doctor.check import Check
from postroad.doctor.checks.bimi import certificate, logo, policy, record

BIMI_CHECKS: Final[tuple[Check, ...]] = (record.CHECK, policy.CHECK, logo.CHECK, certificate.CHECK)
