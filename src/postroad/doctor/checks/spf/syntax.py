"""SPF-02: the policy can be read, and so can those that it leads to."""

import re
from ipaddress import ip_address
from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight, excerpt
from postroad.doctor.checks.spf.policy import own_policy, policies_of
from postroad.doctor.checks.spf.wording import VERSION, address_term, ended, is_read, record_of
from postroad.doctor.remedy import DnsRecord, txt
from postroad.lint.finding import Level

_ADDRESS: Final = re.compile(r"(?:\+?(?:ip|ipv4|ipv6|ip4|ip6)[:=])?([0-9a-f.:]+)", re.IGNORECASE)


async def _look(examination: Examination) -> Sight:
    read = False
    for domain in examination.subject.spf_domains:
        own = await own_policy(domain, examination)
        if own.fault is not None:
            yield Seen(Level.FAIL, f"{domain}: {excerpt(str(own.fault))}", _mended(domain, own.texts[0]))
        read = read or len(own.texts) == 1
        if own.record is None:
            continue
        for policy in await policies_of(domain, examination):
            if policy.fault is not None:
                way = f"{domain} leads by {excerpt(policy.term)} to {policy.domain}"
                yield Seen(Level.FAIL, f"{way}, whose record cannot be read: {excerpt(str(policy.fault))}")
            elif policy.own:
                yield Seen(Level.PASS, f"{domain}: every term can be read")
    if not read:
        raise NotApplicable("there is no single SPF record that could be read")


def _mended(domain: str, text: bytes) -> tuple[DnsRecord, ...]:
    """The record with its slips put right, and without the terms that say nothing."""
    words = text.decode("latin-1")[len(VERSION) :].replace(",", " ").split()
    terms = [term for word in words if (term := _meant(word)) is not None]
    candidates = (record_of(terms), ended(record_of(terms)))
    return tuple([txt(domain, one) for one in candidates if is_read(one)][:1])


def _meant(word: str) -> str | None:
    if is_read(f"{VERSION} {word}"):
        return word
    found = _ADDRESS.fullmatch(word)
    try:
        return address_term(ip_address(found[1])) if found else None
    except ValueError:
        return None


CHECK: Final = Check(
    "SPF-02",
    Area.SPF,
    "Every term of the policy can be read; one that cannot makes the whole policy an error.",
    "RFC 7208 §4.6, §12",
    _look,
)
