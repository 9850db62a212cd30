"""Our outbox over a queue of any depth: claiming, marking in flight and recording, without a wire."""

import asyncio
import resource
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from time import perf_counter

from sqlalchemy import Table

from benchmarks.letter import HTML, SENDER, SUBJECT, TEXT
from postroad import AsyncOutbox, Email, Outbox
from postroad.database.tables import delivery, message
from postroad.message.envelope import MailObject
from postroad.outcome import SendReport
from postroad.transport.contract import BeforeCommit
from postroad.transport.to_memory import NullTransport

SITES = 100
KILOBYTES_A_MEGABYTE = 1000

_SERIES = "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {count}) "
_ID = "printf('%08x-0000-7000-8000-000000000000', n)"


def fill(url: str, count: int, sites: int = SITES) -> None:
    """Put ``count`` messages with one content into the fresh SQLite outbox at this URL, by two statements.

    They go to ``site0.example`` and so on, by turns; one more goes to ``example.org``.
    """
    domain = f"('site' || (n % {sites}) || '.example')"
    recipient = f"('someone' || n || '@' || {domain})"
    with Outbox(url) as outbox:
        first = outbox.send(Email(from_=SENDER, to="first@example.org", subject=SUBJECT, text=TEXT, html=HTML))
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size=-200000")
        connection.execute("BEGIN")
        connection.execute(_copies(message, "id", {"id": _ID}).format(count=count), [first.id])
        made = {"id": "NULL", "message_id": _ID, "recipient": recipient, "recipient_key": recipient}
        made |= {"domain": domain, "site": domain}
        connection.execute(_copies(delivery, "message_id", made).format(count=count), [first.id])
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _copies(table: Table, key: str, made: dict[str, str]) -> str:
    """As many rows like the one with this key as ``count`` says, but for what is made of the number."""
    names = list(table.c.keys())
    columns, values = ", ".join(names), ", ".join(made.get(name, f"first.{name}") for name in names)
    source = f"{_SERIES}SELECT {values} FROM series, {table.name} AS first WHERE first.{key} = ?"
    return f"INSERT INTO {table.name} ({columns}) {source}"  # our own names


@dataclass(frozen=True, slots=True)
class Course:
    """How a worker fared: seconds from opening the outbox to the first message, and for the rest; megabytes."""

    start_up: float
    seconds: float
    megabytes: float


class _Counting(NullTransport):
    """Knows when the first message came, and when there were enough."""

    def __init__(self, count: int) -> None:
        self.first: float | None = None
        self.enough = asyncio.Event()
        self._left = count

    async def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> SendReport:
        report = await super().deliver(mail, before_commit=before_commit)
        self.first = self.first or perf_counter()
        self._left -= 1
        if self._left == 0:
            self.enough.set()
        return report


def take(url: str, count: int) -> Course:
    """Deliver so many of the messages to nowhere."""
    return asyncio.run(_take(url, count))


async def _take(url: str, count: int) -> Course:
    began = perf_counter()
    transport = _Counting(count)
    async with AsyncOutbox(url) as outbox, outbox.worker(transport):
        await transport.enough.wait()
        ended = perf_counter()
    assert transport.first is not None
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KILOBYTES_A_MEGABYTE
    return Course(transport.first - began, ended - transport.first, megabytes)
