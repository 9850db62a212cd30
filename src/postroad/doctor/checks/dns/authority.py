"""DNS-02: whose zone the names of senders lie in can be found out, as Yahoo does before it takes mail."""

from typing import Final

from postroad.doctor.check import NOT_CHECKED, Area, Check, Examination, Seen, Sight
from postroad.doctor.zone_of import delegated, zone_above
from postroad.lint.finding import Level
from postroad.lookup import RecordType, Status


async def _look(examination: Examination) -> Sight:
    subject = examination.subject
    for name in dict.fromkeys((subject.domain, subject.mail_from)):
        yield await _of(name, examination)


async def _of(name: str, examination: Examination) -> Seen:
    if (await examination.ask(name, RecordType.SOA)).status is Status.NO_NAME:
        if name == examination.subject.domain:
            return Seen(Level.INFO, f"{NOT_CHECKED}{name} does not exist, as DNS-01 says")
        return Seen(Level.FAIL, f"the domain of MAIL FROM, {name}, does not exist (NXDOMAIN)")
    soa = await zone_above(name, examination)
    if soa is None and not await delegated(name, examination):
        return Seen(Level.INFO, f"{NOT_CHECKED}the file has neither an SOA nor an NS record for {name}, or above it")
    if soa is None:
        return Seen(Level.WARN, f"there is no SOA record for {name}, nor for a name above it")
    return Seen(Level.PASS, f"{name} lies in the zone {soa.name}")


CHECK: Final = Check(
    "DNS-02",
    Area.DNS,
    "A question for the SOA record of the domains of From and MAIL FROM finds one; Yahoo takes no mail without.",
    "Yahoo, sender error codes; RFC 2308 §3",
    _look,
)
