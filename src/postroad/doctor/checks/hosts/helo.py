"""IP-04: what a sending host says in EHLO is its name, leads to it, and has a policy of its own."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight, excerpt
from postroad.doctor.checks.hosts.pointers import pointers
from postroad.doctor.own_host import forward, is_host_name, pointer
from postroad.doctor.remedy import txt
from postroad.lint.finding import Level
from postroad.lookup import RecordType
from postroad.mailauth.spf.record import spf_texts


async def _look(examination: Examination) -> Sight:
    helo = examination.subject.helo
    if helo is None:
        raise NotApplicable("what the hosts say in EHLO is not known (--helo)")
    if not is_host_name(helo):
        yield Seen(Level.FAIL, f"{excerpt(helo)} is no full host name; set ?ehlo= to one")
        return
    ips = examination.subject.ips
    addresses = await examination.addresses(helo)
    if not addresses:
        yield Seen(Level.FAIL, f"{helo} has no address", await forward(helo, ips, examination))
    for ip in ips:
        names = await pointers(ip, examination)
        if names and helo not in names:
            seen = f"{ip} says {helo} and is {', '.join(names)}"
            yield Seen(Level.WARN, seen, (pointer(ip, helo), *await forward(helo, (ip,), examination)))
    texts = (await examination.ask(helo, RecordType.TXT)).texts
    if not spf_texts(texts):
        yield Seen(Level.WARN, f"{helo} has no SPF policy of its own", (txt(helo, "v=spf1 a -all"),))
    if addresses:
        yield Seen(Level.PASS, f"{helo} has the address {addresses[0]}")


CHECK: Final = Check(
    "IP-04",
    Area.HOSTS,
    "The name in EHLO is the host's full name: it has an address, is what PTR says, and has an SPF policy, by which "
    "bounces are judged.",
    "RFC 5321 §2.3.5, §4.1.1.1; RFC 7208 §2.3",
    _look,
)
