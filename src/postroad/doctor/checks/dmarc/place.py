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
    missing = found.record is None
    lost = await misplaced(examination)
    for place, text in lost:
        moved = txt(name, retagged(text, {})) if is_dmarc_record(text.encode()) else first_record(domain)
        where = f"a DMARC record stands at {place}, and receivers ask for {name}"
        hint = "move it there" if missing else "take it away, for another one counts"
        yield Seen(Level.FAIL, f"{where}; {hint}: {excerpt(text)}", (moved,) if missing else ())
    for policy in spf_texts((await examination.ask(name, RecordType.TXT)).texts):
        sentence = f"{name} has an SPF record, which belongs to {domain}; take it away: {excerpt(policy)}"
        yield Seen(Level.FAIL, sentence, (first_record(domain),) if missing and not lost else ())


CHECK: Final = Check(
    "DM-12",
    Area.DMARC,
    "The policy record is a TXT record at _dmarc.DOMAIN, and no other record is there.",
    "RFC 9989 §4.5",
    _look,
)
