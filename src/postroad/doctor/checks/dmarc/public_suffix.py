"""DM-13: a domain that sends mail does not call itself a public suffix."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.dmarc.published import published
from postroad.lint.finding import Level
from postroad.mailauth.dmarc.record import Oddity, Psd


async def _look(examination: Examination) -> Sight:
    found = await published(examination)
    if found.record.psd is Psd.YES and found.domain == examination.subject.domain:
        sentence = f"{found.name} has psd=y: every name below it counts as an organization of its own"
        yield Seen(Level.WARN, sentence, found.with_tags({"psd": None}))
    for tag, text in found.odd(Oddity.INVALID):
        if tag == "psd":
            yield Seen(Level.WARN, f"{found.name} has psd={excerpt(text)}", found.with_tags({"psd": None}))


CHECK: Final = Check(
    "DM-13",
    Area.DMARC,
    "psd=y stands only in records of registries, whose subdomains belong to others.",
    "RFC 9989 §4.7",
    _look,
)
