"""MX-02: mail exchangers are hosts with public addresses, and no aliases."""

from ipaddress import ip_network
from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight, excerpt
from postroad.doctor.checks.reception.instead import exchangers_instead, literal_of
from postroad.lint.finding import Level
from postroad.lookup import Mx, RecordType
from postroad.mailauth.domain_name import domain_name

MAX_TARGETS: Final = 20  # of one domain; the largest providers have five
# Addresses that nobody outside reaches: RFC 1918, RFC 1122 §3.2.1.3, RFC 3927, RFC 6598, RFC 4193, RFC 4291.
_INSIDE: Final = tuple(
    ip_network(one)
    for one in [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::/128",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    ]
)


async def _look(examination: Examination) -> Sight:
    subject, looked = examination.subject, False
    for domain in dict.fromkeys((subject.domain, subject.mail_from)):
        exchanges = [one for one in (await examination.ask(domain, RecordType.MX)).exchanges if one.host]
        for mx in exchanges[:MAX_TARGETS]:
            looked = True
            yield await _target(domain, mx, examination)
    if not looked:
        raise NotApplicable("there is no mail exchanger (MX-01)")


async def _target(domain: str, mx: Mx, examination: Examination) -> Seen:
    literal = literal_of(mx)
    if literal is not None:
        sentence = f"an MX record of {domain} names the address {literal}, and not a host"
        return Seen(Level.FAIL, sentence, await exchangers_instead(domain, examination))
    if domain_name(mx.host) is None:
        return Seen(Level.FAIL, f"an MX record of {domain} names {excerpt(mx.host)}, which is no name of a host")
    answers = [await examination.ask(mx.host, kind) for kind in (RecordType.A, RecordType.AAAA)]
    addresses = [one for answer in answers for one in answer.addresses]
    aliases = [alias for answer in answers for alias in answer.aliases]
    if aliases and any(one.addresses and not one.aliases for one in answers):
        sentence = f"{mx.host} is an alias (CNAME) of {aliases[0]}, and has an address of its own; take the alias away"
        return Seen(Level.FAIL, sentence)
    if aliases:
        sentence = f"{mx.host} is an alias (CNAME) of {aliases[0]}, which no mail exchanger may be"
        return Seen(Level.FAIL, sentence, await exchangers_instead(domain, examination) if addresses else ())
    if not addresses:
        return Seen(Level.FAIL, f"{mx.host}, a mail exchanger of {domain}, has no address")
    inside = [one for one in addresses if any(one in network for network in _INSIDE)]
    if inside:
        return Seen(Level.WARN, f"{mx.host} has the address {inside[0]}, which nobody outside reaches")
    return Seen(Level.PASS, f"{mx.host} has the address {', '.join(map(str, addresses))}")


CHECK: Final = Check(
    "MX-02",
    Area.RECEPTION,
    "An MX record names a host that has an address which can be reached, and is no alias.",
    "RFC 2181 §10.3, RFC 5321 §5.1",
    _look,
)
