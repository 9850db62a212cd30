"""SPF-09: the policy does not lead back to itself."""

from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.spf.policy import Policy, policies_of, readable
from postroad.doctor.checks.spf.wording import ended, without
from postroad.doctor.remedy import DnsRecord, txt
from postroad.lint.finding import Level


async def _look(examination: Examination) -> Sight:
    for own in await readable(examination):
        policies = await policies_of(own.domain, examination)
        for policy in policies:
            if policy.loops:
                way = excerpt(" → ".join((*policy.path, policy.domain)))
                publish = _opened(own, policy, policies) if policy.domain == own.domain else ()
                yield Seen(Level.FAIL, f"{excerpt(policy.term)} closes a circle: {way}", publish)


def _opened(own: Policy, policy: Policy, policies: tuple[Policy, ...]) -> tuple[DnsRecord, ...]:
    """The own record without the term that the circle begins with."""
    second = (*policy.path, policy.domain)[1]
    terms = {one.term for one in policies if one.path == (own.domain,) and one.domain == second}
    assert own.record is not None
    kept = without(own.record.text, terms.__contains__)
    redirected = any(term.startswith("redirect=") for term in terms)
    return (txt(own.domain, ended(kept) if redirected else kept),)


CHECK: Final = Check(
    "SPF-09",
    Area.SPF,
    "No include and no redirect leads back to a policy that it came from.",
    "RFC 7208 §4.6.4",
    _look,
)
