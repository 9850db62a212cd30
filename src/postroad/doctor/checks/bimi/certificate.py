"""BIMI-04: the certificate is for logos, for this domain, in time, and holds this very logo."""

from collections.abc import Iterator
from typing import Final

from postroad.clock import as_datetime
from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight, excerpt
from postroad.doctor.checks.bimi.published import SECONDS, BimiRecord, needed
from postroad.doctor.document import document, octets_of
from postroad.doctor.mark_certificate import MAX_OCTETS, PURPOSE, MarkCertificate, NoMark, read_mark
from postroad.doctor.svg import MAX_UNFOLDED, NoSvg, unfolded
from postroad.lint.finding import Level


async def _look(examination: Examination) -> Sight:
    record = await needed(examination)
    if not record.evidence.lower().startswith("https://"):
        raise NotApplicable("the record names no certificate")
    found = await document(record.evidence, examination, limit=MAX_OCTETS, seconds=SECONDS)
    if isinstance(found, Seen):
        yield found
        return
    url = excerpt(record.evidence)
    try:
        mark = read_mark(found.body)
    except NoMark as fault:
        yield Seen(Level.FAIL, f"{url}: {fault}")
        return
    faults = [*_faults(mark, examination), *await _of_logo(mark, record, examination)]
    for one in faults:
        yield Seen(Level.FAIL, f"{url}: {one}")
    if not faults:
        yield Seen(Level.PASS, f"{url} is for {', '.join(mark.names)}, until {mark.not_after:%Y-%m-%d}")


def _faults(mark: MarkCertificate, examination: Examination) -> Iterator[str]:
    now = as_datetime(examination.now)
    if PURPOSE not in mark.purposes:
        yield "it is no mark certificate (extended key usage 1.3.6.1.5.5.7.3.31)"
    if not mark.covers(examination.subject.domain):
        yield f"it is for {excerpt(', '.join(mark.names)) or 'no domain'}, not for {examination.subject.domain}"
    if mark.not_after < now:
        yield f"it expired on {mark.not_after:%Y-%m-%d}"
    if mark.not_before > now:
        yield f"it is valid from {mark.not_before:%Y-%m-%d} on"
    if mark.logo is None:
        yield "it holds no logo"


async def _of_logo(mark: MarkCertificate, record: BimiRecord, examination: Examination) -> list[str]:
    """Whether the logo is the one that was certified, where both are there."""
    if mark.logo is None or not record.logo.lower().startswith("https://"):
        return []
    logo = await octets_of(record.logo, examination, limit=MAX_UNFOLDED, seconds=SECONDS)
    if logo is None:
        return []
    try:
        same = unfolded(logo) == mark.logo
    except NoSvg:
        same = False
    return [] if same else ["the logo in it is another one than that of l="]


CHECK: Final = Check(
    "BIMI-04",
    Area.BIMI,
    "The certificate is a VMC or CMC for the domain, in force, and holds the logo that the record names.",
    "draft-fetch-validation-vmc-wchuang §4",
    _look,
)
