"""DNS-01: the domain exists, and more than one server answers for it."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight
from postroad.doctor.zone_of import delegated, up_from, zone_above
from postroad.lint.finding import Level
from postroad.lookup import RecordType, Status

_FEWEST: Final = 2  # servers of a zone (RFC 2182 §5; RFC 1034 §4.1 demands two)


async def _look(examination: Examination) -> Sight:
    domain = examination.subject.domain
    if (await examination.ask(domain, RecordType.SOA)).status is Status.NO_NAME:
        yield Seen(Level.FAIL, f"{domain} does not exist (NXDOMAIN)")
        return
    soa = await zone_above(domain, examination)
    zone = soa.name if soa is not None else await _with_servers(domain, examination)
    servers = (await examination.ask(zone, RecordType.NS)).names
    if not servers:
        if not await delegated(domain, examination):
            raise NotApplicable("the file has neither the SOA record nor the name servers of the zone")
        yield Seen(Level.WARN, f"{zone} shows no NS records")
        return
    reachable = [one for one in servers if await _answers(one, zone, examination)]
    if not reachable:
        yield Seen(Level.FAIL, f"none of the name servers of {zone} has an address: {', '.join(servers)}")
    elif len(reachable) < _FEWEST:
        yield Seen(Level.WARN, f"{zone} has a single name server with an address, {reachable[0]}")
    else:
        yield Seen(Level.PASS, f"{zone} has the name servers {', '.join(servers)}")


async def _with_servers(domain: str, examination: Examination) -> str:
    """The nearest name, upwards, that has name servers: where no SOA record says it (DNS-02), the zone begins there."""
    for one in up_from(domain):
        if (await examination.ask(one, RecordType.NS)).names:
            return one
    return domain


async def _answers(host: str, zone: str, examination: Examination) -> bool:
    return not examination.is_written_down(host, zone) or bool(await examination.addresses(host))


CHECK: Final = Check(
    "DNS-01",
    Area.DNS,
    "The domain exists, and at least two name servers answer for it.",
    "RFC 1034 §4.1, RFC 2182 §5",
    _look,
)
