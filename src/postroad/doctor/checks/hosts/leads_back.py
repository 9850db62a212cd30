"""IP-02: the name of a sending host leads back to its address (forward-confirmed reverse DNS)."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight
from postroad.doctor.checks.hosts.pointers import kind_of, pointers, sending_hosts
from postroad.doctor.own_host import forward, named
from postroad.doctor.remedy import DnsRecord
from postroad.doctor.subject import Address
from postroad.lint.finding import Level
from postroad.mailauth.domain_name import is_within

MAX_NAMES: Final = 10  # of one address that are looked up (RFC 7208 §4.6.4 does the same)


async def _look(examination: Examination) -> Sight:
    looked = False
    for ip in sending_hosts(examination):
        names = (await pointers(ip, examination))[:MAX_NAMES]
        if names:
            looked = True
            yield await _way_back(ip, names, examination)
    if not looked:
        raise NotApplicable("no sending host has a name (IP-01)")


async def _way_back(ip: Address, names: tuple[str, ...], examination: Examination) -> Seen:
    # Each by itself: one name that leads back is enough, whatever becomes of the others.
    answers = [await examination.aside.lookup(name, kind_of(ip)) for name in names]
    confirmed = [name for name, answer in zip(names, answers, strict=True) if ip in answer.addresses]
    if confirmed:
        return Seen(Level.PASS, f"{confirmed[0]} leads back to {ip}")
    silent = [answer for answer in answers if answer.status.temporary]
    if silent:
        return Seen(Level.UNKNOWN, f"no answer from the DNS: {silent[0].kind} {silent[0].name}")
    seen = f"{ip} is {', '.join(names)}, and none of these leads back to it"
    return Seen(Level.FAIL, seen, await _remedy(ip, names[0], examination))


async def _remedy(ip: Address, name: str, examination: Examination) -> tuple[DnsRecord, ...]:
    if is_within(name, examination.subject.domain) and not await examination.addresses(name):
        return await forward(name, (ip,), examination)
    return await named(ip, examination)  # a name of somebody else's, or of another host, cannot be made to lead back


CHECK: Final = Check(
    "IP-02",
    Area.HOSTS,
    "At least one name of a sending host has the host's address.",
    "RFC 8601 §3; required by Gmail, Yahoo and Outlook.com",
    _look,
)
