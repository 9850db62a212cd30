"""Finds rules that can never have an effect, or not the one that was meant: before they are needed. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final

from postroad.outbox.shaping import reply_rules_lint
from postroad.outbox.shaping.finding import Case, Finding, Level
from postroad.outbox.shaping.in_force import laid_over
from postroad.outbox.shaping.limits import Limits
from postroad.outbox.shaping.rules import NO_RULES, Rules
from postroad.outbox.shaping.rules_file import quoted
from postroad.transport.presets import preset_for


def findings_of(judged: Rules, shipped: Rules = NO_RULES) -> tuple[Finding, ...]:
    """What is to be said of these rules, laid over those; errors first."""
    case = Case(judged, shipped, laid_over(shipped, judged))
    found = [finding for check in chain(_CHECKS, reply_rules_lint.CHECKS) for finding in check(case)]
    return tuple(sorted(found, key=lambda finding: _ORDER[finding.level]))


def _sites_in_two(case: Case) -> Iterator[Finding]:
    sites = case.judged.sites.values()
    yield from _listed_twice("domain", {site.name: site.domains for site in sites})
    yield from _listed_twice("exchanger", {site.name: site.exchangers for site in sites})


def _listed_twice(what: str, names: dict[str, Iterable[str]]) -> Iterator[Finding]:
    counted = Counter(name for listed in names.values() for name in set(listed))
    for name in sorted(name for name, times in counted.items() if times > 1):
        sites = [site for site, listed in names.items() if name in listed]
        problem = f"the {what} {name} is in {len(sites)} sites: {', '.join(sites)}"
        yield Finding(Level.ERROR, _place("site", sites[0]), problem, "List it in one of them.")


def _sites_of_nobody(case: Case) -> Iterator[Finding]:
    for name in case.judged.sites:
        site = case.in_force.sites[name]
        if site.domains or site.exchangers:
            continue
        receiver = case.receiver(name)
        if "." not in name:
            yield Finding(
                Level.ERROR, _place("site", name), "it has no domains and no exchangers", "Add domains = […]."
            )
        elif receiver:
            advice = f"Write [site.{receiver}], or add domains = [{name!r}] to take the domain out of it."
            yield Finding(Level.ERROR, _place("site", name), f"mail for {name} goes to the site {receiver}", advice)


def _limits_of_connections_to_others(case: Case) -> Iterator[Finding]:
    for name, site in case.judged.sites.items():
        yield from _without_effect(
            Level.NOTE, _place("site", name), site.limits, "counted only where the worker connects to the site itself",
            "For mail through a relay, set them on its account.",
        )  # fmt: skip
    for kind, limits_by_key in (("domain", case.judged.domains), ("stream", case.judged.streams)):
        for key, limits in limits_by_key.items():
            yield from _without_effect(
                Level.WARN, _place(kind, key), limits, f"without effect, because connections are not kept by {kind}",
                "Set them on a site or an account.",
            )  # fmt: skip


def _without_effect(level: Level, place: str, limits: Limits, why: str, advice: str) -> Iterator[Finding]:
    named = [name for name in ("messages_per_connection", "new_connections") if getattr(limits, name) is not None]
    if named:
        yield Finding(level, place, f"{', '.join(named)}: {why}", advice)


def _more_than_published(case: Case) -> Iterator[Finding]:
    for key, limits in case.judged.accounts.items():
        preset = preset_for(key.rpartition("@")[2])
        if preset is None:
            continue
        pairs = (
            ("connections", limits.connections, preset.connections),
            ("messages_per_connection", limits.messages_per_connection, preset.messages),
            ("per_day", limits.per_day, preset.daily),
        )
        for name, own, published in pairs:
            if own is not None and published is not None and own > published:
                problem = f"{name} = {own}, and {preset.title} publishes {published}"
                yield Finding(
                    Level.WARN, _place("account", key), problem, f"See {preset.source}, unless you agreed on more."
                )


def _plans_of_one(case: Case) -> Iterator[Finding]:
    for (scope, key), times in Counter((plan.scope, plan.key) for plan in case.judged.warm_ups).items():
        if times > 1:
            problem = f"{times} plans for the {scope} {key}; only the first would count"
            yield Finding(Level.ERROR, "[[warm_up]]", problem, "Keep one of them.")


def _place(kind: str, name: str) -> str:
    return f"[{kind}.{quoted(name)}]"


_ORDER: Final = {level: number for number, level in enumerate(Level)}
_CHECKS: Final[tuple[Callable[[Case], Iterator[Finding]], ...]] = (
    _sites_in_two,
    _sites_of_nobody,
    _limits_of_connections_to_others,
    _more_than_published,
    _plans_of_one,
)
