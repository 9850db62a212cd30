"""SPF-07: nothing depends on the names of clients."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.spf.policy import policies_of, readable
from postroad.doctor.checks.spf.still_sending import without_terms
from postroad.lint.finding import Level
from postroad.mailauth.spf.record import Kind, Mechanism


async def _look(examination: Examination) -> Sight:
    for own in await readable(examination):
        for policy in await policies_of(own.domain, examination):
            used = [one for one in policy.record.mechanisms if _is_by_name(one)] if policy.record else []
            if used:
                terms = excerpt(" ".join(one.text for one in used))
                publish = await without_terms(policy, {one.text for one in used}, examination)
                yield Seen(Level.WARN, f"{policy.domain} uses {terms}; many receivers pass over it", publish)


def _is_by_name(mechanism: Mechanism) -> bool:
    return mechanism.kind is Kind.PTR or (mechanism.domain is not None and "p" in mechanism.domain.letters)


CHECK: Final = Check(
    "SPF-07",
    Area.SPF,
    "The mechanism ptr is not used: it is slow, and receivers may pass over it.",
    "RFC 7208 §5.5",
    _look,
)
