"""Where a host is: its addresses of both families, in the order in which they are tried."""

from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Final

from postroad.lookup import RecordType, Resolver

MAX_ADDRESSES: Final = 8  # that are tried for a host; more are a load balancer's, and behind one fault


@dataclass(frozen=True, slots=True)
class HostAddresses:
    """The addresses of a host; without any, ``temporary`` and ``reason`` say whether it may have some another time."""

    host: str
    addresses: tuple[str, ...] = ()
    temporary: bool = False
    reason: str = ""


async def host_addresses(host: str, resolver: Resolver) -> HostAddresses:
    """Ask for the AAAA and A records of a host. It never raises.

    IPv6 and IPv4 take turns, IPv6 first (RFC 8305 §4). A family that could not be asked about matters only where the
    other one has no address.
    """
    answers = [await resolver.lookup(host, kind) for kind in (RecordType.AAAA, RecordType.A)]
    families = [[str(address) for address in answer.addresses] for answer in answers]
    addresses = tuple(one for one in chain(*zip_longest(*families)) if one is not None)[:MAX_ADDRESSES]
    if addresses:
        return HostAddresses(host, addresses)
    failed = next((answer for answer in answers if answer.status.temporary), None)
    if failed is None:
        return HostAddresses(host, reason=f"{host} has no address")
    detail = failed.reason or failed.status.value
    return HostAddresses(host, temporary=True, reason=f"{failed.kind} of {failed.name}: {detail}")
