"""DM-10: reports about single messages."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.dmarc.aggregate_reports import mended
from postroad.doctor.checks.dmarc.published import published
from postroad.lint.finding import Level
from postroad.mailauth.dmarc.record import Oddity


async def _look(examination: Examination) -> Sight:
    found = await published(examination)
    for tag, text in found.odd(Oddity.INVALID, Oddity.SIZE_LIMIT):
        if tag == "fo":
            sentence = f"{found.name} has fo={excerpt(text)}; it is 0 or 1, with d and s, joined by colons"
            yield Seen(Level.WARN, sentence, found.with_tags({"fo": None}))
        elif tag == "ruf":
            sentence = f"{found.name}: {excerpt(text)} in ruf= is no place that reports can go to, or an obsolete limit"
            yield Seen(Level.WARN, sentence, mended(found, "ruf"))
    if found.record.ruf:
        sentence = f"{found.name} asks for reports about single messages (ruf=): few receivers send any, for privacy"
        yield Seen(Level.INFO, sentence)


CHECK: Final = Check(
    "DM-10",
    Area.DMARC,
    "ruf= and fo= are well formed; hardly anybody sends such reports, which hold other people's mail.",
    "RFC 9991",
    _look,
)
