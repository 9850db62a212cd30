"""IP-01: every sending host has one name in the reverse DNS."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight
from postroad.doctor.checks.hosts.own_name import why_generic
from postroad.doctor.checks.hosts.pointers import pointers, sending_hosts
from postroad.doctor.own_host import named
from postroad.lint.finding import Level


async def _look(examination: Examination) -> Sight:
    for ip in sending_hosts(examination):
        names = await pointers(ip, examination)
        if not names:
            yield Seen(Level.FAIL, f"{ip} has no PTR record", await named(ip, examination))
        elif len(names) > 1:
            seen = f"{ip} has {len(names)} PTR records, {', '.join(names)}; receivers take any of them"
            own = [name for name in names if not why_generic(name, ip)]
            yield Seen(Level.WARN, seen, await named(ip, examination, own))
        else:
            yield Seen(Level.PASS, f"{ip} is {names[0]}")


CHECK: Final = Check(
    "IP-01",
    Area.HOSTS,
    "A sending host has exactly one PTR record; whoever owns the address, often its provider, sets it.",
    "RFC 1912 §2.1; required by Gmail, Yahoo and Outlook.com",
    _look,
)
