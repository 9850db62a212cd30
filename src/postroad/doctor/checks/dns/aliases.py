"""DNS-04: an alias stands alone at its name."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight
from postroad.doctor.checks.hosts.pointers import pointers
from postroad.lint.finding import Level
from postroad.lookup import RecordType, Status
from postroad.mailauth.dkim.record import record_name
from postroad.mailauth.domain_name import domain_name

MAX_HOSTS: Final = 20  # of a kind; the largest senders have fewer
_PLACES: Final = ("_dmarc", "_mta-sts", "_smtp._tls", "default._bimi")
_DATA: Final = (
    RecordType.SOA, RecordType.NS, RecordType.MX, RecordType.TXT, RecordType.A, RecordType.AAAA,
)  # fmt: skip


async def _look(examination: Examination) -> Sight:
    for name in await _names(examination):
        alias = (await examination.ask(name, RecordType.CNAME)).names
        if not alias:
            continue
        beside = [kind for kind in _DATA if await _is_there(name, kind, examination)]
        if beside:
            kinds = ", ".join(beside)
            yield Seen(Level.FAIL, f"{name} is an alias of {alias[0]} and has records of its own, too: {kinds}")
        elif _is_top(name, examination):
            seen = f"{name} is an alias of {alias[0]}, which the name of a zone cannot be: its SOA and NS stand there"
            yield Seen(Level.FAIL, seen)
        if len(alias) > 1:
            yield Seen(Level.FAIL, f"{name} is an alias of {len(alias)} names: {', '.join(alias)}")


async def _names(examination: Examination) -> list[str]:
    """Every name that mail of the domain depends on."""
    subject = examination.subject
    domain = subject.domain
    places = [f"{label}.{domain}" for label in _PLACES]
    selectors = [record_name(one, domain) for one in subject.selectors]
    hosts = [subject.helo or "", *await _hosts(examination)]
    names = (domain, subject.mail_from, *places, *selectors, *hosts)
    return list(dict.fromkeys(name for one in names if (name := domain_name(one))))


async def _hosts(examination: Examination) -> list[str]:
    """The servers of the domain's names and of its mail, and what the sending hosts are called."""
    domain = examination.subject.domain
    exchanges = (await examination.ask(domain, RecordType.MX)).exchanges
    servers = (await examination.ask(domain, RecordType.NS)).names
    callers = [name for ip in examination.subject.ips for name in await pointers(ip, examination)]
    return [*(one.host for one in exchanges[:MAX_HOSTS]), *servers[:MAX_HOSTS], *callers[:MAX_HOSTS]]


def _is_top(name: str, examination: Examination) -> bool:
    """Whether this is surely the name of a zone: it stands right below a top-level domain. Of longer names the records
    beside tell."""
    return name == examination.subject.domain and name.count(".") == 1


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
