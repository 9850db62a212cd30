"""``outbox.suppressions``: who gets no mail from this outbox, for blocking and for asynchronous code."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

from sqlalchemy import Connection

from postroad.address import Address, normal_domain
from postroad.clock import Clock, as_datetime
from postroad.database.database import Database
from postroad.outbox.job import Moment, read_moment
from postroad.outbox.stream import checked_name
from postroad.outbox.suppress import Suppress, Unsuppress, suppress, unsuppress
from postroad.suppression.entry import Suppression
from postroad.suppression.list import Page, entries, find, place_of
from postroad.suppression.reasons import Reason, read_reason

R = TypeVar("R")

BATCH: Final = 500  # entries of a transaction: some milliseconds, in which others wait
DEFAULT_LIMIT: Final = 50  # entries of a list; a screen or two


class _List:
    """What both faces share."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def _entry(
        self, address: str, reason: str, stream: str | None, source: str | None, note: str | None, end: Moment | None
    ) -> Suppression:
        expires_at = read_moment(end, "expires_at", self._clock.now())
        until = None if expires_at is None else as_datetime(expires_at)
        return Suppression(address, read_reason(reason), _scope(stream), source, note, None, until)

    def _suppress(self, *new: Suppression) -> Suppress:
        for entry in new:
            _scope(entry.stream)
        return Suppress(new, self._clock.now())

    def _unsuppress(self, address: str, stream: str | None) -> Unsuppress:
        return Unsuppress(Address.parse(address).key, _scope(stream), self._clock.now())

    def _found(self, address: str) -> Callable[[Connection], tuple[Suppression, ...]]:
        key, now = Address.parse(address).key, self._clock.now()
        return lambda connection: find(connection, key, now)

    def _page(self, page: Page) -> Callable[[Connection], tuple[Suppression, ...]]:
        now = self._clock.now()
        return lambda connection: entries(connection, page, now)


class Suppressions(_List):
    """The suppression list of an outbox. Thread-safe.

    An entry holds for all streams, or for the one it names. It is known by its mailbox, whatever the case of its
    letters.
    """

    def add(
        self,
        address: str,
        *,
        reason: str = Reason.MANUAL,
        stream: str | None = None,
        source: str | None = None,
        note: str | None = None,
        expires_at: Moment | None = None,
    ) -> Suppression:
        """Put an address on the list, and end what waits for it. Returns the entry that stands.

        An entry that was there and lasts as long or longer is left as it is. ``reason`` is one of ``Reason``;
        ``expires_at`` an aware datetime, or a timedelta from now.

        Raises:
            AddressError: it is no address.
            MessageError: another argument is wrong; it is named.
        """
        entry = self._entry(address, reason, stream, source, note, expires_at)
        self._database.write(suppress, self._suppress(entry))
        return next((one for one in self.find(address) if one.stream == entry.stream), entry)

    def add_many(self, entries: Iterable[Suppression]) -> int:
        """Put entries on the list, in batches, however many; returns how many of them changed it.

        Raises:
            MessageError: the stream of one is no name of a stream; what came before its batch is on the list.
        """
        rest = iter(entries)
        changed = 0
        while batch := tuple(islice(rest, BATCH)):
            changed += self._database.write(suppress, self._suppress(*batch))
        return changed

    def remove(self, address: str, *, stream: str | None = None) -> Suppression | None:
        """Take an entry off the list: the one for all streams, or that of the stream. ``None``: there was none.

        Raises:
            AddressError: it is no address.
        """
        return self._database.write(unsuppress, self._unsuppress(address, stream))

    def find(self, address: str) -> tuple[Suppression, ...]:
        """The entries of one mailbox; that for all streams comes first.

        Raises:
            AddressError: it is no address.
        """
        return self._database.read(self._found(address))

    def list(
        self,
        *,
        stream: str | None = None,
        reason: str | None = None,
        domain: str | None = None,
        after: Suppression | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> tuple[Suppression, ...]:
        """A part of the list in the order of its addresses, for which everything holds that is given.

        ``after`` is the last entry of the part before.

        Raises:
            AddressError: the domain is none.
        """
        return self._database.read(self._page(_page(stream, reason, domain, after, limit)))

    def export(self) -> Iterator[Suppression]:
        """Every entry, in bounded memory however many there are."""
        after: Suppression | None = None
        while batch := self.list(after=after, limit=BATCH):
            yield from batch
            after = batch[-1]


class AsyncSuppressions(_List):
    """The suppression list of an outbox. Same verbs as ``Suppressions``, with ``await``."""

    async def add(
        self,
        address: str,
        *,
        reason: str = Reason.MANUAL,
        stream: str | None = None,
        source: str | None = None,
        note: str | None = None,
        expires_at: Moment | None = None,
    ) -> Suppression:
        """Put an address on the list, and end what waits for it. See ``Suppressions.add``."""
        entry = self._entry(address, reason, stream, source, note, expires_at)
        await self._database.submit(suppress, self._suppress(entry))
        return next((one for one in await self.find(address) if one.stream == entry.stream), entry)

    async def add_many(self, entries: Iterable[Suppression]) -> int:
        """Put entries on the list. See ``Suppressions.add_many``."""
        rest = iter(entries)
        changed = 0
        while batch := tuple(islice(rest, BATCH)):
            changed += await self._database.submit(suppress, self._suppress(*batch))
        return changed

    async def remove(self, address: str, *, stream: str | None = None) -> Suppression | None:
        """Take an entry off the list. See ``Suppressions.remove``."""
        return await self._database.submit(unsuppress, self._unsuppress(address, stream))

    async def find(self, address: str) -> tuple[Suppression, ...]:
        """The entries of one mailbox. See ``Suppressions.find``."""
        return await self._read(self._found(address))

    async def list(
        self,
        *,
        stream: str | None = None,
        reason: str | None = None,
        domain: str | None = None,
        after: Suppression | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> tuple[Suppression, ...]:
        """A part of the list. See ``Suppressions.list``."""
        return await self._read(self._page(_page(stream, reason, domain, after, limit)))

    async def export(self) -> AsyncIterator[Suppression]:
        """Every entry, in bounded memory however many there are."""
        after: Suppression | None = None
        while batch := await self.list(after=after, limit=BATCH):
            for entry in batch:
                yield entry
            after = batch[-1]

    async def _read(self, query: Callable[[Connection], R]) -> R:
        return await asyncio.to_thread(self._database.read, query)


def _scope(stream: str | None) -> str | None:
    return None if stream is None else checked_name(stream)


def _page(stream: str | None, reason: str | None, domain: str | None, after: Suppression | None, limit: int) -> Page:
    return Page(
        stream=stream,
        reason=None if reason is None else read_reason(reason),
        domain=None if domain is None else normal_domain(domain),
        after=None if after is None else place_of(after),
        limit=max(0, limit),
    )
