"""DM-12: the record stands where receivers look for it."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.dmarc.published import discovered, first_record, misplaced
from postroad.doctor.remedy import txt
from postroad.doctor.tag_text import retagged
from postroad.lint.finding import Level
from postroad.lookup import RecordType
from postroad.mailauth.dmarc.record import is_dmarc_record
from postroad.mailauth.spf.record import spf_texts


async def _look(examination: Examination) -> Sight:
    domain = examination.subject.domain
    name = f"_dmarc.{domain}"
    found, _ = await discovered(examination)
    lost = [] if found.record is not None else await misplaced(examination)
    for place, text in lost:
        publish = (txt(name, retagged(text, {})) if is_dmarc_record(text.encode()) else first_record(domain),)
        yield Seen(
            Level.FAIL, f"a DMARC record stands at {place}, and receivers ask for {name}: {excerpt(text)}", publish
        )
    if found.record is not None:
        for place, text in await misplaced(examination):
            yield Seen(Level.INFO, f"a DMARC record stands at {place}, too, where nobody asks for it: {excerpt(text)}")
    for policy in spf_texts((await examination.ask(name, RecordType.TXT)).texts):
        hint = f"{name} has an SPF record, which belongs to {domain}: {excerpt(policy)}"
        if found.record is None and not lost:
            yield Seen(Level.FAIL, hint, (first_record(domain),))
        else:
            yield Seen(Level.INFO, hint)


CHECK: Final = Check(
    "DM-12",
    Area.DMARC,
    "The policy record is a TXT record at _dmarc.DOMAIN, and no other record is there.",
    "RFC 9989 §4.5",
    _look,
)
