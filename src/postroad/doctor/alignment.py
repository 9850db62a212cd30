"""What of the mail that a domain sends speaks for its From: MAIL FROM by SPF, ``d=`` by DKIM (RFC 9989 §4.4)."""

from typing import Final

from postroad.doctor.check import Examination
from postroad.mailauth.dmarc.alignment import Aligned, Alignedness, Identifier, Mechanism, align
from postroad.mailauth.dmarc.policy import discover
from postroad.mailauth.dmarc.record import DmarcRecord
from postroad.mailauth.dmarc.tree_walk import Walker

_WITHOUT: Final = DmarcRecord("")  # with the defaults of RFC 9989 §4.7: relaxed


async def return_path_alignment(examination: Examination) -> tuple[Alignedness, DmarcRecord]:
    """How MAIL FROM stands to From, and the policy record that decides how near it must be."""
    subject, walker = examination.subject, Walker(examination.resolver)
    record = (await discover(subject.domain, walker, examination.resolver)).record or _WITHOUT
    identifier = Identifier(Mechanism.SPF, subject.mail_from, "pass")
    return await align(identifier, subject.domain, record, walker), record


def is_aligned(one: Alignedness) -> bool:
    return one.aligned is Aligned.YES
