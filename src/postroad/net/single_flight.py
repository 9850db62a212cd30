"""A secret that costs a trip: one trip for all who ask at the same time, and kept for a while.

Those who ask may be coroutines of any event loop, or plain threads. Nobody who gives up waiting ends the trip for the
others.
"""

import asyncio
import copy
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import NamedTuple, TypeAlias

from postroad.clock import Clock
from postroad.errors import PostroadError, SecretUnavailable
from postroad.secret import Secret


class Landed(NamedTuple):
    """What a trip brought, and until when it may be used (``Clock.monotonic``)."""

    secret: Secret
    until: float


Flight: TypeAlias = "Future[Landed]"


class SingleFlight:
    """One secret. ``start`` begins a trip and returns at once; its result or error lands in the flight it is given."""

    def __init__(self, start: Callable[[Flight], None], clock: Clock) -> None:
        self._start = start
        self._clock = clock
        self._forget_all()

    def _forget_all(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._kept: Landed | None = None
        self._flight: Flight | None = None

    async def get(self, seconds: float) -> Secret:
        """The secret; waits for ``seconds`` at most.

        Raises:
            PostroadError: what the trip ended with.
            SecretUnavailable: it took longer.
        """
        flight = self._join()
        waiter = asyncio.wrap_future(flight)
        try:
            await asyncio.wait((waiter,), timeout=seconds)
        finally:
            if not waiter.cancel():  # it has ended, and how is asked below
                waiter.exception()
        return self._brought(flight, seconds)

    def wait(self, seconds: float) -> Secret:
        """As ``get``, for a thread."""
        flight = self._join()
        wait((flight,), timeout=seconds)
        return self._brought(flight, seconds)

    def forget(self, stale: Secret) -> None:
        """Keep this value no more; a newer one stays."""
        with self._lock:
            if self._kept is not None and self._kept.secret == stale:
                self._kept = None

    def _join(self) -> Flight:
        """The trip under way, or one that has just begun; a finished one where a value is kept."""
        if self._pid != os.getpid():  # no thread came along with the fork that could land the flight, or free the lock
            self._forget_all()
        with self._lock:
            if self._flight is not None:
                return self._flight
            flight = Future[Landed]()
            flight.set_running_or_notify_cancel()  # so that a waiter who is cancelled does not cancel it
            if self._kept is not None and self._clock.monotonic() < self._kept.until:
                flight.set_result(self._kept)
                return flight
            self._flight, self._kept = flight, None
        flight.add_done_callback(self._landed)
        try:
            self._start(flight)
        except BaseException as fault:
            flight.set_exception(fault)
            raise
        return flight

    def _landed(self, flight: Flight) -> None:
        with self._lock:
            if self._flight is not flight:  # given up
                return
            self._flight = None
            if flight.exception() is None:
                self._kept = flight.result()

    def _brought(self, flight: Flight, seconds: float) -> Secret:
        if not flight.done():
            with self._lock:
                if self._flight is flight:  # whoever asks next begins a trip of their own
                    self._flight = None
            raise SecretUnavailable(f"no answer within {seconds:g} s")
        fault = flight.exception()
        if isinstance(fault, PostroadError):
            own = copy.copy(fault)  # each of those who waited adds a traceback and a report
            own.__cause__ = fault.__cause__
            raise own
        return flight.result().secret


def in_thread(fetch: Callable[[], Landed], flight: Flight) -> None:
    """Make the trip in a thread of its own: the event loop's few are for looking up host names."""
    threading.Thread(target=_fetch, args=(fetch, flight), name="postroad-secret", daemon=True).start()


def _fetch(fetch: Callable[[], Landed], flight: Flight) -> None:
    try:
        landed = fetch()
    except BaseException as fault:  # noqa: BLE001 - whatever it is, it belongs to those who wait
        flight.set_exception(fault)
    else:
        flight.set_result(landed)
