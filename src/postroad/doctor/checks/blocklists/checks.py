"""The checks of this area, in order."""

from typing import Final

from postroad.doctor.check import Check
from postroad.doctor.checks.blocklists import addresses, lists_themselves, names

BLOCKLIST_CHECKS: Final[tuple[Check, ...]] = (addresses.CHECK, lists_themselves.CHECK, names.CHECK)
