"""Which policy record holds for an author's domain, and which of its policies (RFC 9989 §4.10.1)."""

from dataclasses import dataclass
from enum import StrEnum

from postroad.lookup import RecordType, Resolver, Status
from postroad.mailauth.dmarc.record import DmarcRecord, Policy
from postroad.mailauth.dmarc.tree_walk import Finding, Walk, Walker


class PolicyTag(StrEnum):
    """The tag that a policy was taken from; which one depends on whose record it is."""

    P = "p"
    SP = "sp"
    NP = "np"


@dataclass(frozen=True, slots=True)
class Discovered:
    """What was found out about an author's domain.

    ``record`` was found at ``domain``, and its policy stands under ``tag``: ``policy`` is as published, before
    ``t=y``. ``walk`` is the author's, where one was needed. ``uncertain`` says why nothing can be concluded for now.
    """

    record: DmarcRecord | None = None
    domain: str | None = None
    tag: PolicyTag | None = None
    policy: Policy | None = None
    walk: Walk | None = None
    uncertain: str = ""


async def discover(author_domain: str, walker: Walker, resolver: Resolver) -> Discovered:
    """Find the record to apply: the author's own, else its organization's, else its public suffix's."""
    own = await walker.step(author_domain)
    if own.finding is Finding.UNKNOWN:
        return Discovered(uncertain=f"{own.name}: {own.reason}")
    if own.record is not None:
        return Discovered(own.record, author_domain, PolicyTag.P, own.record.own_policy)
    walk = await walker.walk(author_domain)
    if walk.uncertain:
        unknown = walk.steps[-1]
        return Discovered(walk=walk, uncertain=f"{unknown.name}: {unknown.reason}")
    return await _inherited(walk, resolver)


async def _inherited(walk: Walk, resolver: Resolver) -> Discovered:
    organization = walk.organizational_domain
    # Without a record of the organization, the one that ended the walk is that of its public suffix.
    domain = organization if walk.record_at(organization) else walk.steps[-1].domain
    record = walk.record_at(domain)
    if record is None:
        return Discovered(walk=walk)
    if record.absent_subdomain_policy is record.subdomain_policy:
        return Discovered(record, domain, _subdomain_tag(record), record.subdomain_policy, walk)
    # Any type will do: NXDOMAIN is said of the name (§3.2.13, RFC 8020).
    answer = await resolver.lookup(walk.domain, RecordType.A)
    if answer.status.temporary:
        uncertain = f"whether {walk.domain} exists: {answer.reason or answer.status.value}"
        return Discovered(record, domain, walk=walk, uncertain=uncertain)
    if answer.status is Status.NO_NAME:
        return Discovered(record, domain, PolicyTag.NP, record.absent_subdomain_policy, walk)
    return Discovered(record, domain, _subdomain_tag(record), record.subdomain_policy, walk)


def _subdomain_tag(record: DmarcRecord) -> PolicyTag:
    return PolicyTag.P if record.sp is None else PolicyTag.SP
