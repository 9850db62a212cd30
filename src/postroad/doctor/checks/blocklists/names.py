"""BL-03: no domain that stands in the mail is on a list."""

from typing import Final

from postroad.doctor.blocklist import Kind
from postroad.doctor.check import Area, Check, Examination, NotApplicable, Sight
from postroad.doctor.checks.blocklists.asked import entries, lists_of
from postroad.doctor.sample_domains import link_domains


async def _look(examination: Examination) -> Sight:
    lists = lists_of(Kind.DOMAIN, examination)
    if not lists:
        raise NotApplicable("no list of domains is to be asked")
    subject = examination.subject
    names = dict.fromkeys((subject.domain, subject.mail_from, *link_domains(subject)))
    async for seen in entries([(name, name) for name in names], lists, examination):
        yield seen


CHECK: Final = Check(
    "BL-03",
    Area.BLOCKLISTS,
    "No domain of From, of the return path or of a link is on a list that receivers ask.",
    "RFC 5782 §3",
    _look,
)
