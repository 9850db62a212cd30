"""DANE-01: TLSA records of mail exchangers are signed, with all that leads to them."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight
from postroad.doctor.transport_policy import exchangers
from postroad.doctor.zone_of import up_from
from postroad.lint.finding import Level
from postroad.lookup import Answer, RecordType, Status


async def _look(examination: Examination) -> Sight:
    hosts = await exchangers(examination)
    if not hosts:
        raise NotApplicable("there is no mail exchanger (MX-01)")
    mx = await examination.ask(examination.subject.domain, RecordType.MX)
    for host in hosts:
        tlsa = await examination.ask(f"_25._tcp.{host}", RecordType.TLSA)
        if not tlsa.associations:
            yield Seen(Level.INFO, f"{host} has no TLSA records")
        else:
            yield await _signed(host, (mx, tlsa), examination)


async def _signed(host: str, answers: tuple[Answer, Answer], examination: Examination) -> Seen:
    addresses = [await examination.ask(host, kind) for kind in (RecordType.A, RecordType.AAAA)]
    needed = (*answers, *(one for one in addresses if one.status is Status.FOUND))
    unsigned = [one for one in needed if not one.authentic]
    if not unsigned:
        return Seen(Level.PASS, f"{host} has {len(answers[1].associations)} TLSA records, signed")
    first = unsigned[0]
    if await _is_signed(first.name, examination):
        seen = f"{first.kind} {first.name} is in a signed zone; no resolver that is trusted says whether it is valid"
        return Seen(Level.UNKNOWN, seen)
    return Seen(Level.FAIL, f"{host} has TLSA records, but {first.kind} {first.name} is not signed: nobody uses them")


async def _is_signed(name: str, examination: Examination) -> bool:
    """Whether a zone that the name lies in has a DS record (RFC 4035 §5.2).

    Raises:
        Unanswered: nothing was learnt.
    """
    for one in up_from(name):
        if (await examination.ask(one, RecordType.DS)).status is Status.FOUND:
            return True
    return False


CHECK: Final = Check(
    "DANE-01",
    Area.TRANSPORT,
    "TLSA records are signed with DNSSEC, and so are the MX records and the host's addresses.",
    "RFC 7672 §2.1, §2.2",
    _look,
)
