"""All checks of a domain, at the same time."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.doctor.beyond import NOTHING_ELSE, Beyond
from postroad.doctor.check import NOT_CHECKED, Check, Examination
from postroad.doctor.checks.registry import CHECKS
from postroad.doctor.extent import Extent
from postroad.doctor.once import SharedFetcher, SharedVisitor
from postroad.doctor.questions import HeardResolver, SharedResolver
from postroad.doctor.subject import Subject
from postroad.lint.finding import Finding, Level
from postroad.lookup import Fetcher, RecordType, Resolver, Status

# What these tell does not follow from a domain that does not exist: who says so; the return path's domain; how mail is
# signed and sent; lists of addresses.
_IN_ANY_CASE: Final = frozenset({"DNS-01", "DNS-02", "DK-09", "OUT-TLS", "BL-01", "BL-02"})


async def check_domain(
    subject: Subject,
    resolver: Resolver,
    *,
    fetcher: Fetcher | None = None,
    beyond: Beyond = NOTHING_ELSE,
    checks: Iterable[Check] = CHECKS,
    extent: Extent = Extent.WORLD,
    clock: Clock = SYSTEM_CLOCK,
) -> tuple[Finding, ...]:
    """A finding for each check, in their order. Without a ``fetcher`` no web server is asked, and what
    is not named in ``beyond`` is left alone. ``extent`` is how much of the DNS the resolver knows.

    It never raises for what strangers publish, or for a DNS that does not answer: that is ``unknown``.
    """
    shared = SharedResolver(resolver)
    now = clock.now()
    fetcher = None if fetcher is None else SharedFetcher(fetcher)
    if beyond.visitor is not None:
        beyond = replace(beyond, visitor=SharedVisitor(beyond.visitor))

    def examination() -> Examination:
        return Examination(subject, HeardResolver(shared), shared, now, fetcher, beyond, extent)

    findings = await asyncio.gather(*(check.examine(examination()) for check in checks))
    return tuple([await _unless_absent(one, subject, shared) for one in findings])


async def _unless_absent(finding: Finding, subject: Subject, resolver: Resolver) -> Finding:
    """One fault is told once: of a domain that does not exist (RFC 8020) everything else is missing, too."""
    if finding.level not in (Level.FAIL, Level.WARN) or finding.id in _IN_ANY_CASE:
        return finding
    if (await resolver.lookup(subject.domain, RecordType.SOA)).status is not Status.NO_NAME:
        return finding
    seen = f"{NOT_CHECKED}{subject.domain} does not exist, as DNS-01 says"
    return replace(finding, level=Level.INFO, seen=seen, publish=None)
