"""DM-11: something speaks for the From that readers see."""

from typing import Final

from postroad.doctor.alignment import is_aligned, return_path_alignment
from postroad.doctor.check import Area, Check, Examination, Seen, Sight
from postroad.doctor.checks.dmarc.published import Published, discovered
from postroad.doctor.remedy import DnsRecord
from postroad.lint.finding import Level
from postroad.mailauth.dmarc.record import Alignment, DmarcRecord
from postroad.mailauth.domain_name import is_within


async def _look(examination: Examination) -> Sight:
    subject = examination.subject
    alignedness, record = await return_path_alignment(examination)
    if is_aligned(alignedness):
        yield Seen(Level.PASS, f"MAIL FROM ({subject.mail_from}) speaks for {subject.domain}: {alignedness.reason}")
    if subject.selectors:
        # Keys are looked for below the domain of From itself, which is as near as can be.
        yield Seen(Level.PASS, f"DKIM signs with d={subject.domain}")
    elif not is_aligned(alignedness):
        names = f"MAIL FROM ({subject.mail_from}) is not aligned with From ({subject.domain}): {alignedness.reason}"
        sentence = f"{names}; and no DKIM key of the domain is known (--selector)"
        yield Seen(Level.FAIL, sentence, await _relaxed(record, examination))


async def _relaxed(record: DmarcRecord, examination: Examination) -> tuple[DnsRecord, ...]:
    """The record without ``aspf=s``, where that is all that stands between the two."""
    subject = examination.subject
    found, _ = await discovered(examination)
    related = is_within(subject.mail_from, subject.domain) or is_within(subject.domain, subject.mail_from)
    if record.aspf is not Alignment.STRICT or found.domain is None or not related:
        return ()
    return Published(record, found.domain).with_tags({"aspf": None})


CHECK: Final = Check(
    "DM-11",
    Area.DMARC,
    "MAIL FROM or the domain of a signature is aligned with From; without that, DMARC never passes.",
    "RFC 9989 §4.4, §4.10.2",
    _look,
)
