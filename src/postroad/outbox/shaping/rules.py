"""The rules of a worker: what it keeps to, for whom, and what it makes of replies; ``rules_file`` reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from postroad.outbox.shaping.limits import NO_LIMITS, Limits, Scope
from postroad.outbox.shaping.reply_pattern import ReplyPattern
from postroad.outbox.shaping.warm_up import WarmUp
from postroad.reply import Phase, Reply


@dataclass(frozen=True, slots=True)
class Site:
    """Who receives for some domains, under a name of its own.

    ``domains`` are recipients' domains; ``exchangers`` are names of mail exchangers, each standing for all below it.
    ``limits`` hold where we connect to the site ourselves; through a relay only those count that somebody has set for
    this outbox (``own``): the relay has its own way with the others. Where own limits lie over shipped ones, ``said``
    are the own ones alone. ``reference`` tells where the limits come from.
    """

    name: str
    domains: frozenset[str] = frozenset()
    exchangers: tuple[str, ...] = ()
    limits: Limits = NO_LIMITS
    own: bool = True
    reference: str = ""
    said: Limits | None = None

    @property
    def through_relay(self) -> Limits:
        """What holds where we do not connect to the site ourselves."""
        if not self.own:
            return NO_LIMITS
        return self.limits if self.said is None else self.said


@dataclass(frozen=True, slots=True)
class Slowdown:
    """What a reply brings about, for ``seconds``: limits, or with ``suspend`` nothing at all.

    ``halve`` takes half of the connections that are in use, at least one. It begins when ``after`` such replies have
    come within ``within`` seconds.
    """

    seconds: float
    limits: Limits = NO_LIMITS
    suspend: bool = False
    halve: bool = False
    after: int = 1
    within: float = 3600.0


@dataclass(frozen=True, slots=True)
class ReplyRule:
    """Which replies, and what follows. All that is said of a reply must hold; where nothing is said, any will do.

    ``site`` is a site's name; ``codes`` are reply codes; ``enhanced`` such as ``4.7.28`` or ``4.7.*``; ``text`` is
    looked for anywhere in the reply's text (without its codes, its lines joined by spaces), whatever its case.
    ``scope`` is what is slowed down: the site where we connect to it ourselves, else the account at the relay.
    ``examples`` are replies that it is meant for.
    """

    id: str
    action: Slowdown
    site: str | None = None
    codes: frozenset[int] = frozenset()
    enhanced: tuple[str, ...] = ()
    text: ReplyPattern | None = None
    phases: frozenset[Phase] = frozenset()
    scope: Scope | None = None
    reference: str = ""
    examples: tuple[str, ...] = ()

    def matches(self, reply: Reply, phase: Phase | None, site: str | None) -> bool:
        """Whether the rule is about this reply, said at this step by this site."""
        return (
            (self.site is None or self.site == site)
            and (not self.codes or reply.code in self.codes)
            and (not self.phases or phase in self.phases)
            and (not self.enhanced or any(within(f"{reply.enhanced}", one) for one in self.enhanced))
            and (self.text is None or self.text.found_in(reply.text))
        )


def within(enhanced: str, pattern: str) -> bool:
    """Whether an enhanced status code, or all that a pattern like ``4.7.*`` stands for, is within another pattern."""
    parts, wanted = enhanced.split("."), pattern.split(".")
    return len(parts) == len(wanted) and all(want in ("*", part) for part, want in zip(parts, wanted, strict=True))


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that a worker keeps to.

    ``default`` holds where a site says nothing else, ``own_default`` is the part of it that holds through a relay, too;
    ``accounts`` are found by user and host, else by the host alone. ``replies`` are asked in their order, and the first
    that matches has its way; ``without`` are the ids of shipped ones that shall not hold.
    """

    sites: Mapping[str, Site] = field(default_factory=lambda: MappingProxyType({}))
    default: Limits = NO_LIMITS
    accounts: Mapping[str, Limits] = field(default_factory=lambda: MappingProxyType({}))
    sources: Mapping[str, Limits] = field(default_factory=lambda: MappingProxyType({}))
    domains: Mapping[str, Limits] = field(default_factory=lambda: MappingProxyType({}))
    streams: Mapping[str, Limits] = field(default_factory=lambda: MappingProxyType({}))
    replies: tuple[ReplyRule, ...] = ()
    warm_ups: tuple[WarmUp, ...] = ()
    own_default: Limits = NO_LIMITS
    without: frozenset[str] = frozenset()

    def of_site(self, name: str, *, direct: bool) -> Limits:
        """The limits of a site: where we connect to it ourselves (``direct``), or through a relay or a provider."""
        site = self.sites.get(name)
        if direct:
            return self.default if site is None else self.default.overlaid(site.limits)
        return self.own_default if site is None else self.own_default.overlaid(site.through_relay)

    def of_account(self, user: str | None, host: str) -> Limits:
        """The limits of an account at a relay: those of this user there, else those of everybody there."""
        host = host.lower().rstrip(".")
        for_all = self.accounts.get(host, NO_LIMITS)
        return for_all if user is None else self.accounts.get(f"{user}@{host}", for_all)

    def reply_rule(self, reply: Reply, phase: Phase | None, site: str | None) -> ReplyRule | None:
        """What is to be made of a reply; ``site`` is who said it, ``None`` for a relay."""
        return next((rule for rule in self.replies if rule.matches(reply, phase, site)), None)


NO_RULES: Final = Rules()
