"""``failover(A B)``, ``roundrobin(A B)``, ``weighted(A=9 B=1)``: one route made of several roads.

They differ in whose turn it is; all of them move on to another road when that one is down, as ``moving_on`` says, and
keep a dead one out for a while, as ``breaker`` says.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.errors import PostroadError, Throttled
from postroad.log import logger
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport
from postroad.transport.breaker import Breaker, BreakerSettings, Standing, Verdict
from postroad.transport.contract import Ability, BeforeCommit, CheckReport, Transport
from postroad.transport.crossing import Crossing
from postroad.transport.moving_on import verdict_on
from postroad.transport.restraint import Account, Hearer, Hold, Restrainable
from postroad.transport.smooth_weights import SmoothWeights

_log = logger("transport")


@dataclass(frozen=True, slots=True)
class RoadState:
    """How a road of a composed route stands: ``seconds`` until it may be tried again, ``error`` why it is kept out."""

    route: str
    standing: Standing
    seconds: float = 0.0
    error: PostroadError | None = None

    def __str__(self) -> str:
        if self.standing is Standing.CLOSED:
            return f"{self.route}: in use"
        return f"{self.route}: breaker {self.standing}, {self.seconds:.0f} s left: {self.error}"


class _Road:
    __slots__ = ("breaker", "fault", "transport")

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.breaker = Breaker()
        self.fault: PostroadError | None = None  # the last thing that kept mail from going that way


class ComposedTransport:
    """Several transports as one. ``weights`` makes them take turns; without, the first that is not down carries all.

    ``kind`` and ``weights`` make its name. Belongs to one event loop, as its roads do.
    """

    def __init__(
        self,
        kind: str,
        roads: Sequence[Transport],
        *,
        weights: Sequence[int] | None = None,
        breaker: BreakerSettings | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.kind: Final = kind
        self.transports: Final = tuple(roads)
        self.weights: Final = None if weights is None else tuple(weights)
        self.breaker: Final = breaker or BreakerSettings()
        self._roads = [_Road(one) for one in roads]
        self._held: set[str] = set()  # accounts by which nothing may begin now
        self._turns = None if weights is None else SmoothWeights(weights)
        self._clock = clock

    @property
    def name(self) -> str:
        shares = [""] * len(self._roads)
        if self.weights is not None and self.kind == "weighted":
            shares = [f"={weight}" for weight in self.weights]
        members = (f"{one.name}{share}" for one, share in zip(self.transports, shares, strict=True))
        return f"{self.kind}({' '.join(members)})"

    @property
    def abilities(self) -> frozenset[Ability]:
        """What all roads can do."""
        return reduce(frozenset.intersection, (one.abilities for one in self.transports))

    @property
    def concurrency(self) -> int:
        """The sum where the roads share the mail; the first one's where the others stand by."""
        each = [one.concurrency for one in self.transports]
        return each[0] if self._turns is None else sum(each)

    @property
    def max_size(self) -> int | None:
        """The least of all, because any of them may have to carry it."""
        return min((one.max_size for one in self.transports if one.max_size is not None), default=None)

    @property
    def roads(self) -> tuple[RoadState, ...]:
        """How each road stands now."""
        now = self._clock.monotonic()
        return tuple(
            RoadState(one.transport.name, one.breaker.standing, max(0.0, one.breaker.until - now), one.fault)
            for one in self._roads
        )

    # ── restraint ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _restrainable(self) -> list[Restrainable]:
        return [one for one in self.transports if isinstance(one, Restrainable)]

    @property
    def accounts(self) -> tuple[Account, ...]:
        """See ``Restrainable``."""
        return tuple({account.name: account for one in self._restrainable for account in one.accounts}.values())

    def restrain(self, account: str, hold: Hold) -> None:
        """See ``Restrainable``; mail takes another road while this one may carry nothing."""
        (self._held.discard if hold.open else self._held.add)(account)
        for one in self._restrainable:
            if any(each.name == account for each in one.accounts):
                one.restrain(account, hold)

    def open_connections(self, account: str) -> int:
        """See ``Restrainable``."""
        return sum(one.open_connections(account) for one in self._restrainable)

    def on_trouble(self, hear: Hearer) -> None:
        """See ``Restrainable``."""
        for one in self._restrainable:
            one.on_trouble(hear)

    # ── delivering ────────────────────────────────────────────────────────────────────────────────────────────────

    async def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> SendReport:
        """See ``Transport.deliver``; ``before_commit`` is asked once for each recipient, whichever roads are tried."""
        crossing = Crossing(mail, before_commit)
        untried = list(range(len(self._roads)))
        while crossing.mail is not None and (index := self._choose(untried, crossing)) is not None:
            untried.remove(index)
            await self._go(self._roads[index], crossing)
        if not crossing.begun:
            crossing.kept_back(self._why_closed())
        return crossing.report()

    def _choose(self, untried: list[int], crossing: Crossing) -> int | None:
        now = self._clock.monotonic()
        able = self._unheld([index for index in untried if crossing.suits(self._roads[index].transport)], crossing)
        open_ = [index for index in able if self._roads[index].breaker.admits(now)]
        if open_:
            return open_[0] if self._turns is None else self._turns.next(open_)
        return None if crossing.begun else self._last_resort(able)

    def _unheld(self, able: list[int], crossing: Crossing) -> list[int]:
        """Without those that are held back; with every one held back, mail that nobody has tried waits there."""
        if not self._held:
            return able
        free = [index for index in able if not self._is_held(self._roads[index].transport)]
        return able if not free and not crossing.begun else free

    def _is_held(self, road: Transport) -> bool:
        accounts = road.accounts if isinstance(road, Restrainable) else ()
        return bool(accounts) and all(account.name in self._held for account in accounts)

    def _last_resort(self, able: list[int]) -> int | None:
        """With every road kept out, the one that would be tried first; but nobody insists on a refused password."""
        hopeful = [index for index in able if not self._roads[index].breaker.faulty]
        return min(hopeful, key=lambda index: self._roads[index].breaker.until, default=None)

    def _why_closed(self) -> PostroadError:
        first = min(self._roads, key=lambda road: road.breaker.until)
        assert first.fault is not None  # nothing else closes a road
        return first.fault

    async def _go(self, road: _Road, crossing: Crossing) -> None:
        assert crossing.mail is not None
        began = self._clock.monotonic()
        road.breaker = road.breaker.entered(began)
        report: SendReport | None = None
        try:
            report = await road.transport.deliver(crossing.mail, before_commit=crossing.commit)
        except PostroadError as error:
            if error is crossing.foreign_fault:
                raise
            report = crossing.failed(error)
        finally:
            verdict = Verdict.SILENT if report is None else verdict_on(report)
            self._learn(road, verdict, None if report is None else report.error, began)
        crossing.arrived(road.transport, report)

    def _learn(self, road: _Road, verdict: Verdict, fault: PostroadError | None, began: float) -> None:
        before, now = road.breaker, self._clock.monotonic()
        if isinstance(fault, Throttled) and fault.retry_after is not None:
            road.breaker = before.asked_to_wait(now, fault.retry_after)
        else:
            road.breaker = before.after(verdict, began, now, self.breaker)
        if verdict in (Verdict.DOWN, Verdict.FAULTY):
            road.fault = fault
        elif road.breaker.standing is Standing.CLOSED:
            road.fault = None
        if road.breaker.standing is not before.standing:
            self._tell(road, now)

    def _tell(self, road: _Road, now: float) -> None:
        if road.breaker.standing is Standing.CLOSED:
            _log.info("%s works again", road.transport.name)
        elif road.breaker.standing is Standing.OPEN and road.breaker.until > now:
            _log.warning(
                "%s is not used for %.0f s: %s: %s",
                road.transport.name,
                road.breaker.until - now,
                type(road.fault).__name__,
                road.fault,
            )

    # ── the rest ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def check(self) -> CheckReport:
        """Check every road, and say what was seen on each; a road that does not work is a line, too.

        Raises:
            PostroadError: no road works; the first one's fault.
        """
        seen: list[str] = []
        faults: list[PostroadError] = []
        for road in self.transports:
            try:
                report = await road.check()
            except PostroadError as fault:
                faults.append(fault)
                seen.append(f"{road.name} does not work: {fault} {fault.advice}")
            else:
                seen += [f"{road.name}: {fact}" for fact in report.seen]
        if len(faults) == len(self.transports):
            raise faults[0]
        return CheckReport(self.name, tuple(seen))

    async def aclose(self) -> None:
        """Close every road, whatever happens to the others."""
        closed = await asyncio.gather(*(one.aclose() for one in self.transports), return_exceptions=True)
        for fault in closed:
            if isinstance(fault, BaseException):
                raise fault
