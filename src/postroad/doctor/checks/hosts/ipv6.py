"""IP-05: a host that sends by IPv6 has a name, and its mail is authenticated."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight
from postroad.doctor.checks.hosts.pointers import pointers, sending_hosts
from postroad.doctor.own_host import named
from postroad.doctor.remedy import DnsRecord, txt
from postroad.doctor.subject import Address
from postroad.lint.finding import Level
from postroad.lookup import RecordType
from postroad.mailauth.spf.check import check as check_host


async def _look(examination: Examination) -> Sight:
    ips = [ip for ip in sending_hosts(examination) if ip.version == 6]
    if not ips:
        raise NotApplicable("no host sends by IPv6")
    for ip in ips:
        if not await pointers(ip, examination):
            yield Seen(Level.FAIL, f"{ip} has no PTR record", await named(ip, examination))
        elif not await _is_authenticated(ip, examination):
            seen = f"{ip} may not send by SPF, and no DKIM key is known"
            yield Seen(Level.FAIL, seen, (await _with_ip(ip, examination),))
        elif len(ips) == len(examination.subject.ips):
            yield Seen(
                Level.INFO, f"{ip} is fine; some receivers are stricter by IPv6, so prefer IPv4 where there is both"
            )
        else:
            yield Seen(Level.PASS, f"{ip} has a name, and its mail is authenticated")


async def _is_authenticated(ip: Address, examination: Examination) -> bool:
    subject = examination.subject
    for selector in subject.selectors:
        if (await examination.ask(f"{selector}._domainkey.{subject.domain}", RecordType.TXT)).texts:
            return True
    verdict = await check_host(
        ip, subject.helo or subject.mail_from, f"postmaster@{subject.mail_from}", examination.resolver
    )
    return verdict.result == "pass"


async def _with_ip(ip: Address, examination: Examination) -> DnsRecord:
    """The policy with this address in it, before all that it says already."""
    domain = examination.subject.mail_from
    texts = (await examination.ask(domain, RecordType.TXT)).texts
    policies = [text.decode("ascii", "replace") for text in texts if text == b"v=spf1" or text.startswith(b"v=spf1 ")]
    said = policies[0].removeprefix("v=spf1").strip() if len(policies) == 1 else "mx -all"
    return txt(domain, f"v=spf1 ip6:{ip} {said or '-all'}")


CHECK: Final = Check(
    "IP-05",
    Area.HOSTS,
    "A host that sends by IPv6 has a PTR record, and its mail passes SPF or DKIM; else Gmail refuses it.",
    "Gmail's sender guidelines",
    _look,
)
