"""One parcel over the worker's transport, and what becomes of it written down."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, NamedTuple

from postroad.address import Address
from postroad.chance import Chance
from postroad.clock import Clock
from postroad.database.database import Database
from postroad.errors import Abandoned, DatabaseError, OutcomeUnknown, PostroadError, SendError
from postroad.log import logger
from postroad.outbox.flight import Departure, depart_together
from postroad.outbox.lease import Lease, Parcel
from postroad.outbox.record import Landing, record
from postroad.outbox.settle import Settled, given_back, given_up_in_flight, judge, was_tried
from postroad.outbox.stream_table import Streams
from postroad.outcome import Outcome, Result, SendReport
from postroad.reply import Phase
from postroad.transport.contract import Ability, Transport
from postroad.transport.pending import Decided

_log = logger("outbox")

WRITE_AGAIN_AFTER: Final = 1.0  # seconds until a result that could not be written down is tried again

# Seconds until a delivery goes again whose flight record was refused: twice as long each time. Claims ought to have
# passed it over, so that they may not know what the record goes by; the receiver must not bear it.
REFUSED_FIRST: Final = 1.0
REFUSED_LONGEST: Final = 300.0
MOST_REFUSED: Final = 10_000  # deliveries of which that is remembered


class Trip:
    """A parcel on its way. ``in_flight`` holds from the request for the flight record on."""

    __slots__ = ("departed", "in_flight", "kept_back", "parcel", "started_at")

    def __init__(self, parcel: Parcel, started_at: float) -> None:
        self.parcel = parcel
        self.started_at = started_at
        self.in_flight = False
        self.kept_back = False  # a flight record was refused
        self.departed: set[int] = set()  # the deliveries that have a flight record


class _Leaving(NamedTuple):
    """A question whether a trip may go on beyond the point of no return."""

    trip: Trip
    departure: Departure
    answer: "asyncio.Future[bool]"


class Deliverer:
    """Carries parcels for one worker. ``streams`` may be replaced while it works.

    ``on_given_back`` is called when deliveries that were not tried are back in the queue: no event tells of them.
    ``on_kept_back`` is told of a parcel whose flight record was refused.
    """

    def __init__(
        self,
        database: Database,
        transport: Transport,
        *,
        on_given_back: Callable[[], None],
        on_kept_back: Callable[[Parcel], None],
        clock: Clock,
        chance: Chance,
    ) -> None:
        self.streams = Streams()
        self.trips: set[Trip] = set()
        self.stopping = False  # no further dot goes out
        self._database = database
        self._transport = transport
        self._on_given_back = on_given_back
        self._on_kept_back = on_kept_back
        self._refused: dict[int, float] = {}  # deliveries whose flight record was refused: how long they then waited
        self._clock = clock
        self._chance = chance
        self._leaving: list[_Leaving] = []  # questions of this round of the event loop
        self._landed: list[Landing] = []  # results of this round of the event loop
        self._unwritten: set[asyncio.Future[None]] = set()  # results on their way to disk

    async def deliver(self, parcel: Parcel, content: bytes) -> SendReport:
        """Try a parcel and have the result written down."""
        trip = Trip(parcel, self._clock.now())
        self.trips.add(trip)
        try:
            report = await self._report(trip, content)
        except asyncio.CancelledError:
            self._land(trip, _cut_short(trip, Abandoned("the worker was stopped", phase=Phase.CONNECT)))
            raise
        finally:
            self.trips.discard(trip)
        self._land(trip, report)
        return report

    async def _report(self, trip: Trip, content: bytes) -> SendReport:
        """What the transport says; whatever it raises is a report too."""
        try:
            mail = trip.parcel.mail(content)
            return await self._transport.deliver(mail, before_commit=partial(self._before_commit, trip))
        except PostroadError as fault:
            return _cut_short(trip, fault)
        except Exception as fault:  # noqa: BLE001  # a transport's defect must end neither the worker nor the message
            _log.exception("the transport %s failed", self._transport.name)
            sentence = f"the transport failed: {type(fault).__name__}: {fault}"
            return _cut_short(trip, SendError(sentence, phase=Phase.CONNECT))

    # ── the flight record ─────────────────────────────────────────────────────────────────────────────────────────

    def _before_commit(self, trip: Trip, recipients: tuple[Address, ...]) -> Awaitable[bool]:
        """The transport's last question before the final dot: the flight record has to be on disk first."""
        if self.stopping:
            return Decided(may_go=False)
        trip.in_flight = True
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bool] = loop.create_future()
        self._leaving.append(_Leaving(trip, Departure(_leases_of(trip.parcel, recipients), self._clock.now()), answer))
        if len(self._leaving) == 1:  # the others of this round of the event loop are asked for together with it
            loop.call_soon(self._depart)
        return answer

    def _depart(self) -> None:
        leaving, self._leaving = self._leaving, []
        try:
            recorded = self._database.submit(depart_together, tuple([one.departure for one in leaving]))
        except DatabaseError as fault:
            self._answer(leaving, fault)
        else:
            recorded.add_done_callback(partial(self._departed, leaving))

    def _departed(self, leaving: "list[_Leaving]", recorded: "asyncio.Future[list[bool]]") -> None:
        self._answer(leaving, recorded.exception() or recorded.result())

    def _answer(self, leaving: "list[_Leaving]", said: list[bool] | BaseException) -> None:
        if isinstance(said, DatabaseError):
            _log.error("%d flight records could not be written, so the mail is held back: %s", len(leaving), said)
            said = [False] * len(leaving)
        for place, (trip, departure, answer) in enumerate(leaving):
            if answer.done():  # the transport has given up
                continue
            if isinstance(said, BaseException):
                answer.set_exception(said)
                continue
            if said[place]:
                trip.departed.update([lease.id for lease in departure.leases])
            else:
                trip.in_flight = bool(trip.departed)
                trip.kept_back = True
                self._on_kept_back(trip.parcel)
            answer.set_result(said[place])

    # ── results ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _land(self, trip: Trip, report: SendReport) -> None:
        now = self._clock.now()
        outcomes = {outcome.recipient.addr_spec: outcome for outcome in report.outcomes}
        settled = tuple(
            [self._settled(lease, outcomes.get(lease.recipient), now, trip) for lease in trip.parcel.leases]
        )
        if len(settled) > 1 and Ability.SEPARATE_ENVELOPE not in self._transport.abilities:
            settled = _again_together(settled)
        route, roads = _taken(report, self._transport.name)
        self._write(Landing(settled, route, trip.started_at, now, roads))

    def _settled(self, lease: Lease, outcome: Outcome | None, now: float, trip: Trip) -> Settled:
        if outcome is not None and was_tried(outcome):
            self._refused.pop(lease.id, None)
            return Settled(lease, judge(lease, outcome, self.streams[lease.stream], now, self._chance), outcome)
        if lease.expires_at is not None and lease.expires_at <= now:
            return given_up_in_flight(lease, now)
        return given_back(lease, now + self._longer(lease) if trip.kept_back else 0.0)

    def _longer(self, lease: Lease) -> float:
        """How long a delivery waits after one more refused flight record."""
        if len(self._refused) >= MOST_REFUSED:
            del self._refused[next(iter(self._refused))]
        seconds = min(2 * self._refused.pop(lease.id, REFUSED_FIRST / 2), REFUSED_LONGEST)
        self._refused[lease.id] = seconds
        return seconds

    def give_back(self, parcel: Parcel, *, delay: float = 0.0) -> None:
        """Return a parcel that was not tried, for ``delay`` seconds from now at the least."""
        now = self._clock.now()
        settled = tuple([given_back(lease, now + delay if delay else 0.0) for lease in parcel.leases])
        self._write(Landing(settled, self._transport.name, now, now))

    def _write(self, landing: Landing) -> None:
        """Have a landing written down, together with the others of this round of the event loop."""
        self._landed.append(landing)
        if len(self._landed) == 1:
            asyncio.get_running_loop().call_soon(self._write_landed)

    def _write_landed(self) -> None:
        landings, self._landed = tuple(self._landed), []
        if landings:
            self._follow(landings, self._database.submit(record, landings))

    def _follow(self, landings: tuple[Landing, ...], written: "asyncio.Future[None]") -> None:
        self._unwritten.add(written)
        written.add_done_callback(partial(self._written, landings))

    def _written(self, landings: tuple[Landing, ...], written: "asyncio.Future[None]") -> None:
        self._unwritten.discard(written)
        fault = None if written.cancelled() else written.exception()
        if fault is None:
            if any(one.outcome is None for landing in landings for one in landing.settled):
                self._on_given_back()
            return
        _log.error("what became of %d messages could not be written down: %s", len(landings), fault)
        if not self.stopping:  # else the next worker finds them in flight, and calls them uncertain
            self._follow(landings, asyncio.ensure_future(self._write_again(landings)))

    async def _write_again(self, landings: tuple[Landing, ...]) -> None:
        await self._clock.sleep(WRITE_AGAIN_AFTER)
        await self._database.submit(record, landings)

    async def written(self) -> None:
        """Return when everything that was heard so far is on disk."""
        self._write_landed()
        while self._unwritten:
            await asyncio.wait(self._unwritten)


def _again_together(settled: tuple[Settled, ...]) -> tuple[Settled, ...]:
    """Have those that are tried again come due together: this route takes a message for all of them, or not at all."""
    latest = max(one.verdict.due_at for one in settled)
    return tuple([one._replace(verdict=one.verdict._replace(due_at=latest)) for one in settled])


def _taken(report: SendReport, route: str) -> tuple[str, str | None]:
    """The road that a message took in the end; and all of them, as JSON, where the route is made of several."""
    if not report.routes:
        return route, None
    roads = [{"route": one.route, "error": None if one.error is None else str(one.error)} for one in report.routes]
    return report.routes[-1].route, json.dumps(roads)


def _leases_of(parcel: Parcel, recipients: tuple[Address, ...]) -> tuple[Lease, ...]:
    if len(recipients) == len(parcel.leases):
        return parcel.leases
    accepted = {recipient.addr_spec for recipient in recipients}
    return tuple([lease for lease in parcel.leases if lease.recipient in accepted])


def _cut_short(trip: Trip, error: PostroadError) -> SendReport:
    """The report of a trip that an error ended outside of the transport's own report."""
    unknown = OutcomeUnknown(f"no answer to the final dot: {error.message}", phase=Phase.DOT)
    outcomes = []
    for lease in trip.parcel.leases:
        departed = lease.id in trip.departed
        result, cause = (Result.UNKNOWN, unknown) if departed else (Result.REFUSED, error)
        outcomes.append(Outcome(Address(lease.recipient), result, cause.phase or Phase.CONNECT, cause.reply, cause))
    return SendReport(tuple(outcomes), error=error)
