"""DK-10: keys can be changed without a gap, and are."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight
from postroad.doctor.checks.dkim.published import readable
from postroad.lint.finding import Level

_FEWEST: Final = 2  # selectors: the one that signs, and the next, published before it does
_OLDEST: Final = 365 * 86_400  # seconds that a key is used; M3AAWG asks for a change every six months, a year is bad


async def _look(examination: Examination) -> Sight:
    found = [one for one, record in await readable(examination) if record.public is not None]
    if len(found) < _FEWEST:
        yield Seen(Level.INFO, f"{len(found)} key is known; a second, published early, takes its place without a gap")
    else:
        yield Seen(Level.PASS, f"{len(found)} keys are published")
    for one in found:
        since = examination.subject.key_dates.get(one.selector)
        if since is not None and examination.now - since > _OLDEST:
            days = int((examination.now - since) / 86_400)
            yield Seen(Level.WARN, f"the key at {one.name} has been in use for {days} days")


CHECK: Final = Check(
    "DK-10",
    Area.DKIM,
    "Two selectors are published, and none is in use for more than a year.",
    "RFC 6376 §3.1; M3AAWG, DKIM key rotation",
    _look,
)
