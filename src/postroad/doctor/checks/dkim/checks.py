"""The checks of this area, in order."""

from typing import Final

from postroad.doctor.check import Check
from postroad.doctor.checks.dkim import (
    ed25519,
    key_pair,
    mangled,
    one_record,
    proof,
    restrictions,
    revoked,
    rotation,
    rsa_bits,
    signature_policy,
    syntax,
)

DKIM_CHECKS: Final[tuple[Check, ...]] = (
    one_record.CHECK,
    syntax.CHECK,
    revoked.CHECK,
    rsa_bits.CHECK,
    ed25519.CHECK,
    restrictions.CHECK,
    key_pair.CHECK,
    proof.CHECK,
    signature_policy.CHECK,
    rotation.CHECK,
    mangled.CHECK,
)
