"""``Outbox``: the outbox for blocking code.

Sending and looking happen in the caller's thread, without an event loop: the writer thread is the only hop. Delivering
runs in an event loop in a thread of its own.
"""

import contextlib
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Self

from postroad.chance import SYSTEM_CHANCE, Chance
from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.mailer.compose import Sendable
from postroad.mailer.dkim import DkimKeys
from postroad.message.seal import DEFAULT_MAX_SIZE
from postroad.outbox import amend
from postroad.outbox.blocking_worker import BlockingWorker
from postroad.outbox.callers.recognise import BlockingConnection
from postroad.outbox.callers.transaction import enqueue_within
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
from postroad.outbox.suppressions import Suppressions
from postroad.outbox.suspend import Suspension
from postroad.retry import Schedule


class Outbox:
    """Remembers messages durably and has workers deliver them. Thread-safe; not picklable; survives a fork.

    ``url`` is ``sqlite:///relative.db``, ``sqlite:////absolute.db``, ``sqlite:///:memory:`` (this process only) or
    ``postgresql://user:password@host/database``. ``streams`` declares what differs from what is usual; it is kept in
    the database. ``max_size`` is in octets of content, ``None`` for no limit. ``retention`` says how long the workers
    of this outbox keep what is over. Opening makes or migrates a file; ``postroad db migrate`` does so on a server.

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
        self._running: set[BlockingWorker] = set()

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
    def suppressions(self) -> Suppressions:
        """Who gets no mail, or none of a stream, and why."""
        return Suppressions(self._store.database, self._store.clock)

    def send(
        self,
        message: Sendable,
        *,
        idempotency_key: str | None = None,
        stream: str = "transactional",
        send_at: Moment | None = None,
        expires_at: Moment | None = None,
        connection: BlockingConnection | None = None,
    ) -> Receipt:
        """Queue a message; when this returns, it is on disk.

        ``message`` is an ``Email``, a ``RawMessage`` or a standard ``email.message.EmailMessage``. The same
        ``idempotency_key`` with the same message returns the first receipt; the hash covers envelope, content and
        stream, not the times. ``send_at`` and ``expires_at`` are aware datetimes, or timedeltas from now.

        With a ``connection`` the message is written through it, in its transaction, and nothing is committed: the mail
        exists exactly if what else is in that transaction does. It is a SQLAlchemy ``Connection`` or ``Session``, a
        psycopg 3 ``Connection`` or a ``sqlite3.Connection``, to the outbox's own database. What the driver raises is
        raised as it is. ``wake`` of the receipt, after the commit, saves the workers the time to their next look.

        Raises:
            MessageError: the message or an argument is wrong; it is named, and nothing was queued.
            ConfigurationError: the connection leads to another database, or is none that can be used; nothing was
                written.
            IdempotencyConflict: the key is known with another message.
            DatabaseError: the database cannot be written now; nothing was queued.
        """
        job = self._store.job(message, Wish(stream, idempotency_key, send_at, expires_at))
        captured = self._store.intercepted(job)
        if captured is not None:
            return captured
        if connection is not None:
            return self._store.receipt(job, enqueue_within(self._store.home, connection, job))
        queued = self._store.database.write(enqueue, job, octets=len(job.mail.content), news=True)
        self._store.wake_workers()
        return self._store.receipt(job, queued)

    # ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────

    def status(self, id: str) -> MessageStatus:  # noqa: A002  # the word of the receipt
        """Where a message stands, for each recipient, with every attempt and event.

        Raises:
            NotFound: there is no such message.
        """
        return self._store.database.read(lambda connection: message_status(connection, id, self._store.clock.now()))

    def find(
        self,
        *,
        state: str | None = None,
        recipient: str | None = None,
        domain: str | None = None,
        stream: str | None = None,
        remote_id: str | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> tuple[QueueEntry, ...]:
        """Deliveries, one for each recipient, newest first, for which everything holds that is given.

        ``remote_id`` is the name that an email API gave the message, as its webhooks have it
        (``ProviderEvent.remote_id``).

        Raises:
            ConfigurationError: there is no such state.
            AddressError: ``recipient`` is no address.
        """
        search = Search(state, recipient, domain, stream, remote_id, limit)
        return self._store.database.read(lambda connection: entries(connection, search, self._store.clock.now()))

    def export(
        self,
        *,
        state: str | None = None,
        recipient: str | None = None,
        domain: str | None = None,
        stream: str | None = None,
        remote_id: str | None = None,
    ) -> Iterator[QueueEntry]:
        """All that ``find`` finds without a limit, in bounded memory however many there are.

        What is queued meanwhile is left out; each entry is as it stood when it was read.

        Raises:
            ConfigurationError: there is no such state.
            AddressError: ``recipient`` is no address.
        """
        search = Search(state, recipient, domain, stream, remote_id, BATCH)
        behind: int | None = None
        while (found := self._page(search, behind)).end is not None:
            yield from found.entries
            behind = found.end

    def _page(self, search: Search, behind: int | None) -> Page:
        return self._store.database.read(lambda connection: page(connection, search, behind, self._store.clock.now()))

    def stats(self, *, by_site: bool = False) -> OutboxStats:
        """How many recipients are in each state, how long the oldest has been due, and what rests.

        ``by_site`` adds what waits for each site, for which the whole queue is walked along once.
        """
        look = stats_by_site if by_site else stats
        return self._store.database.read(lambda connection: look(connection, self._store.clock.now()))

    def explain(self, address_or_domain: str) -> Explanation:
        """Why mail to an address or a domain is where it is, and when it is tried next.

        Workers that are alive, what they keep to, what was learnt, paused and suppressed, and for each delivery (some
        of them, where there are many) the reason in a word and in a sentence. What a worker keeps in its memory is as
        of the last second or so.

        Raises:
            AddressError: it is neither an address nor a domain.
        """
        subject = read_subject(address_or_domain)
        return self._store.database.read(lambda connection: explain(connection, subject, self._store.clock.now()))

    def overrides(self) -> tuple[OverrideShown, ...]:
        """The limits that hold for a while beside the rules: learnt from replies, until when, and why."""
        found = self._store.database.read(lambda connection: overrides(connection, self._store.clock.now()))
        return tuple([shown(one) for one in found])

    def events(self, *, since: Position | None = None, last: int = DEFAULT_LIMIT) -> LogPage:
        """The event log behind the position of an earlier page; without one, the last so many events."""
        return self._store.database.read(lambda connection: log_page(connection, since, last))

    def follow(self, *, since: Position | None = None) -> Generator[LogEntry]:
        """Events as they come, in any process, behind the position of a page; without one, from now on. Endless."""
        changed = threading.Event()
        with contextlib.closing(self._store.database.watch(changed.set)) as watch:
            page = self.events(since=since, last=0)
            while True:
                yield from page.entries
                while not watch.changed():
                    changed.wait(LOOK_EVERY)
                    changed.clear()
                page = self.events(since=page.position)

    # ── changing ──────────────────────────────────────────────────────────────────────────────────────────────────

    def cancel(self, *ids: str) -> tuple[amend.Amended, ...]:
        """Take messages back; the answer tells for each recipient whether it was done or is too late.

        Raises:
            NotFound: there is no message with one of the ids; nothing was changed.
        """
        return self._amend(amend.cancel, ids)

    def hold(self, *ids: str) -> tuple[amend.Amended, ...]:
        """Set messages aside until they are released; the answer tells for each recipient whether it was too late.

        What is held expires when its time is used up.

        Raises:
            NotFound: there is no message with one of the ids; nothing was changed.
        """
        return self._amend(amend.hold, ids)

    def release(self, *ids: str) -> tuple[amend.Amended, ...]:
        """Let messages go on that were held: now, or when they are due.

        Raises:
            NotFound: there is no message with one of the ids; nothing was changed.
        """
        return self._amend(amend.release, ids)

    def retry(self, *ids: str) -> tuple[amend.Amended, ...]:
        """Make messages due now. A refused or expired delivery stays, and a new one is made for its recipient.

        Raises:
            NotFound: there is no message with one of the ids; nothing was changed.
        """
        return self._amend(amend.retry, ids)

    def pause(
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
        """Try nothing for one of these, in no process, until it is resumed or ``until`` has come.

        Exactly one is named: a ``domain`` of recipients, a ``site`` (who receives for it, and for others maybe), a
        ``stream``, an ``account`` of workers (``user@host:port``), or a ``source`` address that they send from. No
        attempts are spent, and what has a final dot under way goes on. ``until`` is an aware datetime, or a timedelta
        from now. A domain that is named as a site stands for the site that receives for it. Where nobody knows anything
        of that name it rests all the same, and the answer's ``note`` says so.

        Raises:
            ConfigurationError: not exactly one is named, or an argument is wrong; it is named.
            MessageError: ``until`` is no time, or the stream no name of a stream.
        """
        target = read_target(Named(domain, site, stream, account, source))
        return self._store.database.write(pause, read_pause(target, until, who, why, self._store.clock.now()))

    def resume(
        self,
        *,
        domain: str | None = None,
        site: str | None = None,
        stream: str | None = None,
        account: str | None = None,
        source: str | None = None,
    ) -> Suspension | None:
        """Let go on what was paused; what rested, or ``None`` where nothing did.

        Raises:
            ConfigurationError: not exactly one is named.
        """
        target = read_target(Named(domain, site, stream, account, source))
        rested = self._store.database.write(resume, Resume(target, self._store.clock.now()), news=True)
        self._store.wake_workers()
        return rested

    def cancel_override(self, scope: str, key: str) -> bool:
        """End limits that were to hold for a while, by their scope and key; whether there were any. Workers hear it."""
        cancelled = self._store.database.write(cancel_override, Cancelling(scope, key), news=True)
        self._store.wake_workers()
        return cancelled

    def _amend(self, verb: amend.Verb, ids: tuple[str, ...]) -> tuple[amend.Amended, ...]:
        answers = self._store.database.write(verb, amend.Wish(ids, self._store.clock.now()), news=True)
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
    ) -> BlockingWorker:
        """A worker for this outbox: ``with`` runs it in the background; or call its ``run()`` or ``drain()``.

        ``route`` is a URL, an ``Smtp``, a transport or a mailer; ``concurrency`` how many messages are under way at
        once, by default as many as the transport can use. ``schedule`` says when to try again, instead of what is usual
        for each stream. ``dkim`` holds the keys that sign, one or several; a mailer brings its own. ``limits`` is a
        TOML file of own limits and rules, laid over the shipped ones, or ``Rules``.

        Raises:
            ConfigurationError: the route is none, a key is wrong, or the limits cannot be read.
        """
        return BlockingWorker(self._store.worker(route, concurrency, schedule, dkim, limits), self._running)

    # ── life ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def close(self) -> None:
        """Stop this outbox's workers, write what waits and close the database. Closing twice is nothing."""
        for worker in tuple(self._running):
            worker.close()
        self._store.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> str:
        raise TypeError("an outbox holds connections and is not picklable; pass its URL")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"
