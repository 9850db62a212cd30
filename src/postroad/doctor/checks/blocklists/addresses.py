"""BL-01: no sending host is on a list."""

from typing import Final

from postroad.doctor.blocklist import Kind, backwards
from postroad.doctor.check import Area, Check, Examination, NotApplicable, Sight
from postroad.doctor.checks.blocklists.asked import entries, lists_of


async def _look(examination: Examination) -> Sight:
    ips, lists = examination.subject.ips, lists_of(Kind.ADDRESS, examination)
    if not ips:
        raise NotApplicable("no sending host is known (--ip)")
    if not lists:
        raise NotApplicable("no list of addresses is to be asked")
    async for seen in entries([(backwards(ip), str(ip)) for ip in ips], lists, examination):
        yield seen


CHECK: Final = Check(
    "BL-01",
    Area.BLOCKLISTS,
    "No sending host is on a list that receivers ask. A listing is ended at the list, once its cause is.",
    "RFC 5782 §2.1",
    _look,
)
