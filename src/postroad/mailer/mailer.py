"""``AsyncMailer``: send now, in this call, and learn what became of each recipient."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from postroad.chance import SYSTEM_CHANCE, Chance
from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.errors import MessageError
from postroad.mailer.compose import Sendable, compose
from postroad.mailer.hold import held_until
from postroad.mailer.intercept import interceptor
from postroad.mailer.many import MESSAGES_AHEAD, Numbered, Sending
from postroad.mailer.retrying import merged, unfinished, wait_before
from postroad.mailer.source import source_of
from postroad.message.envelope import MailObject
from postroad.message.seal import DEFAULT_MAX_SIZE
from postroad.outcome import SendReport
from postroad.retry import NO_RETRY, WITHIN_CALL, Retry, Schedule
from postroad.secret import Secret
from postroad.transport.contract import BeforeCommit, CheckReport, Transport
from postroad.transport.naps import Naps
from postroad.transport.route import Route, transport_of

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from email.message import Message as StandardMessage

    from postroad.mailer.dkim import DkimKeys


class AsyncMailer:
    """Sends messages over one route, with a pool of connections. Belongs to one event loop; not picklable.

    ``route`` is a URL, an ``Smtp``, several routes as a ``Failover`` or its like, or a transport. ``retry`` says when
    ``send`` tries again by itself, within the call (``None``: never); by default twice, after about half a second and
    two seconds, and never where it could double. ``dkim`` holds the keys that sign, one or several; a route to an email
    API signs by itself, with keys that its provider has.

    Raises:
        ConfigurationError: the route, the account or a key is wrong; nothing is connected yet.
    """

    def __init__(
        self,
        route: Route,
        *,
        username: str | None = None,
        password: Secret | str | None = None,
        dkim: "DkimKeys | None" = None,
        retry: Schedule | None = WITHIN_CALL,
        clock: Clock = SYSTEM_CLOCK,
        chance: Chance = SYSTEM_CHANCE,
    ) -> None:
        self.transport: Transport = transport_of(route, username=username, password=password)
        if dkim is not None:
            # Late: only who signs loads the cryptography for it.
            from postroad.mailer.signing_transport import signing_over

            self.transport = signing_over(self.transport, dkim, clock=clock)
        self._retries = retry or NO_RETRY
        self._clock = clock
        self._chance = chance
        self._naps = Naps(clock)  # before another try

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, *, retry: Schedule | None = WITHIN_CALL) -> Self:
        """A mailer for the route that the environment names; see ``postroad.mailer.environment``.

        Raises:
            ConfigurationError: naming the variable that is missing or wrong.
        """
        from postroad.mailer.environment import dkim_from, route_from

        return cls(route_from(environ), dkim=dkim_from(environ), retry=retry)

    # ── sending ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def send(
        self,
        message: Sendable,
        *,
        retry: Schedule | Retry | None = Retry.AS_SET,
        send_at: "datetime | timedelta | None" = None,
    ) -> SendReport:
        """Send one message; return what became of each recipient if at least one was accepted.

        ``retry`` is for this message alone; ``None``: a single try. ``send_at`` (aware, or how long from now) has an
        email API hold the message until then, where it can; an outbox does so for every route.

        Raises:
            MessageError: the message is wrong; nothing was connected.
            Unsupported: ``send_at``, and this route holds no mail.
            PostroadError: nobody was accepted: ``RecipientsRefused``, ``SenderRefused``, ``DataError``,
                ``OutcomeUnknown``, ``ConnectError`` and so on; its ``report`` has the recipients.
        """
        mail = self.compose(message, send_at)
        return self.checked(await self.tried_on(mail, await self.first_try(mail), retry=retry))

    async def send_message(
        self,
        message: "StandardMessage",
        from_addr: str | None = None,
        to_addrs: str | Iterable[str] | None = None,
    ) -> SendReport:
        """Send a standard ``email.message.EmailMessage`` with ``smtplib.SMTP.send_message``'s meaning.

        The envelope comes from the headers (Sender or From; To, Cc, Bcc; the Resent fields where there are any) unless
        it is given; Bcc is not sent.

        Raises:
            PostroadError: see ``send``.
        """
        from postroad.mailer.standard_message import raw_from

        return await self.send(raw_from(message, from_addr=from_addr, to_addrs=to_addrs, clock=self._clock))

    async def send_many(self, messages: Iterable[Sendable] | AsyncIterable[Sendable]) -> AsyncIterator[SendReport]:
        """Send many messages over the pool, pipelined; yield their reports in order of completion.

        Never raises for one message: its report has ``index`` and ``error``. Messages are taken from the iterable only
        a little ahead. Leaving the loop early lets final dots that went out be answered, and drops the rest unsent.
        What the iterable raises is raised when the messages it gave before have their reports.
        """
        sending, source = self.sending(), source_of(messages)
        try:
            while True:
                while sending.has_room and not source.exhausted and (following := source.take()) is not None:
                    sending.add(self.numbered(*following))
                for report in sending.reports():
                    yield report
                if source.exhausted and not sending.under_way:
                    if source.fault is not None:
                        raise source.fault
                    return
                await sending.something(source.asked if sending.has_room else None)
        except asyncio.CancelledError:
            sending.drop()
            raise
        finally:
            await source.aclose()
            await sending.leave()

    def sending(self) -> Sending:
        """A window of messages under way, for ``send_many`` on both faces."""
        window = max(MESSAGES_AHEAD, self.transport.concurrency)
        return Sending(self.first_try, self._further_tries, window, self._clock)

    def numbered(self, index: int, message: Sendable) -> Numbered:
        """The composed message with its place, or what kept it from being composed."""
        try:
            return Numbered(index, self.compose(message))
        except MessageError as error:
            return Numbered(index, error)

    def compose(self, message: Sendable, send_at: "datetime | timedelta | None" = None) -> MailObject:
        """Fix Message-ID, Date and bytes.

        Raises:
            MessageError: too large for this route, or no message.
            Unsupported: it is to be held until a time, which this route cannot.
        """
        limit = self.transport.max_size
        mail = compose(message, clock=self._clock, max_size=DEFAULT_MAX_SIZE if limit is None else limit)
        return mail if send_at is None else held_until(mail, send_at, self.transport, self._clock.now())

    def checked(self, report: SendReport) -> SendReport:
        """The report if at least one recipient was accepted; else its error is raised."""
        if report.error is not None and not report.accepted:
            raise report.error
        return report

    # ── tries ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> SendReport:
        """Try a composed message, again where that can help; the report says all, a refusal is not raised."""
        return await self.tried_on(mail, await self.first_try(mail, before_commit), before_commit)

    async def tried_on(
        self,
        mail: MailObject,
        report: SendReport,
        before_commit: BeforeCommit | None = None,
        *,
        retry: Schedule | Retry | None = Retry.AS_SET,
    ) -> SendReport:
        """After the first try, again where that can help."""
        further = self._further_tries(mail, report, before_commit, retry)
        return report if further is None else await further

    def first_try(self, mail: MailObject, before_commit: BeforeCommit | None = None) -> "asyncio.Future[SendReport]":
        if (capture := interceptor()) is not None:
            captured: asyncio.Future[SendReport] = asyncio.get_running_loop().create_future()
            captured.set_result(capture.sent(mail))
            return captured
        return asyncio.ensure_future(self.transport.deliver(mail, before_commit=before_commit))

    def _further_tries(
        self,
        mail: MailObject,
        report: SendReport,
        before_commit: BeforeCommit | None,
        retry: Schedule | Retry | None = Retry.AS_SET,
    ) -> "asyncio.Future[SendReport] | None":
        if report.all_accepted or unfinished(mail, report, self.transport.abilities) is None:
            return None
        schedule = self._retries if isinstance(retry, Retry) else retry or NO_RETRY
        return asyncio.ensure_future(self._retry(mail, report, before_commit, schedule))

    async def _retry(
        self, mail: MailObject, report: SendReport, before_commit: BeforeCommit | None, schedule: Schedule
    ) -> SendReport:
        started = self._clock.monotonic()
        attempts = 1
        while (again := unfinished(mail, report, self.transport.abilities)) is not None:
            age = self._clock.monotonic() - started
            wait = wait_before(schedule, attempts, age, report, self._chance)
            if wait is None or not await self._naps.rested(wait):
                break
            attempts += 1
            report = merged(report, await self.first_try(again, before_commit), attempts)
        if report.error is not None:
            report.error.report = report
        return report

    # ── the rest ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def check(self) -> CheckReport:
        """Connect, negotiate TLS, authenticate, and say what was seen, without sending.

        Raises:
            PostroadError: what is wrong, with its advice.
        """
        return await self.transport.check()

    async def aclose(self) -> None:
        """Let what is under way finish, but begin no further tries, and close the connections."""
        self._naps.call_off()
        await self.transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __reduce__(self) -> str:
        raise TypeError("a mailer holds connections and is not picklable; pass its URL")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.transport.name!r})"
