"""The MX records of a domain, with hosts in the place of aliases and addresses."""

from postroad.doctor.check import Examination
from postroad.doctor.own_host import forward, own_host
from postroad.doctor.remedy import DnsRecord
from postroad.doctor.subject import Address
from postroad.lookup import Mx, RecordType
from postroad.net.host_name import as_address


async def exchangers_instead(domain: str, examination: Examination) -> tuple[DnsRecord, ...]:
    """All of them, and the address records that their hosts need. Each host stands there once, as it is preferred most.

    Raises:
        Unanswered: nothing was learnt.
    """
    exchanges = [one for one in (await examination.ask(domain, RecordType.MX)).exchanges if one.host]
    literals = [address for one in exchanges if (address := literal_of(one)) is not None]
    own = await _target_of(await own_host(examination), examination) if literals else ""
    best: dict[str, int] = {}
    for mx in exchanges:
        host = own if literal_of(mx) is not None else await _target_of(mx.host, examination)
        best[host] = min(mx.preference, best.get(host, mx.preference))
    records = tuple(DnsRecord(domain, RecordType.MX, f"{preference} {host}.") for host, preference in best.items())
    return (*records, *await forward(own, literals, examination)) if literals else records


def literal_of(mx: Mx) -> Address | None:
    """The address that stands where a host's name belongs."""
    return as_address(mx.host.strip("[]"))


async def _target_of(host: str, examination: Examination) -> str:
    """Where an alias leads to in the end, if there is an address; else the host itself."""
    for kind in (RecordType.A, RecordType.AAAA):
        answer = await examination.ask(host, kind)
        if answer.aliases and answer.addresses:
            return answer.aliases[-1]
    return host
