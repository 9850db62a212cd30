"""The transport of every email API: a provider's pure functions, and a wire that carries their requests."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from postroad.clock import SYSTEM_CLOCK, Clock, as_datetime
from postroad.errors import (
    Abandoned,
    AuthenticationError,
    ConfigurationError,
    MessageError,
    OutcomeUnknown,
    PostroadError,
)
from postroad.message.envelope import MailObject
from postroad.net.secrets.store import SYSTEM_SECRETS
from postroad.outcome import SendReport, failed, with_error
from postroad.providers import answers
from postroad.providers.contract import IDEMPOTENCY_KEY, HttpReply, HttpRequest, Provider
from postroad.providers.contract import Ability as ProviderAbility
from postroad.providers.letter import check_hold, in_parts
from postroad.reply import Phase
from postroad.secret import Secret
from postroad.transport.contract import Ability, BeforeCommit, CheckReport
from postroad.transport.gcra import Rate
from postroad.transport.naps import Naps
from postroad.transport.pace import Pace
from postroad.transport.provider_api.aws_keys import AwsKeys
from postroad.transport.provider_api.rides import Ride, Rides
from postroad.transport.provider_api.wire import HttpxWire, Wire, checked_endpoint, require_httpx

LONGEST_TURN: Final = 300.0  # seconds that a message waits for its turn, as SMTP's pool_timeout
LOOK_AHEAD: Final = 50  # messages under way for each connection, where they go together
# Seconds before the same request is made again with its idempotency key, after one without an answer.
ASK_AGAIN: Final = (1.0, 3.0)


class ProviderApiTransport:
    """``postmark://``, ``ses://`` and the others. Belongs to the event loop of its first use, until closed.

    ``wire`` makes what carries the requests; left out, httpx does.

    Raises:
        ConfigurationError: a setting of the account is wrong; ``MissingExtra`` where httpx is not installed.
    """

    def __init__(
        self, provider: Provider, *, clock: Clock = SYSTEM_CLOCK, wire: Callable[[Provider], Wire] | None = None
    ) -> None:
        if wire is None:
            require_httpx()
        checked_endpoint(provider)
        self.provider: Final = provider
        self._make_wire: Callable[[Provider], Wire] = wire or HttpxWire
        self._clock = clock
        self._naps = Naps(clock)
        self._pace = None
        if provider.rate is not None:
            self._pace = Pace(Rate.read(provider.rate, burst=provider.burst), LONGEST_TURN, clock)
        self._machine_keys = AwsKeys()
        self._line: _Line | None = None

    def renewed(self) -> "ProviderApiTransport":
        """The same account with connections of its own."""
        return ProviderApiTransport(self.provider, clock=self._clock, wire=self._make_wire)

    @property
    def name(self) -> str:
        return self.provider.account

    @property
    def abilities(self) -> frozenset[Ability]:
        provided = {one.value for one in self.provider.abilities}
        return frozenset({Ability.REMOTE, *(one for one in Ability if one.value in provided)})

    @property
    def concurrency(self) -> int:
        return self.provider.connections * min(self.provider.together, LOOK_AHEAD)

    @property
    def max_size(self) -> int:
        return self.provider.max_size

    def supports(self, ability: str) -> bool:
        """Whether the provider can do something, by the word for it: ``"send_at"``."""
        return self.provider.supports(ability)

    # ── delivering ────────────────────────────────────────────────────────────────────────────────────────────────

    async def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> SendReport:
        """See ``Transport.deliver``."""
        parts = in_parts(self.provider, mail)
        reports = [await self._deliver(part, before_commit) for part in parts]
        return reports[0] if len(reports) == 1 else _joined(reports)

    async def _deliver(self, mail: MailObject, before_commit: BeforeCommit | None) -> SendReport:
        line = self._own_line()
        try:
            check_hold(self.provider, mail, self._clock.now())
            document = self.provider.prepared(mail)
            await self._turn()
            await self._keys()  # a secret that cannot be found stops the message before anything is promised
        except MessageError:
            raise
        except PostroadError as fault:
            return failed(mail.envelope.recipients, fault)
        if before_commit is not None and not await before_commit(mail.envelope.recipients):
            return failed(mail.envelope.recipients, Abandoned("taken back before it was sent", phase=Phase.DATA))
        report = await line.rides.take(mail, document, alone=not self.provider.goes_together(mail))
        if ProviderAbility.SEPARATE_ENVELOPE in self.provider.abilities:
            return await self._with_the_rest(mail, report)
        return report

    async def _with_the_rest(self, mail: MailObject, report: SendReport) -> SendReport:
        """The report, after those whom nobody has refused were sent to without those who are."""
        parts = answers.without_the_refused(mail, report)
        if not parts:
            return report
        # The caller has been asked already, for all of them.
        reports = [await self._deliver(part, before_commit=None) for part in parts]
        of = {one.recipient.key: one for made in (report, *reports) for one in made.outcomes}
        whole = _joined([report, *reports])
        outcomes = tuple([of[one.key] for one in mail.envelope.recipients])
        error = None if any(one.accepted for one in outcomes) else _weightiest([one.error for one in reports])
        return with_error(replace(whole, outcomes=outcomes), error)

    async def _turn(self) -> None:
        if self._pace is not None and not await self._pace.turn():
            raise Abandoned("the transport was closed before this message was tried", phase=Phase.POOL)

    async def _carry(self, rides: tuple[Ride, ...]) -> tuple[SendReport, ...]:
        request = self.provider.request(tuple([ride.document for ride in rides]))
        mails = tuple([ride.mail for ride in rides])
        reports = await self._answered(mails, request)
        if answers.judged_together(reports):
            # One of them may be what all were refused for, and nothing was sent: each is asked about alone.
            return tuple([(await self._carry((ride,)))[0] for ride in rides])
        return reports

    async def _answered(self, mails: tuple[MailObject, ...], request: HttpRequest) -> tuple[SendReport, ...]:
        reports = await self._reports(mails, request)
        if IDEMPOTENCY_KEY not in request.headers:
            return reports
        for seconds in ASK_AGAIN:
            if not any(isinstance(one.error, OutcomeUnknown) for one in reports):
                break
            if not await self._naps.rested(seconds):
                break
            # The key makes this a question what became of the first one, and no second mail.
            asked = await self._reports(mails, request)
            if any(isinstance(one.error, OutcomeUnknown) or one.accepted for one in asked) or _settled(asked):
                reports = asked
        return reports

    async def _reports(self, mails: tuple[MailObject, ...], request: HttpRequest) -> tuple[SendReport, ...]:
        try:
            reply = await self._exchange(self._own_line().wire, request)
        except PostroadError as fault:
            return answers.stopped(mails, fault)
        return self.provider.reports(mails, reply, as_datetime(self._clock.now()))

    async def _exchange(self, wire: Wire, request: HttpRequest) -> HttpReply:
        """The answer, where a key that was changed where it is kept is found anew once."""
        keys = await self._keys()
        reply = await self._say(wire, request, keys)
        if reply.status not in (401, 403) or all(one.reference is None for one in self.provider.secrets.values()):
            return reply
        for name, secret in self.provider.secrets.items():
            SYSTEM_SECRETS.forget(secret, keys[name])
        renewed = await self._keys()
        return reply if renewed == keys else await self._say(wire, request, renewed)

    async def _say(self, wire: Wire, request: HttpRequest, keys: dict[str, Secret]) -> HttpReply:
        revealed = {name: secret.reveal() for name, secret in keys.items()}
        now = as_datetime(self._clock.now())
        return await wire.exchange(self.provider.authorized(request, revealed, now))

    async def _keys(self) -> dict[str, Secret]:
        secrets = self.provider.secrets
        if not secrets:  # the account is that of the machine
            return await self._machine_keys.get()
        return {name: await SYSTEM_SECRETS.fetch(secret) for name, secret in secrets.items()}

    # ── the rest ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _own_line(self) -> "_Line":
        loop = asyncio.get_running_loop()
        line = self._line
        if line is not None and (line.pid, line.loop) == (os.getpid(), loop):
            return line
        if line is not None and line.pid == os.getpid() and not line.loop.is_closed():
            raise ConfigurationError(
                f"{self.name} is in use in another event loop; give each loop its own mailer", setting="transport"
            )
        self._line = _Line(self._make_wire(self.provider), self._rides(), loop)
        return self._line

    def _rides(self) -> Rides:
        return Rides(self._carry, connections=self.provider.connections, together=self.provider.together)

    async def check(self) -> CheckReport:
        """Ask the provider for something that sends nothing, with the account's key."""
        wire = self._make_wire(self.provider)
        try:
            reply = await self._exchange(wire, self.provider.probe())
        finally:
            await wire.aclose()
        seen = self.provider.probed(reply, as_datetime(self._clock.now()))
        return CheckReport(self.name, (f"reached {checked_endpoint(self.provider)}", *seen))

    async def aclose(self) -> None:
        """Requests under way end; waiting messages are dropped; the connections are closed."""
        if self._pace is not None:
            self._pace.call_off()
        self._naps.call_off()
        line, self._line = self._line, None
        if line is None or line.pid != os.getpid() or line.loop.is_closed():
            return
        await line.rides.finish()
        await line.wire.aclose()


class _Line:
    """What belongs to one event loop of one process."""

    def __init__(self, wire: Wire, rides: Rides, loop: asyncio.AbstractEventLoop) -> None:
        self.wire = wire
        self.rides = rides
        self.loop = loop
        self.pid = os.getpid()


def _settled(reports: tuple[SendReport, ...]) -> bool:
    """The provider has judged the request itself: not its key, not its own trouble."""
    return all(
        one.error is None or not (one.error.temporary or isinstance(one.error, AuthenticationError)) for one in reports
    )


def _joined(reports: list[SendReport]) -> SendReport:
    """One report of a message that went in several requests."""
    outcomes = tuple([outcome for report in reports for outcome in report.outcomes])
    error = None
    if not any(outcome.accepted for outcome in outcomes):
        error = _weightiest([report.error for report in reports])
    ids = " ".join(report.remote_id for report in reports if report.remote_id)
    return with_error(replace(reports[0], outcomes=outcomes, remote_id=ids or None), error)


def _weightiest(errors: list[PostroadError | None]) -> PostroadError | None:
    """The one that leaves most open."""
    found = [one for one in errors if one is not None]
    return min(found, key=lambda one: (not one.ambiguous, not one.temporary), default=None)
