"""The rules in force: own ones laid over those that are shipped, and over what known relays publish of themselves."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from postroad.outbox.shaping.limits import NO_LIMITS, Limits
from postroad.outbox.shaping.rules import Rules, Site
from postroad.outbox.shaping.rules_file import read_rules, rules_in
from postroad.transport.presets import PRESETS

SHIPPED: Final = Path(__file__).with_name("shipped.toml")


def rules_of(own: Path | None = None) -> Rules:
    """What a worker keeps to that was given this file of own rules, or none.

    Raises:
        ConfigurationError: the file cannot be read, or something in it is not as it should be.
    """
    return shipped_rules() if own is None else laid_over(shipped_rules(), read_rules(own))


@cache
def shipped_rules() -> Rules:
    """The rules that come with the package, and the limits of relays that publish some; read once."""
    rules = rules_in(SHIPPED.read_bytes(), SHIPPED.name)
    sites = {name: replace(site, own=False) for name, site in rules.sites.items()}
    return replace(rules, sites=MappingProxyType(sites), accounts=_published(), own_default=NO_LIMITS)


def laid_over(shipped: Rules, own: Rules) -> Rules:
    """Both together: where they speak of the same, the own ones have the last word; own reply rules are asked first."""
    gone = own.without | {rule.id for rule in own.replies}
    return replace(
        own,
        sites=_sites(shipped.sites, own.sites),
        default=shipped.default.overlaid(own.default),
        accounts=_accounts(shipped.accounts, own.accounts),
        replies=(*own.replies, *(rule for rule in shipped.replies if rule.id not in gone)),
    )


def _published() -> Mapping[str, Limits]:
    # How many a day a provider takes is not kept to by itself: others may send by the same account, and what is left of
    # the day for us is not known. Who wants it asks for it: per_day = "published".
    limits = {
        host: Limits(connections=preset.connections, messages_per_connection=preset.messages)
        for preset in PRESETS
        for host in preset.hosts
        if preset.connections or preset.messages
    }
    return MappingProxyType(limits)


def _accounts(shipped: Mapping[str, Limits], own: Mapping[str, Limits]) -> Mapping[str, Limits]:
    """Of a user at a host: what is said of both, else of the host. So that one look is enough later."""
    hosts = {**shipped, **{key: shipped.get(key, NO_LIMITS).overlaid(limits) for key, limits in own.items()}}
    users = {key: hosts.get(key.rpartition("@")[2], NO_LIMITS).overlaid(own[key]) for key in own if "@" in key}
    return MappingProxyType({**hosts, **users})


def _sites(shipped: Mapping[str, Site], own: Mapping[str, Site]) -> Mapping[str, Site]:
    domains = frozenset[str]().union(*(site.domains for site in own.values()))
    exchangers = {name for site in own.values() for name in site.exchangers}
    left = {
        name: replace(
            site,
            domains=site.domains - domains,
            exchangers=tuple(one for one in site.exchangers if one not in exchangers),
        )
        for name, site in shipped.items()
    }
    return MappingProxyType(left | {name: _site(left.get(name), site) for name, site in own.items()})


def _site(shipped: Site | None, own: Site) -> Site:
    if shipped is None:
        return own
    return Site(
        own.name,
        shipped.domains | own.domains,
        (*shipped.exchangers, *own.exchangers),
        shipped.limits.overlaid(own.limits),
        own=True,
        reference=own.reference or shipped.reference,
        said=own.limits,
    )
