"""What a worker keeps to now: the gates of every destination, and what is heard that changes them. Pure.

Where the worker connects to the sites itself, all limits of a site hold. Through a relay the connections are the
account's, and what the relay says is about the account; of a site's limits only those hold that somebody has set for
this outbox.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from postroad.address import Address
from postroad.errors import PostroadError, SendError
from postroad.outbox.shaping.gate import Gate
from postroad.outbox.shaping.hearing import Ear, Heard, Measure, together
from postroad.outbox.shaping.limits import NO_LIMITS, Limits, Scope
from postroad.outbox.shaping.rules import NO_RULES, Rules
from postroad.outbox.shaping.share import WHOLE, Share
from postroad.outbox.shaping.warm_up import day_of
from postroad.outbox.shaping.window import Window
from postroad.outcome import Outcome, Result, SendReport
from postroad.reply import Phase, Reply

FIRST_WINDOW: Final = 5.0  # connections to a site that we know nothing of (Postfix: initial_destination_concurrency)
WIDEST_WINDOW: Final = 20.0  # (Postfix: default_destination_concurrency_limit)
A_GRANT: Final = 50  # a fiftieth of a day's allowance is taken at a time: so little a dead worker takes with it
MOST_GRANTED: Final = 1000  # messages
ROUNDS: Final = 3.0  # failed rounds in a row until a relay rests: its account is ours, and its pool opens one at a time
REPEATED: Final = 2  # how much longer, and for how much less, where a reply comes again while its measure holds
GRACE: Final = 60.0  # seconds: what comes again within them may have been under way, and makes the measure no longer

HOLD_STILL: Final = 1.0  # seconds after a measure in which its occasion is not heard again: connections have to close
_NOBODY: Final = Address("nobody@localhost.invalid")

Thing = tuple[Scope, str]
"""What a gate is for: a scope, and its key."""


class Road(NamedTuple):
    """How a worker sends: ``direct`` to the sites or through an account, and from which source address.

    ``account`` is the name of what it all goes through; ``accounts`` are what their providers allow, by name, which may
    be several behind one route. Where it is composed of several, ``members`` are the accounts by their own routes,
    empty for one that has none of its own.
    """

    account: str
    direct: bool = False
    source: str = ""
    accounts: Mapping[str, Limits] = MappingProxyType({})
    whole: bool = False  # a message goes to all of its recipients at once, or not at all
    members: Mapping[str, str] = MappingProxyType({})

    @property
    def bound(self) -> bool:
        """It is composed, and each of its roads goes by an account."""
        return bool(self.members) and all(self.members.values())


class Sites(Protocol):
    """Who receives for which domain."""

    def site(self, domain: str) -> str: ...


class InForce(Protocol):
    """Limits that hold for a while, beside the rules."""

    @property
    def scope(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def until(self) -> float: ...
    @property
    def limits(self) -> Limits: ...


class _EachItsOwn:
    def site(self, domain: str) -> str:
        return domain


class Shaping(NamedTuple):
    """What a worker keeps to, and who receives for which domain."""

    rules: Rules
    sites: Sites


NO_SHAPING: Final = Shaping(NO_RULES, _EachItsOwn())


class Shaper:
    """Belongs to one thread. Times are seconds since the epoch.

    ``most_of`` says how many connections an account has at most, if that is known: more messages than those may be
    under way.
    """

    def __init__(
        self, rules: Rules, sites: Sites, road: Road, most_of: Callable[[str], int] = lambda account: 0
    ) -> None:
        self.rules = rules
        self.road = road
        self._sites = sites
        self._most_of = most_of
        self._ear = Ear(rules)
        self._gates: dict[Thing, Gate] = {}
        self._windows: dict[Thing, Window] = {}
        self._overrides: dict[Thing, InForce] = {}
        self._shares: dict[Thing, Share] = {}
        self._dated: set[Thing] = set()  # what has a day's allowance
        self._limiting: set[Thing] = set()  # whose gates keep anybody from anything
        self._warm_ups = {(plan.scope, plan.key): plan for plan in rules.warm_ups}
        self._measured: dict[Thing, float] = {}  # when a measure was last taken
        self._lengthened: dict[Thing, float] = {}  # when it was last decided for how long
        self.door = Gate()  # of the worker: shut while nothing may go at all
        self.common = (self.door, *map(self.gate, ((Scope.ACCOUNT, road.account), (Scope.SOURCE, road.source))))

    # ── who is what ───────────────────────────────────────────────────────────────────────────────────────────────

    def site(self, domain: str) -> str:
        """Who receives for the domain."""
        return self._sites.site(domain)

    def apart(self, domain: str) -> str | None:
        """The site of a domain whose recipients go in transactions of their own, because it has limits of its own."""
        if self.road.whole:
            return None
        site = self.site(domain)
        if self.road.direct or self.limits((Scope.SITE, site)) or self.limits((Scope.DOMAIN, domain)):
            return site
        return None

    # ── limits ────────────────────────────────────────────────────────────────────────────────────────────────────

    def limits(self, thing: Thing) -> Limits:
        """What holds: the rules, what was learnt, and of what is shared this worker's part."""
        limits = self._ruled(thing)
        if (override := self._overrides.get(thing)) is not None:
            limits = limits.and_also(override.limits)
        share = self._shares.get(thing, WHOLE)
        part = share.part(limits)
        return NO_LIMITS if part is None else part  # nothing of it: the gate is shut

    def _ruled(self, thing: Thing) -> Limits:
        scope, key = thing
        if scope is Scope.SITE:
            return self.rules.of_site(key, direct=self.road.direct)
        if scope is Scope.ACCOUNT:
            return self.road.accounts.get(key, NO_LIMITS).and_also(_published(self.rules, key))
        return _table(self.rules, scope).get(key, NO_LIMITS)

    def gate(self, thing: Thing) -> Gate:
        """The gate of a destination, an account, a source or a stream."""
        gate = self._gates.get(thing)
        if gate is None:
            gate = self._gates[thing] = Gate(self._within_window(thing, self.limits(thing)))
            self._date(thing, gate)
        return gate

    def _date(self, thing: Thing, gate: Gate) -> None:
        (self._limiting.discard if gate.free and not self.limits(thing) else self._limiting.add)(thing)
        if thing in self._warm_ups or self._unshared(thing).per_day is not None:
            self._dated.add(thing)
            gate.counted = True
            self._limiting.add(thing)
        else:
            self._dated.discard(thing)
            gate.counted = False

    def site_gate(self, site: str) -> Gate:
        """The gate of a site."""
        return self.gate((Scope.SITE, site))

    def lane_gates(self, domain: str, stream: str) -> tuple[Gate, ...]:
        """The gates that messages of a lane pass beside their site's and those that everybody passes."""
        things: tuple[Thing, ...] = ((Scope.DOMAIN, domain), (Scope.STREAM, stream))
        return tuple([self.gate(thing) for thing in things if self._matters(thing)])

    def spent(self, now: float) -> bool:
        """Whether there is anything that nobody passes before tomorrow."""
        return any(self.gate(thing).spent(now) for thing in self._dated)

    def sender_gate(self, sender: str | None) -> Gate | None:
        """The gate of an envelope sender's domain, where that is being warmed up."""
        if not self._warm_ups or sender is None:
            return None
        thing = Scope.SENDER, sender.rpartition("@")[2].lower()
        return self.gate(thing) if thing in self._warm_ups else None

    def _matters(self, thing: Thing) -> bool:
        return thing in self._overrides or thing[1] in _table(self.rules, thing[0])

    # ── a day's allowance ─────────────────────────────────────────────────────────────────────────────────────────

    def ceiling(self, thing: Thing, now: float) -> int | None:
        """How many messages this day allows in all; ``None``: any number."""
        plan = self._warm_ups.get(thing)
        ceilings = (self._unshared(thing).per_day, None if plan is None else plan.ceiling(now))
        return min((one for one in ceilings if one is not None), default=None)

    def wants(self, now: float) -> tuple[tuple[Thing, int, int], ...]:
        """What needs more of its day's allowance: what for, how much, and the day's ceiling. ``grant`` answers."""
        wanted = []
        for thing in self._dated:
            gate, ceiling = self.gate(thing), self.ceiling(thing, now)
            gate.counted = ceiling is not None  # else the plan is over
            if ceiling is None:
                continue
            if gate.day != day_of(now):
                gate.begin_day(day_of(now))
            if gate.asks(most := max(1, min(MOST_GRANTED, ceiling // A_GRANT))):
                wanted.append((thing, most, ceiling))
        return tuple(wanted)

    def grant(self, thing: Thing, number: int, day: int) -> None:
        """So many more messages may pass on this day; none: its allowance is used up."""
        self.gate(thing).grant(number, day)

    def allowances(self) -> tuple[tuple[Thing, int, int], ...]:
        """What was granted and is not used: what for, how many, of which day."""
        return tuple([(thing, gate.granted, gate.day) for thing, gate in self._gates.items() if gate.granted > 0])

    def learn(self, overrides: Iterable[InForce], now: float) -> bool:
        """These limits hold beside the rules, and no others; whether that is news."""
        latest = {(Scope(one.scope), one.key): one for one in overrides if one.until > now}
        changed = {
            thing
            for thing in {*latest, *self._overrides}
            if _limits_of(latest, thing) != _limits_of(self._overrides, thing)
        }
        self._overrides = latest
        for thing in changed:
            self._refit(thing, now)
        return bool(changed)

    def divide(self, thing: Thing, share: Share, now: float) -> None:
        """This worker has this part of what is allowed."""
        if self._shares.get(thing, WHOLE) != share:
            self._shares[thing] = share
            self._refit(thing, now)

    def _refit(self, thing: Thing, now: float) -> None:
        gate = self.gate(thing)
        gate.hold_to(self._within_window(thing, self.limits(thing)), now)
        gate.shut = self._shares.get(thing, WHOLE).part(self._unshared(thing)) is None
        self._date(thing, gate)

    def _unshared(self, thing: Thing) -> Limits:
        override = self._overrides.get(thing)
        return self._ruled(thing) if override is None else self._ruled(thing).and_also(override.limits)

    def _within_window(self, thing: Thing, limits: Limits) -> Limits:
        window = self._windows.get(thing)
        if window is not None and window.on_trial:  # the rest would spend an attempt each on what one has found out
            return replace(limits, connections=1)
        if (
            thing[0] is Scope.ACCOUNT and not self.road.direct
        ):  # its connections are the transport's business, which has messages wait for them
            return replace(limits, connections=None)
        if window is None or thing[0] is not Scope.SITE:
            return limits
        return limits.and_also(Limits(connections=max(1, math.floor(window.size))))

    def forget_past(self, now: float) -> bool:
        """Let limits end whose time has passed; whether any did."""
        if all(one.until > now for one in self._overrides.values()):
            return False
        return self.learn(tuple(self._overrides.values()), now)

    @property
    def overrides(self) -> tuple[InForce, ...]:
        """The limits that hold for a while."""
        return tuple(self._overrides.values())

    def gates(self) -> Iterable[tuple[Thing, Gate]]:
        """The gates so far that limit anything; there may be very many that do not."""
        return [(thing, self._gates[thing]) for thing in self._limiting]

    # ── what is heard ─────────────────────────────────────────────────────────────────────────────────────────────

    def hear(self, domain: str, report: SendReport, began: float, now: float) -> tuple[Measure, ...]:
        """What follows from a report, for a while."""
        thing = self._destination(self.site(domain))
        well = report.error is None and not report.refused and len(report.routes) < 2
        if well and not self.road.direct and thing not in self._windows:
            return ()  # the rule: nothing was ever wrong with our account
        rests = [*self._trouble(thing, report, began, now)]
        measures: list[Measure] = []
        measured = {thing} if rests else set()
        for who, outcome in self._said(thing, report):
            if began < _last(self._measured, who, now) + HOLD_STILL:
                continue  # it met what was there before the measure
            if slowed := self._slowed(outcome, who, now):
                measures += slowed
                measured.add(who)
        self._measured.update(dict.fromkeys(measured, now))
        ruled = {measure[:2] for measure in measures}  # a rule knows better than that no connection served
        return together([*(rest for rest in rests if rest[:2] not in ruled), *measures])

    def _said(self, thing: Thing, report: SendReport) -> Iterator[tuple[Thing, Outcome]]:
        """What was refused, and by whom: each reply once. Of several roads' what nobody knows who said is left out."""
        refused = [outcome for outcome in report.outcomes if outcome.reply is not None and not outcome.accepted]
        replies = {str(outcome.reply): outcome for outcome in refused}
        if not self.road.members:
            yield from ((thing, outcome) for outcome in replies.values())
            return
        for tried in report.routes:  # that the mail left for another one
            if tried.error is not None and tried.error.reply is not None:
                replies.pop(str(tried.error.reply), None)
                if account := self.road.members.get(tried.route):
                    yield (Scope.ACCOUNT, account), _as_outcome(tried.error, tried.error.reply)
        stayed = [tried.route for tried in report.routes if tried.error is None]
        if len(stayed) == 1 and (account := self.road.members.get(stayed[0])):
            yield from (((Scope.ACCOUNT, account), outcome) for outcome in replies.values())

    def hear_trouble(self, account: str, fault: PostroadError, now: float) -> tuple[Measure, ...]:
        """What follows from a connection to an account of ours that was refused while others work."""
        thing = (Scope.ACCOUNT, account)
        if fault.reply is None or now <= _last(self._measured, thing, now) + HOLD_STILL:
            return ()
        measures = tuple(self._slowed(_as_outcome(fault, fault.reply), thing, now))
        if measures:
            self._measured[thing] = now
        return measures

    def _destination(self, site: str) -> Thing:
        return (Scope.SITE, site) if self.road.direct else (Scope.ACCOUNT, self.road.account)

    def _slowed(self, outcome: Outcome, thing: Thing, now: float) -> list[Measure]:
        assert outcome.reply is not None
        site = thing[1] if self.road.direct else None
        rule = self._ear.hear(Heard(outcome.reply, outcome.phase, site), thing[1], now)
        if rule is None:
            return []
        scope, key = self._target(rule.scope, thing)
        action = rule.action
        held = self._overrides.get((scope, key))
        until = now + action.seconds
        if held is not None and held.until > now:
            if now >= _last(self._lengthened, (scope, key), now) + GRACE:
                until = now + action.seconds * REPEATED
                self._lengthened[scope, key] = now
            until = max(until, held.until)
        else:
            self._lengthened[scope, key] = now
        limits = action.limits
        if action.halve:
            limits = limits.and_also(Limits(connections=self._half((scope, key))))
        if held is not None and held.until > now:  # a milder reply takes nothing back
            limits = limits.and_also(held.limits)
        why = f"{outcome.reply.code} {outcome.text}"[:200]
        return [Measure(scope, key, now, until, None if action.suspend else limits, f"rule {rule.id}", why)]

    def _target(self, scope: Scope | None, thing: Thing) -> Thing:
        if scope is Scope.SOURCE and self.road.source:
            return Scope.SOURCE, self.road.source
        if scope is Scope.ACCOUNT and thing[0] is not Scope.ACCOUNT:
            return Scope.ACCOUNT, self.road.account
        return thing

    def _half(self, thing: Thing) -> int:
        held = self.limits(thing).connections
        inside = max(1, self.gate(thing).inside)
        if thing[0] is Scope.ACCOUNT and (most := self._most_of(thing[1])):
            # Nobody passes the gate of one account of several: it may use all that it has.
            inside = most if thing[1] in self.road.members.values() else min(inside, most)
        of = self._shares.get(thing, WHOLE).of  # what we use is our part; the limit is for everybody together
        return max(1, min(inside, held if held is not None else inside) // 2) * of

    def _trouble(self, thing: Thing, report: SendReport, began: float, now: float) -> Iterable[Measure]:
        window = self._windows.get(thing) or self._new_window()
        trouble = _connection_trouble(report)
        if trouble is None:
            if any(outcome.reply is not None or outcome.accepted for outcome in report.outcomes):
                self._set_window(thing, window.succeed(), now)
            return
        window = window.fail(began, now)
        if window.dead:
            window, rest = window.bury()
            yield Measure(thing[0], thing[1], now, now + rest, None, "worker", trouble.message)
        self._set_window(thing, window, now)

    def _new_window(self) -> Window:
        return Window(FIRST_WINDOW, WIDEST_WINDOW) if self.road.direct else Window(ROUNDS, ROUNDS)

    def _set_window(self, thing: Thing, window: Window, now: float) -> None:
        if window != self._windows.get(thing):
            self._windows[thing] = window
            self._refit(thing, now)


_TABLES: Final = {Scope.DOMAIN: "domains", Scope.STREAM: "streams", Scope.SOURCE: "sources"}


def _table(rules: Rules, scope: Scope) -> Mapping[str, Limits]:
    name = _TABLES.get(scope)
    return {} if name is None else getattr(rules, name)


def _published(rules: Rules, account: str) -> Limits:
    user, _, place = account.rpartition("@")
    return rules.of_account(user or None, place.rpartition(":")[0] or place)


def _as_outcome(fault: PostroadError, reply: Reply) -> Outcome:
    return Outcome(_NOBODY, Result.REFUSED, fault.phase or Phase.CONNECT, reply, fault)


def _last(times: Mapping[Thing, float], thing: Thing, now: float) -> float:
    """When that was; a time that is still to come is of a clock that was set back since, and is not waited for."""
    last = times.get(thing, -math.inf)
    return -math.inf if last > now else last


def _limits_of(overrides: Mapping[Thing, InForce], thing: Thing) -> Limits | None:
    known = overrides.get(thing)
    return None if known is None else known.limits


_OPENING: Final = (Phase.CONNECT, Phase.TLS, Phase.GREETING, Phase.EHLO)


def _connection_trouble(report: SendReport) -> SendError | None:
    """Why no connection served, where that is it: not what a server said of the message, and no fault of ours."""
    if not report.outcomes or any(outcome.phase not in _OPENING for outcome in report.outcomes):
        return None
    error = report.error or report.outcomes[0].error
    return error if isinstance(error, SendError) and error.temporary else None
