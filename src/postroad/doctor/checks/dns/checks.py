"""The checks of this area, in order."""

from typing import Final

from postroad.doctor.check import Check
from postroad.doctor.checks.dns import aliases, authority, dnssec, exists

DNS_CHECKS: Final[tuple[Check, ...]] = (exists.CHECK, authority.CHECK, dnssec.CHECK, aliases.CHECK)
