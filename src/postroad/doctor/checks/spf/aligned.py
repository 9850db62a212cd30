"""SPF-14: SPF speaks for the From that readers see."""

from typing import Final

from postroad.doctor.alignment import is_aligned, return_path_alignment
from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight
from postroad.lint.finding import Level


async def _look(examination: Examination) -> Sight:
    subject = examination.subject
    alignedness, _ = await return_path_alignment(examination)
    names = f"MAIL FROM ({subject.mail_from}) and From ({subject.domain})"
    if is_aligned(alignedness):
        yield Seen(Level.PASS, f"{names} are aligned: {alignedness.reason}")
    elif subject.selectors:
        yield Seen(Level.WARN, f"{names} are not aligned: {alignedness.reason}; DKIM alone makes DMARC pass")
    else:
        raise NotApplicable("neither SPF nor DKIM is known to be aligned, as DM-11 says")


CHECK: Final = Check(
    "SPF-14",
    Area.SPF,
    "The domain of MAIL FROM is that of From, or of the same organization, so that DMARC can pass by SPF, too.",
    "RFC 9989 §4.4.2",
    _look,
)
