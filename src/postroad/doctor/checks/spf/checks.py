"""The checks of this area, in order."""

from typing import Final

from postroad.doctor.check import Check
from postroad.doctor.checks.spf import (
    aligned,
    dangling,
    hosts,
    last_word,
    leftovers,
    lookups,
    loops,
    many_names,
    one_record,
    ptr,
    size,
    syntax,
    void_lookups,
    width,
)

SPF_CHECKS: Final[tuple[Check, ...]] = (
    one_record.CHECK,
    syntax.CHECK,
    lookups.CHECK,
    void_lookups.CHECK,
    many_names.CHECK,
    last_word.CHECK,
    ptr.CHECK,
    dangling.CHECK,
    loops.CHECK,
    size.CHECK,
    hosts.CHECK,
    width.CHECK,
    leftovers.CHECK,
    aligned.CHECK,
)
