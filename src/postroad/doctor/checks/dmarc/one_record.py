"""DM-02: there is one record, and no second."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.dmarc.published import discovered
from postroad.doctor.remedy import txt
from postroad.doctor.tag_text import retagged
from postroad.lint.finding import Level
from postroad.lookup import RecordType
from postroad.mailauth.dmarc.record import DmarcRecord, read_record
from postroad.mailauth.dmarc.tree_walk import Finding


async def _look(examination: Examination) -> Sight:
    _, steps = await discovered(examination)
    for step in steps:
        if step.finding is not Finding.SEVERAL:
            continue
        texts = (await examination.ask(step.name, RecordType.TXT)).texts
        records = [record for record in map(read_record, texts) if record is not None]
        shown = " / ".join(excerpt(record.text) for record in records)
        sentence = f"{step.name} has {len(records)} DMARC records, which count as none: {shown}"
        kept = min(records, key=_strictness)
        yield Seen(Level.FAIL, f"{sentence}; publish one in their place", (txt(step.name, retagged(kept.text, {})),))


def _strictness(record: DmarcRecord) -> tuple[bool, int]:
    """The mildest that says something comes first: nothing is refused that was not before."""
    return not record.applicable, record.own_policy.strictness


CHECK: Final = Check(
    "DM-02",
    Area.DMARC,
    "One record at a name begins with v=DMARC1; several are the same as none.",
    "RFC 9989 §4.10",
    _look,
)
