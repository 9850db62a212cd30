"""SPF-08: where the policy leads to, there is one."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.spf.policy import policies_of, readable
from postroad.doctor.checks.spf.still_sending import without_terms
from postroad.lint.finding import Level


async def _look(examination: Examination) -> Sight:
    for own in await readable(examination):
        policies = await policies_of(own.domain, examination)
        dangling = [one for one in policies if len(one.texts) != 1]
        holders = {one.domain: one for one in policies if one.record is not None}
        for policy in dangling:
            holder = holders[policy.path[-1]]
            terms = {one.term for one in dangling if one.path[-1] == holder.domain}
            publish = await without_terms(holder, terms, examination)
            number = f"{len(policy.texts)} SPF records" if policy.texts else "no SPF record"
            sentence = f"{policy.path[-1]}: {excerpt(policy.term)} leads to {policy.domain}, which has {number}"
            yield Seen(Level.FAIL, sentence, publish)


CHECK: Final = Check(
    "SPF-08",
    Area.SPF,
    "Every domain that an include or a redirect names has one SPF record; without, the whole policy is an error.",
    "RFC 7208 §5.2, §6.1",
    _look,
)
