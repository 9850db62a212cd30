"""A group of work items as one transaction, and telling their callers what came of it."""

import asyncio
import concurrent.futures
import contextlib
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection

from postroad.database.driver import begin_writing, execute, lost, sent_ahead
from postroad.database.faults import database_faults

P = TypeVar("P")
R = TypeVar("R")

Work = Callable[[Connection, Sequence[P]], Sequence[R | Exception]]
"""Does the work of many payloads of one kind and returns a result, or an error, for each, in their order.

It runs inside a transaction and may be run again after a rollback, so it changes nothing but the database.
"""


class Item(Generic[P, R]):
    """One caller's work, and its future. ``octets`` is the size of the content in the payload.

    ``news``: workers elsewhere should look at what it has written.
    """

    __slots__ = ("future", "held_up_since", "news", "octets", "payload", "work")

    def __init__(
        self,
        work: Work[P, R],
        payload: P,
        octets: int,
        future: "concurrent.futures.Future[R] | asyncio.Future[R]",
        *,
        news: bool = False,
    ) -> None:
        self.work = work
        self.payload = payload
        self.octets = octets
        self.future = future
        self.news = news
        self.held_up_since: float | None = None  # by the monotonic clock


class NotCommitted(Exception):
    """The transaction itself failed, through no fault of an item; carries the reason."""

    def __init__(self, reason: Exception, *, certain: bool) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.certain = certain  # nothing has been written; else nobody knows


def committed(connection: Connection, group: list[Item[Any, Any]]) -> Sequence[Any]:
    """The results of one transaction with all items.

    Raises:
        NotCommitted: it could not begin, or not be committed.
        Exception: what the work of one of the items raised; everything is rolled back.
    """
    try:
        with sent_ahead(connection):
            _begin(connection)
            results = _results(connection, group)
    except NotCommitted:
        raise
    except BaseException as fault:
        if lost(connection) and isinstance(fault, database_faults()):
            raise NotCommitted(fault, certain=True) from fault
        _roll_back(connection)
        raise
    try:
        execute(connection, "COMMIT")
    except database_faults() as fault:
        certain = not lost(connection)  # else it may have reached the server
        _roll_back(connection)
        raise NotCommitted(fault, certain=certain) from fault
    return results


def _begin(connection: Connection) -> None:
    try:
        begin_writing(connection)
    except database_faults() as fault:
        raise NotCommitted(fault, certain=True) from fault


def _results(connection: Connection, group: list[Item[Any, Any]]) -> Sequence[Any]:
    by_work: dict[Work[Any, Any], list[int]] = {}
    for place, item in enumerate(group):
        by_work.setdefault(item.work, []).append(place)
    results: list[Any] = [None] * len(group)
    for work, places in by_work.items():
        answers = work(connection, [group[place].payload for place in places])
        for place, answer in zip(places, answers, strict=True):
            results[place] = answer
    return results


def _roll_back(connection: Connection) -> None:
    with contextlib.suppress(*database_faults()):  # after a full disk SQLite has rolled back by itself
        execute(connection, "ROLLBACK")


class _Later(Enum):
    """Stands for the result of an item that is tried again later."""

    LATER = auto()


LATER: Final = _Later.LATER


def settle(group: Sequence[Item[Any, Any]], results: Sequence[Any]) -> None:
    """Tell every caller whose result is there.

    Those of one event loop are told together, because waking a loop costs a system call.
    """
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for item, result in zip(group, results, strict=True):
        future = item.future
        if result is LATER:
            continue
        if isinstance(future, asyncio.Future):
            by_loop.setdefault(future.get_loop(), []).append((future, result))
        elif isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
    for loop, settled in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            loop.call_soon_threadsafe(_settle_in_loop, settled)


def _settle_in_loop(settled: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in settled:
        if future.done():  # cancelled by its caller
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
