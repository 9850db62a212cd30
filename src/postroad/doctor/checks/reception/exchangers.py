"""MX-01: the domains of From, Reply-To and the return path receive mail, for replies and bounces come there."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight
from postroad.doctor.own_host import forward, own_host
from postroad.doctor.remedy import DnsRecord, Remedy
from postroad.doctor.sample_domains import reply_domains
from postroad.lint.finding import Level
from postroad.lookup import Mx, RecordType
from postroad.routing.mx import Reception, mail_hosts


async def _look(examination: Examination) -> Sight:
    subject = examination.subject
    for domain in dict.fromkeys((subject.domain, subject.mail_from, *reply_domains(subject))):
        yield await _reception(domain, examination)


async def _reception(domain: str, examination: Examination) -> Seen:
    hosts = await mail_hosts(domain, examination.resolver)
    exchanges = (await examination.ask(domain, RecordType.MX)).exchanges
    if hosts.reception is Reception.NULL_MX:
        if examination.subject.parked:
            return Seen(Level.PASS, f"{domain} says that it receives no mail, as one that sends none should")
        seen = f"{domain} sends mail, and says that it receives none (null MX); many refuse such a sender"
        return Seen(Level.FAIL, seen, await _records(domain, examination))
    if examination.subject.parked:
        return Seen(Level.INFO, f"{domain} sends no mail, and does not say so", (_exchange(domain, Mx(0, "")),))
    if hosts.reception is Reception.NOWHERE:
        seen = f"{hosts.reason}: bounces cannot come back"
        return Seen(Level.FAIL, seen, await _records(domain, examination))
    if hosts.reception is Reception.IMPLICIT:
        seen = f"{domain} has no MX record, and receives at its own address"
        return Seen(Level.INFO, seen, (_exchange(domain, Mx(10, domain)),))
    if any(not one.host for one in exchanges):
        others = tuple(_exchange(domain, one) for one in hosts.hosts)
        return Seen(Level.FAIL, f"{domain} has a null MX beside others, where it must stand alone", others)
    told = ", ".join(f"{one.host} ({one.preference})" for one in hosts.hosts)
    return Seen(Level.PASS, f"mail for {domain} goes to {told}")


async def _records(domain: str, examination: Examination) -> tuple[Remedy, ...]:
    """A mail exchanger, and its address where one of ours is known."""
    host = await own_host(examination)
    known = await examination.addresses(host)
    addresses = () if known else await forward(host, examination.subject.ips[:1], examination)
    return (_exchange(domain, Mx(10, host)), *addresses)


def _exchange(domain: str, mx: Mx) -> DnsRecord:
    return DnsRecord(domain, RecordType.MX, f"{mx.preference} {mx.host}.")


CHECK: Final = Check(
    "MX-01",
    Area.RECEPTION,
    "The domains of From, Reply-To and the return path have mail exchangers, for replies and bounces come there.",
    "RFC 5321 §5.1, RFC 7505 §4.2",
    _look,
)
