"""DNS-03: whether the answers about the domain are signed."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight
from postroad.doctor.zone_of import zone_above
from postroad.lint.finding import Level
from postroad.lookup import RecordType, Status


async def _look(examination: Examination) -> Sight:
    domain = examination.subject.domain
    soa = await zone_above(domain, examination)
    zone = soa.name if soa is not None else domain
    delegation = await examination.ask(zone, RecordType.DS)
    if delegation.status is not Status.FOUND:
        yield Seen(Level.INFO, f"{zone} is not signed: there is no DS record")
    elif (await examination.ask(zone, RecordType.SOA)).authentic:
        yield Seen(Level.PASS, f"{zone} is signed, and the resolver found its answers authentic")
    else:
        # RFC 4035 §4.9.3: the bit of a resolver that nobody declared trusted says nothing.
        yield Seen(Level.INFO, f"{zone} has a DS record; no resolver that is declared trusted says that it is valid")


CHECK: Final = Check(
    "DNS-03",
    Area.DNS,
    "Signed answers are valid; what is bogus does not exist for resolvers that validate. DANE needs them.",
    "RFC 4035 §5",
    _look,
)
