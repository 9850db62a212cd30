"""SPF-09: the policy does not lead back to itself."""

from dataclasses import replace
from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.spf.policy import Policy, policies_of, readable
from postroad.doctor.checks.spf.still_sending import still_sending
from postroad.doctor.checks.spf.wording import without
from postroad.lint.finding import Level


async def _look(examination: Examination) -> Sight:
    for own in await readable(examination):
        policies = await policies_of(own.domain, examination)
        for policy in policies:
            if policy.loops:
                way = excerpt(" → ".join((*policy.path, policy.domain)))
                seen = Seen(Level.FAIL, f"{excerpt(policy.term)} closes a circle: {way}")
                if policy.domain == own.domain:
                    opened = _opened(own, policy, policies)
                    seen = replace(seen, publish=await still_sending(own.domain, opened, examination))
                yield seen


def _opened(own: Policy, policy: Policy, policies: tuple[Policy, ...]) -> str:
    """The own record without the term that the circle begins with."""
    second = (*policy.path, policy.domain)[1]
    terms = {one.term for one in policies if one.path == (own.domain,) and one.domain == second}
    assert own.record is not None
    return without(own.record.text, terms.__contains__)


CHECK: Final = Check(
    "SPF-09",
    Area.SPF,
    "No include and no redirect leads back to a policy that it came from.",
    "RFC 7208 §4.6.4",
    _look,
)
