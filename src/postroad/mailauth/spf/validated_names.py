"""The names that a client's address has, and that have this address themselves (RFC 7208 §5.5)."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from postroad.lookup import Answer, RecordType
from postroad.mailauth.domain_name import is_within
from postroad.mailauth.spf.questions import addresses_kind, is_in
from postroad.mailauth.spf.record import Address

Ask: TypeAlias = Callable[[str, RecordType], Awaitable[Answer]]
_UNKNOWN: Final = "unknown"  # RFC 7208 §7.3


async def validated_names(ip: Address, ask: Ask, most: int) -> list[str]:
    """The names in the order of the answer; of more than ``most`` the first are looked at.

    An error of the DNS is no name; what ``ask`` raises passes.
    """
    answer = await ask(ip.reverse_pointer, RecordType.PTR)
    names = list[str]()
    for name in answer.names[:most]:
        addresses = (await ask(name, addresses_kind(ip))).addresses
        if is_in(ip, addresses, ip.max_prefixlen):
            names.append(name)
    return names


def is_one_below(names: list[str], domain: str) -> bool:
    """Whether one of the names is the domain, or below it."""
    return any(is_within(name.lower(), domain.lower()) for name in names)


def name_for_macro(names: list[str], domain: str) -> str:
    """What ``%{p}`` stands for: the domain if the client has that name, else one below it, else any (RFC 7208 §7.3)."""
    below = [name for name in names if is_within(name.lower(), domain.lower())]
    exact = [name for name in below if name.lower() == domain.lower()]
    return next(iter(exact or below or names), _UNKNOWN)
