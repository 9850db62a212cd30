"""All checks of a domain, at the same time."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.doctor.beyond import NOTHING_ELSE, Beyond
from postroad.doctor.check import Check, Examination
from postroad.doctor.checks.registry import CHECKS
from postroad.doctor.once import SharedFetcher, SharedVisitor
from postroad.doctor.questions import HeardResolver, SharedResolver
from postroad.doctor.subject import Subject
from postroad.lint.finding import Finding
from postroad.lookup import Fetcher, Resolver


async def check_domain(
    subject: Subject,
    resolver: Resolver,
    *,
    fetcher: Fetcher | None = None,
    beyond: Beyond = NOTHING_ELSE,
    checks: Iterable[Check] = CHECKS,
    clock: Clock = SYSTEM_CLOCK,
) -> tuple[Finding, ...]:
    """A finding for each check, in their order. Without a ``fetcher`` no web server is asked, and what
    is not named in ``beyond`` is left alone.

    It never raises for what strangers publish, or for a DNS that does not answer: that is ``unknown``.
    """
    shared = SharedResolver(resolver)
    now = clock.now()
    fetcher = None if fetcher is None else SharedFetcher(fetcher)
    if beyond.visitor is not None:
        beyond = replace(beyond, visitor=SharedVisitor(beyond.visitor))

    def examination() -> Examination:
        return Examination(subject, HeardResolver(shared), shared, now, fetcher, beyond)

    return tuple(await asyncio.gather(*(check.examine(examination()) for check in checks)))
