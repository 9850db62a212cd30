"""SPF-12: the policy does not let half the world send."""

from collections.abc import Mapping
from ipaddress import IPv4Network, collapse_addresses
from typing import Final

from postroad.doctor.check import Area, Check, Examination, Seen, Sight, excerpt
from postroad.doctor.checks.spf.policy import Policy, is_ours, policies_of, readable
from postroad.doctor.checks.spf.still_sending import without_terms
from postroad.doctor.remedy import DnsRecord
from postroad.lint.finding import Level
from postroad.mailauth.spf.record import Kind, Mechanism

# Prefixes below which a term is wide. Large providers have networks of /15, and who includes them cannot choose.
_OWN: Final = {4: 16, 6: 32}
_INCLUDED: Final = {4: 12, 6: 24}
_MOST: Final = 5_000_000  # IPv4 addresses in all; the policies of the largest providers together have about one million


async def _look(examination: Examination) -> Sight:
    for own in await readable(examination):
        policies = await policies_of(own.domain, examination)
        for policy in policies:
            wide = _wide(policy, _OWN if is_ours(policy, examination) else _INCLUDED)
            if wide:
                terms = excerpt(" ".join(one.text for one in wide))
                publish = await _narrowed(policy, wide, examination)
                yield Seen(Level.WARN, f"{policy.domain} lets whole networks send: {terms}", publish)
        number = _addresses(policies)
        if number > _MOST:
            yield Seen(Level.WARN, f"the policy of {own.domain} lets {number:,} IPv4 addresses send")


def _wide(policy: Policy, bounds: Mapping[int, int]) -> list[Mechanism]:
    mechanisms = policy.record.mechanisms if policy.record is not None else ()
    return [one for one in mechanisms if _prefixes(one)[0] < bounds[4] or _prefixes(one)[1] < bounds[6]]


def _prefixes(mechanism: Mechanism) -> tuple[int, int]:
    return mechanism.prefix4, mechanism.prefix6


def _addresses(policies: tuple[Policy, ...]) -> int:
    """Of the terms ip4 that are not wide by themselves, each address once."""
    mechanisms = [one for policy in policies if policy.record for one in policy.record.mechanisms]
    narrow = [one for one in mechanisms if one.kind is Kind.IP4 and one.prefix4 >= _INCLUDED[4]]
    networks = [IPv4Network((int(one.address), one.prefix4), strict=False) for one in narrow if one.address]
    return sum(one.num_addresses for one in collapse_addresses(networks))


async def _narrowed(policy: Policy, wide: list[Mechanism], examination: Examination) -> tuple[DnsRecord, ...]:
    """With the addresses that send in the place of the networks; nobody knows which others are meant."""
    if not examination.subject.ips:
        return ()
    return await without_terms(policy, {one.text for one in wide}, examination)


CHECK: Final = Check(
    "SPF-12",
    Area.SPF,
    "The policy names the hosts that send, not networks of others as well: nothing wider than /16 (IPv6: /32).",
    "RFC 7208 §11.4",
    _look,
)
