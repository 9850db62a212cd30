"""DM-01: there is a policy for mail from the domain."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight, excerpt
from postroad.doctor.checks.dmarc.published import discovered, first_record, is_meant_as_policy, misplaced
from postroad.doctor.remedy import txt
from postroad.lint.finding import Level
from postroad.mailauth.dmarc.tree_walk import Finding
from postroad.mailauth.spf.record import spf_texts

_PARKED: Final = "v=DMARC1; p=reject"


async def _look(examination: Examination) -> Sight:
    domain = examination.subject.domain
    found, steps = await discovered(examination)
    asked = ", ".join(f"{step.name} ({step.finding.value})" for step in steps)
    if found.record is not None:
        yield Seen(Level.PASS, f"{found.domain}: {excerpt(found.record.text)} (asked: {asked})")
        return
    if any(step.finding is Finding.SEVERAL for step in steps):
        raise NotApplicable("there are several records, as DM-02 says")
    if any(is_meant_as_policy(text) for step in steps for text in step.texts):
        raise NotApplicable("there is a text that cannot be read, as DM-03 says")
    if await misplaced(examination) or spf_texts(steps[0].texts if steps else ()):
        raise NotApplicable("a record stands in the wrong place, as DM-12 says")
    first = txt(f"_dmarc.{domain}", _PARKED) if examination.subject.parked else first_record(domain)
    yield Seen(Level.FAIL, f"there is no DMARC record for {domain}: {asked}", (first,))


CHECK: Final = Check(
    "DM-01",
    Area.DMARC,
    "A policy record is found at _dmarc.DOMAIN, or on the walk up from there.",
    "RFC 9989 §4.10",
    _look,
)
