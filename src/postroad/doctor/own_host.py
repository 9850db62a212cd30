"""A name for a host of the domain's own: what to publish where one is missing."""

from collections.abc import Iterable
from typing import Final

from postroad.doctor.check import Examination
from postroad.doctor.remedy import DnsRecord
from postroad.doctor.subject import Address
from postroad.lookup import RecordType, Status
from postroad.mailauth.domain_name import is_within

_LOCAL: Final = ("localhost", "localdomain", "local", "lan", "internal", "invalid")  # last labels that are nobody's
_USUAL: Final = ("mail", "out", "smtp", "out1", "out2", "out3")  # names for a host that sends, the first free one


def is_host_name(name: str) -> bool:
    """Whether this can be a host's full name, which others may look up: neither an address nor a single label."""
    labels = name.lower().split(".")
    full = len(labels) > 1 and all(labels) and not labels[-1].isdigit() and not name.startswith("[")
    return full and labels[-1] not in _LOCAL


async def own_host(examination: Examination) -> str:
    """The name that the domain's host has, or is to have: that of EHLO, else that of a mail exchanger of the domain's
    own, else ``mail`` below it.

    Raises:
        Unanswered: nothing was learnt.
    """
    subject = examination.subject
    if subject.helo and is_host_name(subject.helo):
        return subject.helo
    exchanges = (await examination.ask(subject.domain, RecordType.MX)).exchanges
    own = [one.host for one in exchanges if is_within(one.host.lower(), subject.domain)]
    return own[0].lower() if own else f"mail.{subject.domain}"


def pointer(ip: Address, name: str) -> DnsRecord:
    """The PTR record of an address (RFC 1035 §3.5)."""
    return DnsRecord(ip.reverse_pointer, RecordType.PTR, f"{name}.")


async def forward(name: str, ips: Iterable[Address], examination: Examination) -> tuple[DnsRecord, ...]:
    """The address records of a name that are to stand there so that it leads to these too; none if it does.

    Raises:
        Unanswered: nothing was learnt.
    """
    records: list[DnsRecord] = []
    for kind, version in ((RecordType.A, 4), (RecordType.AAAA, 6)):
        wanted = [ip for ip in ips if ip.version == version]
        answer = await examination.ask(name, kind)
        known = list(answer.addresses) if answer.status is Status.FOUND else []
        if not all(ip in known for ip in wanted):
            records += [DnsRecord(name, kind, str(ip)) for ip in dict.fromkeys((*known, *wanted))]
    return tuple(records)


async def named(ip: Address, examination: Examination, known: Iterable[str] = ()) -> tuple[DnsRecord, ...]:
    """The PTR record for a sending address, and what makes its name lead back. ``known`` are names that it may keep.

    Raises:
        Unanswered: nothing was learnt.
    """
    name = await _name_of(ip, examination, known)
    return (pointer(ip, name), *await forward(name, (ip,), examination))


async def _name_of(ip: Address, examination: Examination, known: Iterable[str]) -> str:
    """What the host says in EHLO; else a name of the domain's that leads to it already; else a name that is free. A
    name that leads to another host stays with it."""
    subject = examination.subject
    if subject.helo and is_host_name(subject.helo):
        return subject.helo
    exchanges = (await examination.ask(subject.domain, RecordType.MX)).exchanges
    for name in (*known, *(one.host.lower() for one in exchanges)):
        if is_within(name, subject.domain) and ip in await examination.addresses(name):
            return name
    for label in _USUAL:
        name = f"{label}.{subject.domain}"
        addresses = await examination.addresses(name)
        if not addresses or ip in addresses:
            return name
    return f"mail-{int(ip):x}.{subject.domain}"
