"""DM-07: the record has no tags that are no longer part of DMARC."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.dmarc.published import published
from postroad.lint.finding import Level
from postroad.mailauth.dmarc.record import REMOVED, Oddity


async def _look(examination: Examination) -> Sight:
    found = await published(examination)
    old = found.odd(Oddity.REMOVED)
    for tag, value in old:
        more = "; logos (BIMI) want all mail under the policy" if tag == "pct" and value != "100" else ""
        sentence = f"{found.name} has {tag}={excerpt(value)}: removed, but older receivers may go by it{more}"
        yield Seen(Level.WARN, sentence, found.with_tags(dict.fromkeys(REMOVED)))


CHECK: Final = Check(
    "DM-07",
    Area.DMARC,
    "The tags pct, rf and ri are gone; t=y stands for what pct was used for.",
    "RFC 9989 §9.3, §A.6",
    _look,
)
