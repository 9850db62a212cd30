"""What both faces of the outbox share: from a caller's arguments to a job, and to the receipt."""

import os
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from postroad.chance import SYSTEM_CHANCE, Chance
from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.database.database import Database
from postroad.errors import ConfigurationError
from postroad.mailer.compose import Sendable, compose
from postroad.mailer.dkim import DkimKeys
from postroad.mailer.environment import value_of
from postroad.mailer.intercept import interceptor
from postroad.message.email import Email
from postroad.message.raw import RawMessage
from postroad.outbox.callers.place import Home
from postroad.outbox.destination import Destinations
from postroad.outbox.enqueue import Queued
from postroad.outbox.job import Job, Moment, Receipt, payload_hash, read_key, read_times
from postroad.outbox.retention import DEFAULT_RETENTION, Retention, checked_retention
from postroad.outbox.route import WorkerRoute, worker_transport
from postroad.outbox.shaping.in_force import rules_of
from postroad.outbox.shaping.rules import Rules
from postroad.outbox.shaping.shaper import Shaping
from postroad.outbox.stream import Stream, checked_name
from postroad.outbox.stream_table import Streams, declare, declared
from postroad.outbox.subject import MAX_SUBJECT, subject_of
from postroad.outbox.uuid7 import uuid7
from postroad.outbox.worker import Worker
from postroad.retry import Schedule

_GENERATED: Final = {"message-id": "message_id", "date": "date"}
_NONE: Final[Mapping[str, str]] = MappingProxyType({})


OwnLimits = str | os.PathLike[str] | Rules | None
"""A file of rules beside the shipped ones, or all rules as a value; ``None``: the shipped ones."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller asked for beside the message; see ``Outbox.send``."""

    stream: str
    idempotency_key: str | None
    send_at: Moment | None
    expires_at: Moment | None


class Store:
    """An outbox's database, and what messages are made into on their way there. Thread-safe."""

    def __init__(
        self,
        url: str,
        *,
        streams: Iterable[Stream],
        max_size: int | None,
        retention: Retention = DEFAULT_RETENTION,
        clock: Clock = SYSTEM_CLOCK,
        chance: Chance = SYSTEM_CHANCE,
    ) -> None:
        self.database = Database(url)
        self.home = Home(self.database)
        self.clock = clock
        self.chance = chance
        self.running: set[Worker] = set()
        self._waker = partial(_wake, weakref.ref(self))  # a receipt that is kept must not keep the database open
        self._max_size = max_size
        self._retention = checked_retention(retention)
        declarations = tuple(streams)
        if declarations:
            self.database.write(declare, declarations)
        self._streams: Streams = self.database.read(declared)

    # ── sending ───────────────────────────────────────────────────────────────────────────────────────────────────

    def job(self, message: Sendable, wish: Wish) -> Job:
        """The message as it will be queued: sealed, timed, checked.

        Raises:
            MessageError: the message or an argument is wrong; it is named.
        """
        stream = self._streams[checked_name(wish.stream)]
        key = read_key(wish.idempotency_key)
        now = self.clock.now()
        send_at, expires_at = read_times(wish.send_at, wish.expires_at, now)
        mail = compose(message, clock=self.clock, max_size=self._max_size)
        hashed = None if key is None else payload_hash(mail, stream.name, _generated(message))
        return Job(
            id=uuid7(now),
            mail=mail,
            stream=stream.name,
            priority=stream.kind.priority,
            created_at=now,
            send_at=send_at,
            expires_at=expires_at,
            idempotency_key=key,
            payload_hash=hashed,
            subject=message.subject[:MAX_SUBJECT] if isinstance(message, Email) else subject_of(mail.content),
            tags=message.tags if isinstance(message, Email) else (),
            metadata=message.metadata if isinstance(message, Email) else _NONE,
        )

    def intercepted(self, job: Job) -> Receipt | None:
        """A receipt, where a test has put something in the place of every outbox of this process."""
        capture = interceptor()
        if capture is None:
            return None
        capture.queued(job.mail, job.stream)
        return self.receipt(job, Queued(job.id, job.mail.message_id, duplicate=False))

    # ── delivering ────────────────────────────────────────────────────────────────────────────────────────────────

    def worker(
        self,
        route: WorkerRoute,
        concurrency: int | None,
        schedule: Schedule | None,
        dkim: DkimKeys | None,
        limits: OwnLimits,
    ) -> Worker:
        """A worker for this outbox.

        Raises:
            ConfigurationError: the route is none, the limits cannot be read, or the concurrency is not positive.
        """
        if concurrency is not None and concurrency < 1:
            raise ConfigurationError(f"concurrency is 1 or more, not {concurrency}", setting="concurrency")
        transport, ours = worker_transport(route, dkim)
        return Worker(
            self.database,
            transport,
            concurrency=concurrency,
            running=self.running,
            closing=ours,
            schedule=schedule,
            retention=self._retention,
            shaping=_shaping(limits),
            clock=self.clock,
            chance=self.chance,
        )

    def wake_workers(self) -> None:
        """Something was queued or made due."""
        for worker in tuple(self.running):
            worker.wake()

    def receipt(self, job: Job, queued: Queued) -> Receipt:
        """The receipt for a job that stands in the outbox, or stood there already."""
        recipients = job.mail.envelope.recipients
        ended = tuple([one for one in recipients if one.addr_spec in queued.suppressed]) if queued.suppressed else ()
        return Receipt(queued.id, queued.message_id, recipients, queued.duplicate, ended, self._waker)


def _shaping(limits: OwnLimits) -> Shaping:
    rules = limits if isinstance(limits, Rules) else rules_of(None if limits is None else Path(limits))
    return Shaping(rules, Destinations(rules))


def _wake(awake: "weakref.ref[Store]") -> None:
    """Have the workers look, here and elsewhere, at what another connection has committed."""
    store = awake()
    if store is not None:
        store.wake_workers()
        store.database.tell_others()


def _generated(message: Sendable) -> frozenset[str]:
    """The header fields that are not the caller's, but made for this send."""
    if isinstance(message, RawMessage):
        return frozenset()
    if isinstance(message, Email):
        return frozenset(name for name, field in _GENERATED.items() if getattr(message, field) is None)
    return frozenset(name for name in _GENERATED if message[name] is None)


def default_url(environ: Mapping[str, str] | None = None) -> str:
    """The database that the environment names: ``POSTROAD_DB``, else ``postroad.db`` in the user's data folder.

    The data folder is ``$XDG_DATA_HOME/postroad``, else ``~/.local/share/postroad``; it is made, private, if it is not
    there (XDG Base Directory Specification).

    Raises:
        ConfigurationError: ``POSTROAD_DB_FILE`` cannot be read, or the data folder cannot be made.
    """
    environ = os.environ if environ is None else environ
    url = value_of("POSTROAD_DB", environ)
    if url is not None:
        return url
    folder = data_folder(environ)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        advice = "Name a database with POSTROAD_DB=sqlite:////path/of/postroad.db."
        sentence = f"the data folder {folder} cannot be made: {fault.strerror}"
        raise ConfigurationError(sentence, setting="POSTROAD_DB", advice=advice) from fault
    return f"sqlite:///{folder / 'postroad.db'}"


def data_folder(environ: Mapping[str, str]) -> Path:
    """Where this user's data belongs; it may not exist yet."""
    home = environ.get("XDG_DATA_HOME")
    if home and Path(home).is_absolute():  # a relative one is to be ignored (XDG Base Directory Specification)
        return Path(home) / "postroad"
    return Path.home() / ".local" / "share" / "postroad"
