"""``AsyncOutbox``: the outbox for asynchronous code."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Connection

from postroad.chance import SYSTEM_CHANCE, Chance
from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.mailer.compose import Sendable
from postroad.mailer.dkim import DkimKeys
from postroad.message.seal import DEFAULT_MAX_SIZE
from postroad.outbox import amend
from postroad.outbox.bell import Bell
from postroad.outbox.callers.recognise import AsynchronousConnection
from postroad.outbox.callers.transaction import enqueue_within_async
from postroad.outbox.enqueue import enqueue
from postroad.outbox.event_log import LOOK_EVERY, LogEntry, LogPage, log_page
from postroad.outbox.explain import explain, read_subject
from postroad.outbox.explanation import Explanation
from postroad.outbox.find import BATCH, DEFAULT_LIMIT, Page, Search, entries, page
from postroad.outbox.inspect import message_status
from postroad.outbox.job import Moment, Receipt
from postroad.outbox.log_position import Position
from postroad.outbox.override import Cancelling, OverrideShown, cancel_override, overrides, shown
from postroad.outbox.pause import Named, Resume, pause, read_pause, read_target, resume
from postroad.outbox.retention import DEFAULT_RETENTION, Retention
from postroad.outbox.route import WorkerRoute
from postroad.outbox.stats import stats, stats_by_site
from postroad.outbox.status import MessageStatus, OutboxStats, QueueEntry
from postroad.outbox.store import OwnLimits, Store, Wish, default_url
from postroad.outbox.stream import Stream
from postroad.outbox.suppressions import AsyncSuppressions
from postroad.outbox.suspend import Suspension
from postroad.outbox.worker import Worker
from postroad.retry import Schedule

R = TypeVar("R")


class AsyncOutbox:
    """Remembers messages durably and has workers deliver them. Same verbs as ``Outbox``, with ``await``.

    May be used from several event loops; a ``worker`` belongs to the loop it is entered in. Opening makes or migrates
    the database, in this call.

    Raises:
        ConfigurationError: the database URL, its folder, file or schema cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        streams: Iterable[Stream] = (),
        max_size: int | None = DEFAULT_MAX_SIZE,
        retention: Retention = DEFAULT_RETENTION,
        clock: Clock = SYSTEM_CLOCK,
        chance: Chance = SYSTEM_CHANCE,
    ) -> None:
        self._store = Store(url, streams=streams, max_size=max_size, retention=retention, clock=clock, chance=chance)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """The outbox that ``POSTROAD_DB`` names, else ``postroad.db`` in the user's data folder.

        Raises:
            ConfigurationError: it cannot be used.
        """
        return cls(default_url(environ))

    @property
    def url(self) -> str:
        """The database's URL, absolute."""
        return self._store.database.location.url

    @property
    def suppressions(self) -> AsyncSuppressions:
        """Who gets no mail, or none of a stream, and why."""
        return AsyncSuppressions(self._store.database, self._store.clock)

    async def send(
        self,
        message: Sendable,
        *,
        idempotency_key: str | None = None,
        stream: str = "transactional",
        send_at: Moment | None = None,
        expires_at: Moment | None = None,
        connection: AsynchronousConnection | None = None,
    ) -> Receipt:
        """Queue a message; when this returns, it is on disk. See ``Outbox.send``.

        A ``connection`` is a SQLAlchemy ``AsyncConnection`` or ``AsyncSession``, or a psycopg 3 ``AsyncConnection``.
        """
        job = self._store.job(message, Wish(stream, idempotency_key, send_at, expires_at))
        captured = self._store.intercepted(job)
        if captured is not None:
            return captured
        if connection is not None:
            return self._store.receipt(job, await enqueue_within_async(self._store.home, connection, job))
        queued = await self._store.database.submit(enqueue, job, octets=len(job.mail.content), news=True)
        self._store.wake_workers()
        return self._store.receipt(job, queued)

    # ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def status(self, id: str) -> MessageStatus:  # noqa: A002  # the word of the receipt
        """Where a message stands, for each recipient. See ``Outbox.status``."""
        return await self._read(lambda connection: message_status(connection, id, self._store.clock.now()))

    async def find(
        self,
        *,
        state: str | None = None,
        recipient: str | None = None,
        domain: str | None = None,
        stream: str | None = None,
        remote_id: str | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> tuple[QueueEntry, ...]:
        """Deliveries, newest first. See ``Outbox.find``."""
        search = Search(state, recipient, domain, stream, remote_id, limit)
        return await self._read(lambda connection: entries(connection, search, self._store.clock.now()))

    async def export(
        self,
        *,
        state: str | None = None,
        recipient: str | None = None,
        domain: str | None = None,
        stream: str | None = None,
        remote_id: str | None = None,
    ) -> AsyncIterator[QueueEntry]:
        """All that ``find`` finds without a limit. See ``Outbox.export``."""
        search = Search(state, recipient, domain, stream, remote_id, BATCH)
        behind: int | None = None
        while (found := await self._page(search, behind)).end is not None:
            for entry in found.entries:
                yield entry
            behind = found.end

    async def _page(self, search: Search, behind: int | None) -> Page:
        return await self._read(lambda connection: page(connection, search, behind, self._store.clock.now()))

    async def stats(self, *, by_site: bool = False) -> OutboxStats:
        """The outbox in numbers. See ``Outbox.stats``."""
        look = stats_by_site if by_site else stats
        return await self._read(lambda connection: look(connection, self._store.clock.now()))

    async def explain(self, address_or_domain: str) -> Explanation:
        """Why mail to an address or a domain is where it is. See ``Outbox.explain``."""
        subject = read_subject(address_or_domain)
        return await self._read(lambda connection: explain(connection, subject, self._store.clock.now()))

    async def overrides(self) -> tuple[OverrideShown, ...]:
        """The limits that hold for a while. See ``Outbox.overrides``."""
        found = await self._read(lambda connection: overrides(connection, self._store.clock.now()))
        return tuple([shown(one) for one in found])

    async def events(self, *, since: Position | None = None, last: int = DEFAULT_LIMIT) -> LogPage:
        """The event log. See ``Outbox.events``."""
        return await self._read(lambda connection: log_page(connection, since, last))

    async def follow(self, *, since: Position | None = None) -> AsyncGenerator[LogEntry]:
        """Events as they come. See ``Outbox.follow``."""
        bell = Bell()
        watch = await asyncio.to_thread(self._store.database.watch, bell.ring)
        try:
            page = await self.events(since=since, last=0)
            while True:
                for entry in page.entries:
                    yield entry
                while not watch.changed():
                    await bell.wait(self._store.clock, LOOK_EVERY)
                    bell.hush()
                page = await self.events(since=page.position)
        finally:
            await asyncio.to_thread(watch.close)

    async def _read(self, query: Callable[[Connection], R]) -> R:
        return await asyncio.to_thread(self._store.database.read, query)

    # ── changing ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def cancel(self, *ids: str) -> tuple[amend.Amended, ...]:
        """Take messages back. See ``Outbox.cancel``."""
        return await self._amend(amend.cancel, ids)

    async def hold(self, *ids: str) -> tuple[amend.Amended, ...]:
        """Set messages aside until they are released. See ``Outbox.hold``."""
        return await self._amend(amend.hold, ids)

    async def release(self, *ids: str) -> tuple[amend.Amended, ...]:
        """Let messages go on that were held. See ``Outbox.release``."""
        return await self._amend(amend.release, ids)

    async def retry(self, *ids: str) -> tuple[amend.Amended, ...]:
        """Make messages due now. See ``Outbox.retry``."""
        return await self._amend(amend.retry, ids)

    async def pause(
        self,
        *,
        domain: str | None = None,
        site: str | None = None,
        stream: str | None = None,
        account: str | None = None,
        source: str | None = None,
        until: Moment | None = None,
        who: str = "",
        why: str = "",
    ) -> Suspension:
        """Try nothing for one of these for a while. See ``Outbox.pause``."""
        target = read_target(Named(domain, site, stream, account, source))
        return await self._store.database.submit(pause, read_pause(target, until, who, why, self._store.clock.now()))

    async def resume(
        self,
        *,
        domain: str | None = None,
        site: str | None = None,
        stream: str | None = None,
        account: str | None = None,
        source: str | None = None,
    ) -> Suspension | None:
        """Let go on what was paused. See ``Outbox.resume``."""
        target = read_target(Named(domain, site, stream, account, source))
        rested = await self._store.database.submit(resume, Resume(target, self._store.clock.now()), news=True)
        self._store.wake_workers()
        return rested

    async def cancel_override(self, scope: str, key: str) -> bool:
        """End limits that were to hold for a while. See ``Outbox.cancel_override``."""
        cancelled = await self._store.database.submit(cancel_override, Cancelling(scope, key), news=True)
        self._store.wake_workers()
        return cancelled

    async def _amend(self, verb: amend.Verb, ids: tuple[str, ...]) -> tuple[amend.Amended, ...]:
        now = self._store.clock.now()
        answers = await self._store.database.submit(verb, amend.Wish(ids, now), news=True)
        self._store.wake_workers()
        return answers

    # ── delivering ────────────────────────────────────────────────────────────────────────────────────────────────

    def worker(
        self,
        route: WorkerRoute,
        *,
        concurrency: int | None = None,
        schedule: Schedule | None = None,
        dkim: DkimKeys | None = None,
        limits: OwnLimits = None,
    ) -> Worker:
        """A worker for this outbox: ``async with`` runs it in the background; or await its ``run()`` or ``drain()``.

        ``route`` is a URL, an ``Smtp``, a transport or a mailer; ``concurrency`` how many messages are under way at
        once, by default as many as the transport can use. ``schedule`` says when to try again, instead of what is usual
        for each stream. ``dkim`` holds the keys that sign, one or several; a mailer brings its own. ``limits`` is a
        TOML file of own limits and rules, laid over the shipped ones, or ``Rules``.

        Raises:
            ConfigurationError: the route is none, a key is wrong, or the limits cannot be read.
        """
        return self._store.worker(route, concurrency, schedule, dkim, limits)

    # ── life ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def aclose(self) -> None:
        """Stop this outbox's workers, write what waits and close the database. Closing twice is nothing."""
        for worker in tuple(self._store.running):
            worker.stop()
            await worker.finished()
        await asyncio.to_thread(self._store.database.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __reduce__(self) -> str:
        raise TypeError("an outbox holds connections and is not picklable; pass its URL")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"
