"""A worker's decisions on a clock that costs no time, against receivers that are models.

What decides here is what decides in a worker: the dispatcher, the gates, the rules, what is made of replies and of
trouble, the judgement of outcomes and the schedules of retries. Only the queue, the wire and the receivers are
simulated. So a day of mixed traffic takes a second, and shows what limits and rules come to. What belongs to the wire
is left out: ``messages_per_connection`` and ``new_connections``, because each try has a connection of its own.
"""

import heapq
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

from postroad.address import Address
from postroad.chance import Chance
from postroad.errors import ConfigurationError
from postroad.outbox.destination import Destinations
from postroad.outbox.lease import Lease
from postroad.outbox.override import Override
from postroad.outbox.resting import Rest, Resting
from postroad.outbox.settle import given_back, judge, was_tried
from postroad.outbox.shaping.dispatcher import Dispatcher, Entry
from postroad.outbox.shaping.hearing import Measure
from postroad.outbox.shaping.in_force import rules_of
from postroad.outbox.shaping.limits import Scope
from postroad.outbox.shaping.rules import Rules
from postroad.outbox.shaping.shaper import Road, Shaper, Thing
from postroad.outbox.states import DeliveryState
from postroad.outbox.store import OwnLimits
from postroad.outbox.stream import Stream
from postroad.outcome import Outcome
from postroad.testing.simulator_provider import Reception, SimulatedProvider, Try
from postroad.testing.simulator_result import Simulated, SimulatedDelivery, SimulatedTry

WEEK: Final = 7 * 86_400.0  # seconds: every usual schedule is over by then
CONCURRENCY: Final = 20  # messages under way at a time
DIRECT: Final = Road("simulation", direct=True)
EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Traffic:
    """So many messages of a stream to recipients of one domain, evenly over ``seconds`` from ``since`` on.

    With 0 seconds they all come at once. One that is not sent ``life`` seconds after its arrival has expired.
    ``sender`` is the envelope sender's domain, for plans of warm-up.

    Raises:
        ConfigurationError: a number is below 0.
    """

    domain: str
    stream: Stream
    messages: int
    since: float = 0.0
    seconds: float = 0.0
    life: float | None = None
    sender: str | None = None

    def __post_init__(self) -> None:
        for name in ("messages", "since", "seconds", "life"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ConfigurationError(f"traffic to {self.domain}: {name} is below 0: {value}", setting=name)


@dataclass(frozen=True, slots=True)
class SimulatedPause:
    """Somebody pauses a site, a domain, a stream, an account or a source, from a time to a time.

    Raises:
        ConfigurationError: it ends before it begins.
    """

    scope: Scope
    key: str
    since: float
    until: float

    def __post_init__(self) -> None:
        if not 0 <= self.since < self.until:
            wrong = f"the pause of {self.key} is from {self.since} to {self.until}; times are from 0, the later second"
            raise ConfigurationError(wrong, setting="pauses")


def simulate(
    traffic: Iterable[Traffic],
    providers: Iterable[SimulatedProvider],
    *,
    chance: Chance,
    limits: OwnLimits = None,
    pauses: Iterable[SimulatedPause] = (),
    road: Road = DIRECT,
    concurrency: int = CONCURRENCY,
    seconds: float = WEEK,
    begins: date = EPOCH,
) -> Simulated:
    """What would happen within so many seconds; the same ``chance`` makes it happen again.

    ``limits`` are those of ``Outbox.worker``: a TOML file of own limits and rules, laid over the shipped ones, or
    ``Rules``. Times are seconds since midnight (UTC) of the day when it ``begins``, which matters to plans of warm-up.
    A domain is a site of its own unless the rules put it into another; every site that the traffic goes to needs a
    provider. What goes through a relay is simulated with a ``road`` that is not direct.

    Raises:
        ConfigurationError: there is no provider for a site, the limits cannot be read, or the concurrency is below 1.
    """
    rules = limits if isinstance(limits, Rules) else rules_of(None if limits is None else Path(limits))
    if concurrency < 1:
        raise ConfigurationError(f"concurrency must be at least 1, not {concurrency}", setting="concurrency")
    origin = (begins - EPOCH).total_seconds()
    world = _World(Shaper(rules, Destinations(rules), road), providers, chance, concurrency, origin)
    for one in traffic:
        world.expect(one)
    for pause in pauses:
        world.expect_pause(pause)
    world.run(seconds)
    return world.result(seconds)


class _Delivery:
    """One delivery in the queue."""

    __slots__ = (
        "arrived",
        "domain",
        "due_at",
        "ended_at",
        "expires_at",
        "recipient",
        "sender",
        "site",
        "state",
        "stream",
        "tries",
    )

    def __init__(self, traffic: Traffic, recipient: Address, site: str, arrived: float) -> None:
        self.recipient = recipient
        self.sender = None if traffic.sender is None else f"sender@{traffic.sender}"
        self.domain = recipient.domain
        self.site = site
        self.stream = traffic.stream
        self.arrived = self.due_at = arrived
        self.expires_at = None if traffic.life is None else arrived + traffic.life
        self.tries: list[SimulatedTry] = []
        self.state = DeliveryState.SCHEDULED
        self.ended_at: float | None = None

    def lease(self) -> Lease:
        times = (self.due_at, self.arrived, self.expires_at)
        return Lease(0, self.recipient.addr_spec, "simulation", 0, *times, len(self.tries), self.stream.name)

    def end(self, state: DeliveryState, at: float) -> None:
        self.state, self.ended_at = state, at

    def told(self, origin: float) -> SimulatedDelivery:
        tries = tuple([SimulatedTry(began - origin, ended - origin, code) for began, ended, code in self.tries])
        ended_at = None if self.ended_at is None else self.ended_at - origin
        what = (self.domain, self.site, self.stream.name, self.arrived - origin)
        return SimulatedDelivery(*what, tries, self.state, ended_at)


Happening = Callable[[], None]


class _World:
    """The queue, the clock, and the receivers. Its times are seconds since the epoch; ``origin`` is where it begins."""

    def __init__(
        self,
        shaper: Shaper,
        providers: Iterable[SimulatedProvider],
        chance: Chance,
        concurrency: int,
        origin: float,
    ) -> None:
        self._origin = self._now = origin
        self._happenings: list[tuple[float, int, Happening]] = []  # a heap
        self._number = count()
        self._wake_at = math.inf
        self._shaper = shaper
        self._dispatcher: Dispatcher[_Delivery] = Dispatcher(shaper.site_gate, shaper.common)
        self._receptions: dict[str, Reception] = {}
        for provider in providers:
            if provider.site in self._receptions:
                raise ConfigurationError(f"there are two providers for {provider.site}", setting="providers")
            self._receptions[provider.site] = Reception(provider, chance)
        self._chance = chance
        self._free = concurrency
        self._deliveries: list[_Delivery] = []
        self._resting = Resting()
        self._asleep: list[_Delivery] = []
        self._expired = False  # something that may wait for its turn
        self._measures: list[Measure] = []
        self._granted: dict[tuple[Thing, int], int] = {}  # of days' allowances

    # ── what is to come ───────────────────────────────────────────────────────────────────────────────────────────

    def expect(self, traffic: Traffic) -> None:
        """Let messages arrive."""
        site = self._shaper.site(traffic.domain)
        if site not in self._receptions:
            sentence = f"no provider for {site}, which receives for {traffic.domain}"
            raise ConfigurationError(sentence, setting="providers")
        for number in range(traffic.messages):
            arrived = self._origin + traffic.since + number * traffic.seconds / traffic.messages
            recipient = Address(f"{traffic.stream.name}-{len(self._deliveries)}@{traffic.domain}")
            delivery = _Delivery(traffic, recipient, site, arrived)
            self._deliveries.append(delivery)
            self._at(arrived, partial(self._come_due, delivery))
            if delivery.expires_at is not None:
                self._at(delivery.expires_at, partial(self._expire, delivery))

    def expect_pause(self, pause: SimulatedPause) -> None:
        """Let something be paused."""
        rest = Rest(pause.scope, pause.key, self._origin + pause.until)
        self._at(self._origin + pause.since, partial(self._rest, rest))

    def _at(self, when: float, happening: Happening) -> None:
        heapq.heappush(self._happenings, (when, next(self._number), happening))

    # ── the course of time ────────────────────────────────────────────────────────────────────────────────────────

    def run(self, seconds: float) -> None:
        """Let everything happen until then."""
        while self._happenings and self._happenings[0][0] <= self._origin + seconds:
            self._now = self._happenings[0][0]
            while self._happenings and self._happenings[0][0] <= self._now:
                heapq.heappop(self._happenings)[2]()
            self._keep_to_limits()
            self._sort_out()
            self._hand_out()

    def result(self, seconds: float) -> Simulated:
        """What has happened."""
        deliveries = tuple([one.told(self._origin) for one in self._deliveries])
        measures = tuple([_since(self._origin, measure) for measure in self._measures])
        last = max((seconds if one.ended_at is None else one.ended_at for one in deliveries), default=0.0)
        return Simulated(deliveries, measures, last)

    def _wake(self) -> None:
        self._wake_at = math.inf  # the round of its moment does the rest

    def _look_again_at(self, when: float) -> None:
        if when < self._wake_at:
            self._wake_at = when
            self._at(when, self._wake)

    # ── the queue ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _come_due(self, delivery: _Delivery) -> None:
        if delivery.state.final:
            return
        delivery.state = DeliveryState.READY
        if self._lane_rests(delivery):
            self._asleep.append(delivery)
        else:
            self._dispatcher.add(self._entry(delivery))

    def _entry(self, delivery: _Delivery) -> Entry[_Delivery]:
        stream = delivery.stream
        gates = self._shaper.lane_gates(delivery.domain, stream.name)
        if (sender := self._shaper.sender_gate(delivery.sender)) is not None:
            gates = (*gates, sender)
        return Entry(delivery, delivery.site, stream.kind.priority, stream.name, gates=gates)

    def _expire(self, delivery: _Delivery) -> None:
        if delivery.state in (DeliveryState.READY, DeliveryState.SCHEDULED):
            self._expired |= delivery.state is DeliveryState.READY
            delivery.end(DeliveryState.EXPIRED, self._now)

    def _sort_out(self) -> None:
        """Take away what has expired: no turn is spent on it."""
        if self._expired:
            self._expired = False
            self._dispatcher.withdraw(lambda entry: entry.item.state.final)

    # ── whose turn it is ──────────────────────────────────────────────────────────────────────────────────────────

    def _keep_to_limits(self) -> None:
        changed = self._shaper.forget_past(self._now)
        for thing, most, ceiling in self._shaper.wants(self._now):
            self._grant(thing, most, ceiling)
            changed = True
        if changed:
            self._dispatcher.look_again()

    def _grant(self, thing: Thing, most: int, ceiling: int) -> None:
        day = self._shaper.gate(thing).day
        granted = self._granted.get((thing, day), 0)
        number = max(0, min(most, ceiling - granted))
        self._granted[thing, day] = granted + number
        self._shaper.grant(thing, number, day)

    def _hand_out(self) -> None:
        while self._free:
            turn = self._dispatcher.next(self._now)
            if turn.entry is None:
                if turn.again_at < math.inf:
                    self._look_again_at(turn.again_at)
                return
            self._begin(turn.entry)
            self._keep_to_limits()

    def _begin(self, entry: Entry[_Delivery]) -> None:
        delivery = entry.item
        delivery.state = DeliveryState.LEASED
        self._free -= 1
        tried = self._receptions[delivery.site].receive(delivery.recipient, self._now - self._origin)
        self._at(self._now + tried.seconds, partial(self._finish, entry, tried, self._now))

    def _finish(self, entry: Entry[_Delivery], tried: Try, began: float) -> None:
        delivery = entry.item
        if tried.connected:
            self._receptions[delivery.site].part()
        self._settle(delivery, tried.report.outcomes[0], began)
        self._take(self._shaper.hear(delivery.domain, tried.report, began, self._now))
        self._dispatcher.leave(entry)
        self._free += 1

    def _settle(self, delivery: _Delivery, outcome: Outcome, began: float) -> None:
        lease = delivery.lease()
        if was_tried(outcome):
            delivery.tries.append(SimulatedTry(began, self._now, outcome.code))
            verdict = judge(lease, outcome, delivery.stream, self._now, self._chance)
        else:
            verdict = given_back(lease).verdict
        delivery.state = verdict.path.state
        if delivery.state.final:
            delivery.end(delivery.state, self._now)
        else:
            delivery.due_at = verdict.due_at
            self._at(delivery.due_at, partial(self._come_due, delivery))

    # ── what is learnt ────────────────────────────────────────────────────────────────────────────────────────────

    def _take(self, measures: Sequence[Measure]) -> None:
        for measure in measures:
            self._measures.append(measure)
            if measure.limits is None:
                self._rest(Rest(measure.scope, measure.key, measure.until))
            else:
                self._limit(Override(*measure[:4], measure.limits, measure.who, measure.why))

    def _limit(self, override: Override) -> None:
        others = [one for one in self._shaper.overrides if (one.scope, one.key) != (override.scope, override.key)]
        self._shaper.learn([*others, override], self._now)
        self._dispatcher.look_again()
        self._at(override.until, self._wake)

    def _rest(self, rest: Rest) -> None:
        self._resting = self._resting.with_(rest)
        self._shaper.door.shut = self._all_rest()
        withdrawn = self._dispatcher.withdraw(lambda entry: self._lane_rests(entry.item))
        self._asleep += [entry.item for entry in withdrawn]
        if rest.until is not None:
            self._at(rest.until, self._wake_up)

    def _wake_up(self) -> None:
        self._resting = Resting(tuple(rest for rest in self._resting.rests if _holds(rest, self._now)))
        self._shaper.door.shut = self._all_rest()
        asleep, self._asleep = self._asleep, []
        for delivery in asleep:
            self._come_due(delivery)
        self._dispatcher.look_again()

    def _lane_rests(self, delivery: _Delivery) -> bool:
        rest = self._resting.lane(delivery.domain, delivery.site, delivery.stream.name)
        return rest is not None and _holds(rest, self._now)

    def _all_rest(self) -> bool:
        road = self._shaper.road
        rest = self._resting.of((Scope.ACCOUNT, road.account), (Scope.SOURCE, road.source))
        return rest is not None and _holds(rest, self._now)


def _holds(rest: Rest, now: float) -> bool:
    return rest.until is None or rest.until > now


def _since(origin: float, measure: Measure) -> Measure:
    return measure._replace(since=measure.since - origin, until=measure.until - origin)
