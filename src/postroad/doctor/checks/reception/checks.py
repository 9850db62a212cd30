"""The checks of this area, in order."""

from typing import Final

from postroad.doctor.check import Check
from postroad.doctor.checks.reception import encryption, exchangers, mailboxes, targets

RECEPTION_CHECKS: Final[tuple[Check, ...]] = (exchangers.CHECK, targets.CHECK, encryption.CHECK, mailboxes.CHECK)
