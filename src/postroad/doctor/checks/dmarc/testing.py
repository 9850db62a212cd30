"""DM-06: the policy is meant."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight
from postroad.doctor.checks.dmarc.published import published
from postroad.lint.finding import Level


async def _look(examination: Examination) -> Sight:
    found = await published(examination)
    if found.record.testing:
        sentence = (
            f"{found.name} has t=y: p={found.record.own_policy} is applied as p={found.record.own_policy.lowered}"
        )
        yield Seen(Level.WARN, sentence, found.with_tags({"t": None}))


CHECK: Final = Check(
    "DM-06",
    Area.DMARC,
    "The policy is not marked as a test (t=y), which makes it one step milder.",
    "RFC 9989 §4.7",
    _look,
)
