"""DNS-04: an alias stands alone at its name."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight
from postroad.lint.finding import Level
from postroad.lookup import RecordType, Status
from postroad.mailauth.dkim.record import record_name
from postroad.mailauth.domain_name import domain_name

_DATA: Final = (
    RecordType.SOA, RecordType.NS, RecordType.MX, RecordType.TXT, RecordType.A, RecordType.AAAA,
)  # fmt: skip


async def _look(examination: Examination) -> Sight:
    for name in _names(examination):
        alias = (await examination.ask(name, RecordType.CNAME)).names
        if not alias:
            continue
        beside = [kind for kind in _DATA if await _is_there(name, kind, examination)]
        if beside:
            kinds = ", ".join(beside)
            yield Seen(Level.FAIL, f"{name} is an alias of {alias[0]} and has records of its own, too: {kinds}")
        if len(alias) > 1:
            yield Seen(Level.FAIL, f"{name} is an alias of {len(alias)} names: {', '.join(alias)}")


def _names(examination: Examination) -> list[str]:
    subject = examination.subject
    selectors = [record_name(one, subject.domain) for one in subject.selectors]
    hosts = [helo] if (helo := domain_name(subject.helo or "")) else []
    return list(dict.fromkeys((subject.domain, subject.mail_from, *hosts, f"_dmarc.{subject.domain}", *selectors)))


async def _is_there(name: str, kind: RecordType, examination: Examination) -> bool:
    """Whether there are records at this very name, not where an alias leads to."""
    answer = await examination.ask(name, kind)
    return answer.status is Status.FOUND and not answer.aliases


CHECK: Final = Check(
    "DNS-04",
    Area.DNS,
    "A name with a CNAME record has no other records; so the name of a zone cannot be an alias.",
    "RFC 1034 §3.6.2",
    _look,
)
