"""BIMI-03: the logo is an SVG of the profile that BIMI wants."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight, excerpt
from postroad.doctor.checks.bimi.published import needed
from postroad.doctor.svg import MAX_UNFOLDED, NoSvg, faults_of
from postroad.doctor.unfetched import why_unfetched
from postroad.lint.finding import Level
from postroad.lookup import FetchFailed

SECONDS: Final = 30.0  # for a logo or a certificate


async def _look(examination: Examination) -> Sight:
    record = await needed(examination)
    if not record.logo.lower().startswith("https://"):
        raise NotApplicable("the record names no logo")
    if examination.fetcher is None:
        raise NotApplicable("no web server is to be asked (--connect)")
    fetched = await examination.fetcher.get(record.logo, limit=MAX_UNFOLDED, timeout=SECONDS)
    url = excerpt(record.logo)
    if isinstance(fetched, FetchFailed):
        yield Seen(Level.FAIL, f"{url} cannot be fetched: {await why_unfetched(fetched, examination)}")
        return
    if fetched.code != 200:
        yield Seen(Level.FAIL, f"{url} answers {fetched.code}")
        return
    try:
        faults = faults_of(fetched.body)
    except NoSvg as fault:
        faults = (str(fault),)
    for fault_ in faults:
        yield Seen(Level.FAIL, f"{url}: {fault_}")
    if not faults:
        yield Seen(Level.PASS, f"{url} is a square SVG Tiny PS of {len(fetched.body)} octets")


CHECK: Final = Check(
    "BIMI-03",
    Area.BIMI,
    "The logo is SVG Tiny PS: version 1.2, baseProfile tiny-ps, a title, square, nothing that runs, moves or loads.",
    "draft-svg-tiny-ps-abrotman §2",
    _look,
)
