"""The hosts that receive for a domain (RFC 5321 §5.1, RFC 7505)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import groupby
from typing import Final

from postroad.chance import Chance
from postroad.lookup import Answer, Mx, RecordType, Resolver, Status

MAX_HOSTS: Final = 20  # that are tried for one message; the largest providers have five


class Reception(Enum):
    """Whether a domain receives mail, and how that is known."""

    EXCHANGERS = "mail exchangers"
    IMPLICIT = "its own address"  # no MX records: the domain itself is the host (RFC 5321 §5.1)
    NULL_MX = "null MX"  # the domain says that it receives no mail (RFC 7505 §3): permanent, 5.1.10
    NOWHERE = "no host"  # no such domain, or one without MX records and addresses: permanent, 5.1.2 or 5.4.4
    UNKNOWN = "unknown"  # the DNS did not answer: another time


@dataclass(frozen=True, slots=True)
class MailHosts:
    """Who receives for a domain.

    ``hosts`` is there for ``EXCHANGERS`` and ``IMPLICIT``. ``authentic``: DNSSEC vouches for them, so DANE may be used
    (RFC 7672 §2.2.1). ``domain`` is the name that was asked about; ``reason`` says in a sentence why there is no host.
    ``ttl`` is how long that may be kept, in seconds.
    """

    domain: str
    reception: Reception
    hosts: tuple[Mx, ...] = ()
    authentic: bool = False
    reason: str = ""
    ttl: float = field(default=0.0, compare=False)


async def mail_hosts(domain: str, resolver: Resolver) -> MailHosts:
    """Ask for the hosts that receive for a domain. It never raises."""
    answer = await resolver.lookup(domain, RecordType.MX)
    return replace(await _hosts_of(domain, answer, resolver), ttl=answer.ttl)


async def _hosts_of(domain: str, answer: Answer, resolver: Resolver) -> MailHosts:
    if answer.status.temporary:
        return _unknown(domain, answer)
    if answer.status is Status.NO_NAME:
        return MailHosts(domain, Reception.NOWHERE, reason=f"the domain {domain} does not exist")
    if not answer.exchanges:
        return await _implicit(domain, answer, resolver)
    # A null MX stands alone; beside others it means nothing (RFC 7505 §3).
    hosts = tuple([one for one in answer.exchanges if one.host])
    if not hosts:
        return MailHosts(
            domain, Reception.NULL_MX, authentic=answer.authentic, reason=f"{domain} says that it receives no mail"
        )
    return MailHosts(domain, Reception.EXCHANGERS, hosts, answer.authentic)


async def _implicit(domain: str, exchangers: Answer, resolver: Resolver) -> MailHosts:
    """Without MX records the domain is its own host, if it has an address (RFC 5321 §5.1)."""
    answers = [await resolver.lookup(domain, kind) for kind in (RecordType.AAAA, RecordType.A)]
    if any(answer.status is Status.FOUND for answer in answers):
        return MailHosts(domain, Reception.IMPLICIT, (Mx(0, domain),), exchangers.authentic)
    failed = next((answer for answer in answers if answer.status.temporary), None)
    if failed is not None:
        return _unknown(domain, failed)
    return MailHosts(domain, Reception.NOWHERE, reason=f"{domain} has neither mail exchangers nor an address")


def _unknown(domain: str, answer: Answer) -> MailHosts:
    detail = f" ({answer.reason})" if answer.reason else ""
    return MailHosts(domain, Reception.UNKNOWN, reason=f"{answer.kind} of {answer.name}: {answer.status.value}{detail}")


def in_order(hosts: Iterable[Mx], chance: Chance, most: int = MAX_HOSTS) -> tuple[str, ...]:
    """The names in the order in which they are tried: the lowest preference first, equal ones by chance.

    RFC 5321 §5.1. A host that is named twice is tried once, where it is preferred most.
    """
    names = dict.fromkeys(one.host.lower() for one in _shuffled(hosts, chance))
    return tuple(names)[:most]


def before_ourselves(hosts: Iterable[Mx], own_names: Iterable[str]) -> tuple[Mx, ...]:
    """The hosts that are preferred to us, where we are one of them: others would send it back (RFC 5321 §5.1)."""
    all_ = tuple(hosts)
    own = {name.lower().rstrip(".") for name in own_names}
    limit = min((one.preference for one in all_ if one.host.lower() in own), default=None)
    return all_ if limit is None else tuple([one for one in all_ if one.preference < limit])


def _shuffled(hosts: Iterable[Mx], chance: Chance) -> Iterator[Mx]:
    ordered = sorted(hosts, key=lambda one: (one.preference, one.host))
    for _, group in groupby(ordered, key=lambda one: one.preference):
        waiting = list(group)
        while waiting:
            yield waiting.pop(int(chance() * len(waiting)))
