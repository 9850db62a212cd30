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
        terms = {one.term for one in dangling if len(one.path) == 1}
        publish = await without_terms(own, terms, examination)
        for policy in dangling:
            number = f"{len(policy.texts)} SPF records" if policy.texts else "no SPF record"
            sentence = f"{policy.path[-1]}: {excerpt(policy.term)} leads to {policy.domain}, which has {number}"
            yield Seen(Level.FAIL, sentence, publish if len(policy.path) == 1 else ())


CHECK: Final = Check(
    "SPF-08",
    Area.SPF,
    "Every domain that an include or a redirect names has one SPF record; without, the whole policy is an error.",
    "RFC 7208 §5.2, §6.1",
    _look,
)
