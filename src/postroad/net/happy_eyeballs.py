"""A TCP connection to whichever address of a host answers first (RFC 8305).

asyncio can do this too, but when it is cancelled it may lose a socket that had just been connected.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Final, TypeAlias

ATTEMPT_DELAY: Final = 0.25  # seconds before the next address is tried beside the last one; RFC 8305 §8

Target: TypeAlias = tuple[int, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]  # family, address


async def connected_socket(host: str, port: int, source: str | None = None) -> socket.socket:
    """Try all addresses of a host, the next one as soon as the last one fails or is slow.

    ``source`` is the address of this host to connect from; then only addresses of its family are tried.

    Raises:
        OSError: the name does not resolve (``socket.gaierror``), or no address answered.
        UnicodeError: the name cannot be looked up.
    """
    targets = await addresses(host, port, family_of(source))
    return await first_to_answer(targets, {} if source is None else {family_of(source): source})


async def socket_to(found: Sequence[str], port: int, sources: Sequence[str] = ()) -> socket.socket:
    """Try the addresses that somebody has found out, in their order, as ``connected_socket`` does.

    ``sources`` are addresses of this host to connect from, one for each family that is to be used; any, without one.

    Raises:
        OSError: no address answered, or none is of a family that there is a source of.
    """
    by_family = {family_of(source): source for source in sources}
    targets = [target for address in found for target in numeric(address, port)]
    usable = [target for target in targets if not by_family or target[0] in by_family]
    if not usable:
        raise OSError(errno.EAFNOSUPPORT, "no address of a usable family")
    return await first_to_answer(usable, by_family)


def family_of(source: str | None) -> int:
    """The address family that an address belongs to; any, where there is none."""
    if source is None:
        return socket.AF_UNSPEC
    return socket.AF_INET6 if ":" in source else socket.AF_INET


async def addresses(host: str, port: int, family: int = socket.AF_UNSPEC) -> list[Target]:
    """Where a host is, in the order in which to try: at least one address.

    Raises:
        OSError: the name does not resolve, to an address of this family (``socket.gaierror``).
        UnicodeError: the name cannot be looked up.
    """
    known = [target for target in numeric(host, port) if family in (socket.AF_UNSPEC, target[0])]
    if known:
        return known
    answers = await asyncio.get_running_loop().getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
    return interleaved((family, address) for family, _, _, _, address in answers)


async def first_to_answer(waiting: list[Target], sources: Mapping[int, str]) -> socket.socket:
    """The race over these addresses; ``sources`` are those of ours to connect from, by family.

    Raises:
        OSError: none answered; what the first one to fail said.
    """
    loop = asyncio.get_running_loop()
    attempts: set[asyncio.Task[socket.socket]] = set()
    faults: list[BaseException] = []
    try:
        while waiting or attempts:
            if waiting:
                target = waiting.pop(0)
                attempts.add(loop.create_task(_attempt(target, sources.get(target[0]))))
            delay = ATTEMPT_DELAY if waiting else None
            done, _ = await asyncio.wait(attempts, timeout=delay, return_when=asyncio.FIRST_COMPLETED)
            for attempt in done:
                attempts.discard(attempt)
                fault = attempt.exception()
                if fault is None:
                    attempts |= done - {attempt}
                    return attempt.result()
                faults.append(fault)
    finally:
        for attempt in attempts:
            attempt.cancel()
            attempt.add_done_callback(_close_unused)
    raise faults[0]


def numeric(host: str, port: int) -> list[Target]:
    """The address itself where the host is one, so that nothing is looked up; else nothing."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError, ValueError):
            socket.inet_pton(family, host)
            return [(family, (host, port))]
    return []


def interleaved(targets: Iterable[Target]) -> list[Target]:
    """The families in turns, beginning with the first one's, each in its own order (RFC 8305 §4)."""
    by_family: dict[int, list[Target]] = {}
    for target in targets:
        by_family.setdefault(target[0], []).append(target)
    return [target for target in chain(*zip_longest(*by_family.values())) if target is not None]


async def _attempt(target: Target, source: str | None) -> socket.socket:
    family, address = target
    # With the protocol named, asyncio sends small writes at once. Else a final dot that is written behind its content
    # waits for the peer's acknowledgement, which comes 40 ms late.
    connection = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        connection.setblocking(False)
        if source is not None:
            connection.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(connection, address)
    except BaseException:
        connection.close()
        raise
    return connection


def _close_unused(attempt: "asyncio.Task[socket.socket]") -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()
