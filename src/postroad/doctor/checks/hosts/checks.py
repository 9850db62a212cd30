"""The checks of this area, in order."""

from typing import Final

from postroad.doctor.check import Check
from postroad.doctor.checks.hosts import has_name, helo, ipv6, leads_back, own_name

HOST_CHECKS: Final[tuple[Check, ...]] = (has_name.CHECK, leads_back.CHECK, own_name.CHECK, helo.CHECK, ipv6.CHECK)
