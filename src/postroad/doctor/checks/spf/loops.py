"""SPF-09: the policy does not lead back to itself."""

from dataclasses import replace
from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.spf.policy import Policy, policies_of, readable
from postroad.doctor.checks.spf.still_sending import without_terms
from postroad.lint.finding import Level


async def _look(examination: Examination) -> Sight:
    for own in await readable(examination):
        policies = await policies_of(own.domain, examination)
        for policy in policies:
            if policy.loops:
                way = excerpt(" → ".join((*policy.path, policy.domain)))
                seen = Seen(Level.FAIL, f"{excerpt(policy.term)} closes a circle: {way}")
                if policy.domain == own.domain:
                    terms = _first_terms(own, policy, policies)
                    seen = replace(seen, publish=await without_terms(own, terms, examination))
                yield seen


def _first_terms(own: Policy, policy: Policy, policies: tuple[Policy, ...]) -> set[str]:
    """What the circle begins with in the own record."""
    second = (*policy.path, policy.domain)[1]
    return {one.term for one in policies if one.path == (own.domain,) and one.domain == second}


CHECK: Final = Check(
    "SPF-09",
    Area.SPF,
    "No include and no redirect leads back to a policy that it came from.",
    "RFC 7208 §4.6.4",
    _look,
)
