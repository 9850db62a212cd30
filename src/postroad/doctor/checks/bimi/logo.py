"""BIMI-03: the logo is an SVG of the profile that BIMI wants."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight, excerpt
from postroad.doctor.checks.bimi.published import SECONDS, needed
from postroad.doctor.document import document
from postroad.doctor.svg import MAX_UNFOLDED, NoSvg, faults_of
from postroad.lint.finding import Level


async def _look(examination: Examination) -> Sight:
    record = await needed(examination)
    if not record.logo.lower().startswith("https://"):
        raise NotApplicable("the record names no logo")
    logo = await document(record.logo, examination, limit=MAX_UNFOLDED, seconds=SECONDS)
    if isinstance(logo, Seen):
        yield logo
        return
    url = excerpt(record.logo)
    try:
        faults = faults_of(logo.body)
    except NoSvg as fault:
        faults = (str(fault),)
    for fault_ in faults:
        yield Seen(Level.FAIL, f"{url}: {fault_}")
    if not faults:
        yield Seen(Level.PASS, f"{url} is a square SVG Tiny PS of {len(logo.body)} octets")


CHECK: Final = Check(
    "BIMI-03",
    Area.BIMI,
    "The logo is SVG Tiny PS: version 1.2, baseProfile tiny-ps, a title, square, nothing that runs, moves or loads.",
    "draft-svg-tiny-ps-abrotman §2",
    _look,
)
