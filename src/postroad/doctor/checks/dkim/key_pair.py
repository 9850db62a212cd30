"""DK-07: what is published is the key that signs."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight
from postroad.doctor.checks.dkim.published import readable
from postroad.lint.finding import Level


async def _look(examination: Examination) -> Sight:
    if not examination.subject.keys:
        raise NotApplicable("no private key is known (--key)")
    for one, record in await readable(examination):
        if one.key is None or record.public is None:
            continue
        if record.is_of(one.key):
            yield Seen(Level.PASS, f"{one.name} has the key that signs")
        else:
            yield Seen(Level.FAIL, f"{one.name} has another key than the one that signs", one.remedy)


CHECK: Final = Check(
    "DK-07",
    Area.DKIM,
    "The public key in the DNS belongs to the private key that signs.",
    "RFC 6376 §3.3, §6.1.3",
    _look,
)
