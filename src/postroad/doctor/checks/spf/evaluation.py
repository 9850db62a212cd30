"""What a policy costs a receiver, found out by evaluating it to its end for a client that nothing in it matches."""

from collections.abc import AsyncIterator
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from postroad.doctor.check import Examination
from postroad.doctor.checks.spf.policy import Policy, policies_of, readable
from postroad.doctor.questions import Unanswered
from postroad.doctor.subject import Address, Subject
from postroad.lookup import Answer, RecordType, Status
from postroad.mailauth.spf.check import check
from postroad.mailauth.spf.questions import Limits
from postroad.mailauth.spf.verdict import Result, SpfVerdict

# Addresses that no policy names: those that mean "none" (RFC 1122 §3.2.1.3, RFC 4291 §2.5.2).
_NOBODY: Final[dict[int, Address]] = {4: IPv4Address(0), 6: IPv6Address(0)}
# Wide enough to see how much too much it is, and not endless where strangers made it so.
_WIDE: Final = Limits(lookups=100, void_lookups=100, mx_names=100, seconds=60.0)


async def worst_cases(examination: Examination) -> AsyncIterator[tuple[Policy, SpfVerdict]]:
    """The longest way through each policy that can be followed to its end, for clients of each family that sends.

    Raises:
        NotApplicable: there is no policy that can be read.
        Unanswered: nothing was learnt.
    """
    for policy in await readable(examination):
        if any(one.record is None or one.loops for one in await policies_of(policy.domain, examination)):
            continue  # no receiver comes to its end; SPF-08, SPF-09 and SPF-02 say why
        for version in _families(examination.subject):
            yield policy, await evaluated(_NOBODY[version], policy.domain, examination, limits=_WIDE)


async def evaluated(
    ip: Address,
    domain: str,
    examination: Examination,
    *,
    limits: Limits = Limits(),  # noqa: B008 - a frozen value
) -> SpfVerdict:
    """What a receiver finds for a client and a sender in this domain.

    Raises:
        Unanswered: nothing was learnt.
    """
    helo = examination.subject.helo or domain
    verdict = await check(ip, helo, f"postmaster@{domain}", examination.resolver, limits=limits)
    if verdict.result is Result.TEMPERROR:
        raise Unanswered(Answer(domain, RecordType.TXT, Status.TIMEOUT, reason=verdict.reason))
    return verdict


def _families(subject: Subject) -> list[int]:
    return sorted({ip.version for ip in subject.ips}) or [4]
