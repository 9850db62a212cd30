"""The checks of this area, in order."""

from typing import Final

from postroad.doctor.check import Check
from postroad.doctor.checks.dmarc import (
    aggregate_reports,
    aligned,
    external_reports,
    failure_reports,
    found,
    one_record,
    place,
    policy,
    public_suffix,
    removed_tags,
    subdomains,
    syntax,
    testing,
)

DMARC_CHECKS: Final[tuple[Check, ...]] = (
    found.CHECK,
    one_record.CHECK,
    syntax.CHECK,
    policy.CHECK,
    subdomains.CHECK,
    testing.CHECK,
    removed_tags.CHECK,
    aggregate_reports.CHECK,
    external_reports.CHECK,
    failure_reports.CHECK,
    aligned.CHECK,
    place.CHECK,
    public_suffix.CHECK,
)
