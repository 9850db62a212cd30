"""SPF-01: there is one policy, and only one."""

import re
from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.spf.policy import own_policy
from postroad.doctor.checks.spf.slips import repaired
from postroad.doctor.checks.spf.still_sending import still_sending, suggested
from postroad.doctor.checks.spf.wording import VERSION, is_all, is_read, is_redirect, record_of, terms_of
from postroad.doctor.remedy import DnsRecord, txt
from postroad.lint.finding import Level
from postroad.lookup import RecordType

_PARKED: Final = f"{VERSION} -all"  # RFC 7208 §10.1.2

# What stands before a version, and how one is written that is not read: with spaces, or with a semicolon behind it.
_AROUND: Final = " \t\r\n\"'"
_NEAR: Final = re.compile(r"v\s*=\s*spf1(?:[\s;,:]+|\Z)", re.IGNORECASE)


async def _look(examination: Examination) -> Sight:
    subject = examination.subject
    for domain in subject.spf_domains:
        policy = await own_policy(domain, examination)
        if len(policy.texts) == 1:
            yield Seen(Level.PASS, f"{domain}: {excerpt(policy.texts[0])}")
        elif policy.texts:
            records = [text.decode("latin-1") for text in policy.texts]
            publish = () if policy.aliased else await _in_one(domain, records, examination)
            yield Seen(
                Level.FAIL, f"{domain} has {len(records)} SPF records, which is an error to every receiver: "
                f"{' / '.join(map(excerpt, records))}; publish one in their place", publish,
            )  # fmt: skip
        elif domain == subject.mail_from:
            yield await _missing(domain, examination)


async def _missing(domain: str, examination: Examination) -> Seen:
    alias = (await examination.ask(domain, RecordType.CNAME)).names
    if alias:  # RFC 1034 §3.6.2: nothing else may stand there
        seen = f"{domain} is an alias of {alias[0]}, where no SPF record is; it can have one only if it is no alias"
        return Seen(Level.FAIL, seen)
    near = await _near_misses(domain, examination)
    if near:
        meant = repaired(f"{VERSION} {_NEAR.sub('', near[0].strip(_AROUND), count=1)}")
        publish = await still_sending(domain, meant, examination) if is_read(meant) else ()
        return Seen(Level.FAIL, f"{domain} has no SPF record, but a text that does not begin as one: "
                    f"{excerpt(near[0])!a}", publish)  # fmt: skip
    if examination.subject.parked:
        sentence = f"{domain} has no SPF record, and sends no mail: it can say so"
        return Seen(Level.INFO, sentence, (txt(domain, _PARKED),))
    return Seen(Level.FAIL, f"{domain} has no SPF record", await suggested(domain, examination))


async def _near_misses(domain: str, examination: Examination) -> list[str]:
    texts = [text.decode("latin-1") for text in (await examination.ask(domain, RecordType.TXT)).texts]
    return [text for text in texts if _NEAR.match(text.strip(_AROUND))]


async def _in_one(domain: str, records: list[str], examination: Examination) -> tuple[DnsRecord, ...]:
    if {record.strip().lower() for record in records} == {_PARKED} and not examination.subject.ips:
        return (txt(domain, _PARKED),)  # that nobody may send is what all of them say
    return await still_sending(domain, _merged(domain, records), examination)


def _merged(domain: str, records: list[str]) -> str:
    """What any of them allows. It ends with ``-all`` only if every one does, so that nothing is refused anew."""
    read = [[term for term in terms_of(record) if is_read(f"{VERSION} {term}")] for record in records]
    others = [term for terms in read for term in _beside_others(terms) if term != f"include:{domain}"]
    refused = all("-all" in map(str.lower, terms) for terms in read)
    return record_of([*others, "-all" if refused else "~all"])


def _beside_others(terms: list[str]) -> list[str]:
    """What stands before the end of a record, so that it can stand before that of another. Where it redirects to, hosts
    may send as well; a redirect beside ``all`` never counted (RFC 7208 §6.1)."""
    ends = any(map(is_all, terms))
    kept = [term for term in terms if not is_all(term) and not (ends and is_redirect(term))]
    return [f"include:{term.partition('=')[2]}" if is_redirect(term) else term for term in kept]


CHECK: Final = Check(
    "SPF-01",
    Area.SPF,
    "The domain of MAIL FROM has one TXT record that begins with v=spf1, and no second.",
    "RFC 7208 §3.2, §4.5",
    _look,
)
