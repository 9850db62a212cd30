"""The way to a domain: which hosts in which order, at which addresses, and what TLS each has to have. Or why none.

The plan of a domain costs two questions to the DNS. What is to be known of a single host is asked when its turn comes,
for most mail never goes further than to the first one.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address
from typing import Final

from postroad.chance import Chance
from postroad.lookup import Mx, Resolver, Status
from postroad.lookup import RecordType as Type
from postroad.reply import EnhancedCode
from postroad.routing.addresses import host_addresses
from postroad.routing.dane import Associations, Finding, associations
from postroad.routing.mta_sts import Policy
from postroad.routing.mx import MailHosts, Reception, before_ourselves, in_order, mail_hosts
from postroad.routing.tls_requirement import Level, PolicyType, TlsRequirement, Wish, tls_requirement

SMTP_PORT: Final = 25  # RFC 5321 §4.5.4.2
LOCALHOST: Final = "localhost"  # this machine, whatever the DNS says (RFC 6761 §6.3)
PolicyOf = Callable[[str], Awaitable[Policy | None]]
"""Finds the MTA-STS policy that holds for a domain."""


class End(Enum):
    """Why no host can be tried, with the status code that says so (RFC 3463 §3, RFC 7505 §4)."""

    NULL_MX = EnhancedCode(5, 1, 10)  # the domain receives no mail
    NO_DOMAIN = EnhancedCode(5, 1, 2)  # it does not exist
    NO_HOST = EnhancedCode(5, 4, 4)  # it has neither mail exchangers nor an address
    LOOP = EnhancedCode(5, 4, 6)  # the host to be preferred is ourselves (RFC 5321 §5.1)
    DNS = EnhancedCode(4, 4, 3)  # the DNS did not answer: another time

    @property
    def permanent(self) -> bool:
        """Trying again will not help."""
        return self.value.klass == 5


@dataclass(frozen=True, slots=True)
class Plan:
    """Where mail for a domain goes. ``end`` and ``reason`` are there where no host can be tried."""

    domain: str
    hosts: tuple[Mx, ...] = ()
    authentic: bool = False  # DNSSEC vouches for the hosts
    policy: Policy | None = None
    end: End | None = None
    reason: str = ""

    @property
    def is_literal(self) -> bool:
        """The domain is an address literal, which is its own host (RFC 5321 §4.1.3)."""
        return self.domain.startswith("[")

    @property
    def way(self) -> tuple[object, ...]:
        """What the plans of domains have in common whose recipients may share a transaction."""
        hosts = sorted((one.preference, one.host.lower()) for one in self.hosts)
        policy = None if self.policy is None else (self.policy.mode, self.policy.mx)
        return tuple(hosts), self.authentic, policy

    def order(self, chance: Chance) -> tuple[str, ...]:
        """The hosts in the order in which they are tried (RFC 5321 §5.1)."""
        return in_order(self.hosts, chance)


@dataclass(frozen=True, slots=True)
class Hop:
    """One host of a plan. It can be tried if it has addresses and the requirement is not ``REFUSED`` and enforced.

    ``tls_name`` is the name that it is asked for in the handshake (RFC 7672 §2.2.3); ``published`` are the TLSA records
    or the lines of the policy that the requirement comes from. ``reason`` says why it cannot be tried, and
    ``temporary`` whether that may pass.
    """

    host: str
    requirement: TlsRequirement
    addresses: tuple[str, ...] = ()
    tls_name: str = ""
    temporary: bool = True
    reason: str = ""
    published: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Mail may be tried there."""
        return bool(self.addresses) and not (self.requirement.level is Level.REFUSED and self.requirement.enforced)


async def plan(domain: str, resolver: Resolver, policy_of: PolicyOf, own_names: Iterable[str] = ()) -> Plan:
    """Find out where mail for a domain goes. It never raises.

    ``own_names`` are ours: a host with such a name, and all that are preferred less, would send the mail back to us.
    """
    if domain.startswith("["):
        return _at_address(domain)
    known = await mail_hosts(domain, resolver)
    if known.reception not in (Reception.EXCHANGERS, Reception.IMPLICIT):
        return Plan(domain, end=await _end(known, resolver), reason=known.reason)
    # Some domains name it as their exchanger who want no mail; a server that happens to run here is not theirs.
    here = (LOCALHOST,) if known.reception is Reception.EXCHANGERS else ()
    hosts = before_ourselves(known.hosts, (*own_names, *here))
    if not hosts:
        return Plan(domain, end=End.LOOP, reason=f"mail for {domain} would come back to this host")
    return Plan(domain, hosts, known.authentic, await policy_of(domain))


def _at_address(domain: str) -> Plan:
    """An address literal is its own host, and there is nothing to look up (RFC 5321 §4.1.3)."""
    if _address_in(domain) is None:
        return Plan(domain, end=End.NO_DOMAIN, reason=f"{domain} is no address")
    return Plan(domain, (Mx(0, domain),))


def _address_in(literal: str) -> str | None:
    text = literal.removeprefix("[").removesuffix("]")
    if text.lower().startswith("ipv6:"):
        text = text[len("ipv6:") :]
    try:
        return str(ip_address(text))
    except ValueError:
        return None


async def _end(known: MailHosts, resolver: Resolver) -> End:
    if known.reception is Reception.NULL_MX:
        return End.NULL_MX
    if known.reception is Reception.UNKNOWN:
        return End.DNS
    answer = await resolver.lookup(known.domain, Type.MX)
    return End.NO_DOMAIN if answer.status is Status.NO_NAME else End.NO_HOST


async def hop(
    host: str, plan: Plan, resolver: Resolver, *, wish: Wish = Wish.NOTHING, dane: bool = True, port: int = SMTP_PORT
) -> Hop:
    """What is to be known of a host of the plan before it is tried. It never raises.

    ``dane``: TLSA records are asked for, where DNSSEC vouches for the host's name; ``port`` is the one that is
    connected to.
    """
    records = Associations(Finding.ABSENT, host)
    # Of the recipient's domain alone: as an exchanger's name it is none (RFC 5321 §5.1), and would evade the policy.
    if plan.is_literal and (address := _address_in(host)) is not None:
        return Hop(address, tls_requirement(address, records, None, wish), (address,), address)
    if dane and plan.authentic:
        records = await associations(host, resolver, port)
    required = tls_requirement(host, records, plan.policy, wish)
    published = _published(required, plan.policy)
    if required.level is Level.REFUSED and required.enforced:
        return Hop(host, required, reason=required.reason, published=published)
    found = await host_addresses(host, resolver)
    name = records.host if required.level is Level.DANE else host
    return Hop(host, required, found.addresses, name, found.temporary, found.reason, published)


def _published(required: TlsRequirement, policy: Policy | None) -> tuple[str, ...]:
    """What the requirement comes from, as TLS reports show it (RFC 8460 §4.4)."""
    if required.policy is PolicyType.STS and policy is not None:
        return tuple([line for line in policy.text.splitlines() if line])
    return tuple([f"{one.usage} {one.selector} {one.matching} {one.data.hex()}" for one in required.associations])
