"""IP-03: the name of a sending host is its own, and none that a provider makes of addresses."""

import re
from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight
from postroad.doctor.checks.hosts.pointers import octets_of, pointers, sending_hosts
from postroad.doctor.own_host import named
from postroad.doctor.subject import Address
from postroad.lint.finding import Level

_DYNAMIC: Final = re.compile(
    r"(?:^|[.\-_\d])(?:dyn|dynamic|dynip|dhcp|dip|ppp|pppoe|dial(?:up|in)?|dsl|adsl|vdsl|cable|pool"
    r"|broadband|unassigned|residential)(?:[.\-_\d]|$)"
)


async def _look(examination: Examination) -> Sight:
    looked = False
    for ip in sending_hosts(examination):
        for name in (await pointers(ip, examination))[:1]:
            looked = True
            reason = why_generic(name, ip)
            if reason:
                yield Seen(Level.WARN, f"{name} ({ip}) {reason}", await named(ip, examination))
            else:
                yield Seen(Level.PASS, f"{name} looks like a name of its own")
    if not looked:
        raise NotApplicable("no sending host has a name (IP-01)")


def why_generic(name: str, ip: Address) -> str:
    """Why receivers may take the name for one that nobody has given; ``""`` if they will not."""
    if any(re.search(rf"(?<!\d){re.escape(octets)}(?!\d)", name) for octets in octets_of(ip)):
        return "holds the address, as names do that nobody has given"
    found = _DYNAMIC.search(name.partition(".")[0] if name.count(".") <= 2 else name.rsplit(".", 2)[0])
    return f"holds {found[0].strip('.-_')!r}, as names of customers' lines do" if found else ""


CHECK: Final = Check(
    "IP-03",
    Area.HOSTS,
    "A mail server has a name that somebody gave it, such as mail.example.com.",
    "Yahoo's sender requirements; Outlook.com's DY-001",
    _look,
)
