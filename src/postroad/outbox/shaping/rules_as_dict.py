"""Rules for JSON."""

from collections.abc import Mapping
from typing import Any

from postroad.outbox.shaping.limits import Limits
from postroad.outbox.shaping.rules import ReplyRule, Rules, Site
from postroad.outbox.shaping.warm_up import WarmUp


def rules_as_dict(rules: Rules) -> dict[str, Any]:
    """Everything that is in force."""
    return {
        "default": {"limits": rules.default.as_dict(), "through_relay": rules.own_default.as_dict()},
        "sites": {name: site_as_dict(site, rules) for name, site in rules.sites.items()},
        "accounts": _by_key(rules.accounts),
        "sources": _by_key(rules.sources),
        "domains": _by_key(rules.domains),
        "streams": _by_key(rules.streams),
        "replies": [reply_rule_as_dict(rule) for rule in rules.replies],
        "warm_ups": [_warm_up(plan) for plan in rules.warm_ups],
    }


def site_as_dict(site: Site, rules: Rules) -> dict[str, Any]:
    """A site; ``limits`` hold where we connect to it ourselves, ``through_relay`` anywhere else."""
    return {
        "limits": rules.of_site(site.name, direct=True).as_dict(),
        "through_relay": rules.of_site(site.name, direct=False).as_dict(),
        "domains": sorted(site.domains),
        "exchangers": list(site.exchangers),
        "own": site.own,
        "reference": site.reference,
    }


def reply_rule_as_dict(rule: ReplyRule) -> dict[str, Any]:
    """A reply rule, under the names of a rules file."""
    action = rule.action
    return {
        "id": rule.id,
        "site": rule.site,
        "code": sorted(rule.codes),
        "enhanced": list(rule.enhanced),
        "text": rule.text.source if rule.text else None,
        "phase": sorted(phase.value for phase in rule.phases),
        "after": action.after,
        "within": action.within,
        "for": action.seconds,
        "suspend": action.suspend,
        "halve": action.halve,
        "limits": action.limits.as_dict(),
        "scope": rule.scope,
        "reference": rule.reference,
    }


def _by_key(limits: Mapping[str, Limits]) -> dict[str, Any]:
    return {key: each.as_dict() for key, each in limits.items()}


def _warm_up(plan: WarmUp) -> dict[str, Any]:
    return {
        plan.scope.value: plan.key,
        "start": plan.start.isoformat(),
        "plan": [list(step) for step in plan.steps],
        "last_day": plan.last_day or plan.steps[-1][0],
    }
