"""The rules of a worker: what it keeps to, for whom, and what it makes of replies; ``rules_file`` reads them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from postroad.outbox.shaping.limits import NO_LIMITS, Limits, Scope
from postroad.outbox.shaping.warm_up import WarmUp
from postroad.reply import Phase


@dataclass(frozen=True, slots=True)
class Site:
    """Who receives for some domains, under a name of its own.

    ``domains`` are recipients' domains; ``exchangers`` are names of mail exchangers, each standing for all below it.
    ``limits`` hold where we connect to the site ourselves; through a relay only those count that somebody has set for
    this outbox (``own``): the relay has its own way with the others. ``reference`` tells where the limits come from.
    """

    name: str
    domains: frozenset[str] = frozenset()
    exchangers: tuple[str, ...] = ()
    limits: Limits = NO_LIMITS
    own: bool = True
    reference: str = ""


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
    """Which replies, and what follows. Everything that is said of a reply must hold; where nothing is said, any will do.

    ``site`` is a site's name; ``codes`` are reply codes; ``enhanced`` such as ``4.7.28`` or ``4.7.*``; ``text`` is
    looked for anywhere in the reply, whatever its case. ``scope`` is what is slowed down: the site where we connect to
    it ourselves, else the account at the relay.
    """

    id: str
    action: Slowdown
    site: str | None = None
    codes: frozenset[int] = frozenset()
    enhanced: tuple[str, ...] = ()
    text: "re.Pattern[str] | None" = None
    phases: frozenset[Phase] = frozenset()
    scope: Scope | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that a worker keeps to.

    ``default`` holds for every site that has no limits of its own; ``accounts`` are found by user and host, else by the
    host alone.
    """

    sites: Mapping[str, Site] = field(default_factory=lambda: MappingProxyType({}))
    default: Limits = NO_LIMITS
    accounts: Mapping[str, Limits] = field(default_factory=lambda: MappingProxyType({}))
    sources: Mapping[str, Limits] = field(default_factory=lambda: MappingProxyType({}))
    domains: Mapping[str, Limits] = field(default_factory=lambda: MappingProxyType({}))
    streams: Mapping[str, Limits] = field(default_factory=lambda: MappingProxyType({}))
    replies: tuple[ReplyRule, ...] = ()
    warm_ups: tuple[WarmUp, ...] = ()


NO_RULES: Final = Rules()
