"""SPF-10: the record fits an answer."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight
from postroad.doctor.checks.spf.policy import readable
from postroad.lint.finding import Level

_MOST: Final = 450  # octets, so that the answer fits 512 with its name and overhead (RFC 7208 §3.4)


async def _look(examination: Examination) -> Sight:
    for policy in await readable(examination):
        size = len(policy.texts[0])
        level = Level.WARN if size > _MOST else Level.PASS
        yield Seen(level, f"the SPF record of {policy.domain} has {size} octets")


CHECK: Final = Check(
    "SPF-10",
    Area.SPF,
    "The record has at most 450 octets, so that the answer fits a small UDP packet; longer ones are cut into strings "
    "of at most 255.",
    "RFC 7208 §3.3, §3.4",
    _look,
)
