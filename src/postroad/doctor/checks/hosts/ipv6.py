"""IP-05: a host that sends by IPv6 has a name, and its mail is authenticated."""

from collections.abc import Iterable
from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight
from postroad.doctor.checks.hosts.pointers import pointers, sending_hosts
from postroad.doctor.checks.spf.evaluation import evaluated
from postroad.doctor.checks.spf.policy import own_policy
from postroad.doctor.checks.spf.still_sending import suggested
from postroad.doctor.checks.spf.wording import with_addresses
from postroad.doctor.own_host import named
from postroad.doctor.remedy import DnsRecord, txt
from postroad.doctor.subject import Address
from postroad.lint.finding import Level
from postroad.lookup import RecordType
from postroad.mailauth.dkim.record import MalformedKeyRecord, read_record, record_name
from postroad.mailauth.spf.verdict import Result


async def _look(examination: Examination) -> Sight:
    ips = [ip for ip in sending_hosts(examination) if ip.version == 6]
    if not ips:
        raise NotApplicable("no host sends by IPv6")
    authenticated = await _has_key(examination)
    refused = [ip for ip in ips if not (authenticated or await _may_send(ip, examination))]
    for ip in ips:
        if not await pointers(ip, examination):
            yield Seen(Level.FAIL, f"{ip} has no PTR record", await named(ip, examination))
        elif ip in refused:
            seen = f"{ip} may not send by SPF, and no DKIM key is known"
            yield Seen(Level.FAIL, seen, await _with(refused, examination))
        elif len(ips) == len(examination.subject.ips):
            yield Seen(
                Level.INFO, f"{ip} is fine; some receivers are stricter by IPv6, so prefer IPv4 where there is both"
            )
        else:
            yield Seen(Level.PASS, f"{ip} has a name, and its mail is authenticated")


async def _has_key(examination: Examination) -> bool:
    subject = examination.subject
    for selector in subject.selectors:
        texts = (await examination.ask(record_name(selector, subject.domain), RecordType.TXT)).texts
        if any(map(_is_key, texts)):
            return True
    return False


def _is_key(text: bytes) -> bool:
    """Whether something can be signed by it: it can be read, and was not revoked."""
    try:
        return read_record(text).public is not None
    except MalformedKeyRecord:
        return False


async def _may_send(ip: Address, examination: Examination) -> bool:
    verdict = await evaluated(ip, examination.subject.mail_from, examination)
    return verdict.result is Result.PASS


async def _with(refused: Iterable[Address], examination: Examination) -> tuple[DnsRecord, ...]:
    """The policy with these addresses in it. One that cannot be read is SPF-01's or SPF-02's to mend."""
    domain = examination.subject.mail_from
    own = await own_policy(domain, examination)
    if not own.texts:
        return await suggested(domain, examination)
    return () if own.record is None else (txt(domain, with_addresses(own.record.text, refused)),)


CHECK: Final = Check(
    "IP-05",
    Area.HOSTS,
    "A host that sends by IPv6 has a PTR record, and its mail passes SPF or DKIM; else Gmail refuses it.",
    "Gmail's sender guidelines",
    _look,
)
