"""SPF-02: the policy can be read, and so can those that it leads to."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, NotApplicable, Seen, Sight, excerpt
from postroad.doctor.checks.spf.policy import Policy, is_ours, own_policy, policies_of
from postroad.doctor.checks.spf.slips import passed_over, repaired
from postroad.doctor.checks.spf.still_sending import still_sending
from postroad.doctor.checks.spf.wording import is_read
from postroad.doctor.remedy import DnsRecord
from postroad.lint.finding import Level


async def _look(examination: Examination) -> Sight:
    read = False
    for domain in examination.subject.spf_domains:
        own = await own_policy(domain, examination)
        if own.fault is not None:
            yield Seen(Level.FAIL, f"{domain}: {excerpt(str(own.fault))}", await _repaired(own, examination))
        read = read or len(own.texts) == 1
        if own.record is None:
            continue
        for policy in await policies_of(domain, examination):
            if policy.fault is not None:
                way = f"{domain} leads by {excerpt(policy.term)} to {policy.domain}"
                sentence = f"{way}, whose record cannot be read: {excerpt(str(policy.fault))}"
                yield Seen(Level.FAIL, sentence, await _repaired(policy, examination))
            elif policy.record and is_ours(policy, examination) and (terms := passed_over(policy.record.text)):
                said = f"{policy.domain}: receivers pass over {excerpt(' '.join(terms))}; a colon belongs there"
                yield Seen(Level.WARN, said, await _repaired(policy, examination))
            elif policy.own:
                yield Seen(Level.PASS, f"{domain}: every term can be read")
    if not read:
        raise NotApplicable("there is no single SPF record that could be read")


async def _repaired(policy: Policy, examination: Examination) -> tuple[DnsRecord, ...]:
    mended = repaired(policy.texts[0].decode("latin-1"))
    if not is_read(mended) or not is_ours(policy, examination):
        return ()
    return await still_sending(policy.domain, mended, examination, entry=policy.entry)


CHECK: Final = Check(
    "SPF-02",
    Area.SPF,
    "Every term of the policy can be read; one that cannot makes the whole policy an error.",
    "RFC 7208 §4.6, §12",
    _look,
)
