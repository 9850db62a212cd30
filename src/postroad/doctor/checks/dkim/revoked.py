"""DK-03: no selector in use was revoked."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight
from postroad.doctor.checks.dkim.published import readable
from postroad.lint.finding import Level


async def _look(examination: Examination) -> Sight:
    for one, record in await readable(examination):
        if record.public is None:
            yield Seen(Level.FAIL, f"the key at {one.name} was revoked: p= is empty", one.remedy)


CHECK: Final = Check(
    "DK-03",
    Area.DKIM,
    "The key of a selector that signs is not revoked.",
    "RFC 6376 §3.6.1",
    _look,
)
