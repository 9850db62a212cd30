"""An event loop in a thread of its own, so that blocking code can use the asynchronous truth."""

import asyncio
import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from typing import Any, Final, TypeVar

from postroad.clock import SYSTEM_CLOCK
from postroad.errors import ConfigurationError
from postroad.net.prompt_future import BlockingCall

A = TypeVar("A")
T = TypeVar("T")

# Loops that a forked child inherited. They must never be closed there: parent and child share the epoll set and the
# self-pipe behind them, and closing would take the parent's registrations away. Kept, so that nothing collects them.
_INHERITED: Final[list[object]] = []
_ALL: "Final[weakref.WeakSet[BackgroundLoop]]" = weakref.WeakSet()

GRACE_SECONDS: Final = 2.0  # for calls of other threads that end when whatever they wait for has been closed


class BackgroundLoop:
    """A loop that starts with its first ``run`` and ends with ``close``, or with the process. Thread-safe.

    After a fork the child starts a loop of its own with its first ``run``.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._finalizer: weakref.finalize[[asyncio.AbstractEventLoop, threading.Thread, int], BackgroundLoop] | None = (
            None
        )
        self._calls: set[Future[Any]] = set()
        self._begun: set[BlockingCall[Any]] = set()
        self._old_ended: threading.Event | None = None  # the loop before this one, where it was closed
        _ALL.add(self)

    @property
    def running(self) -> bool:
        """The thread has been started, in this process, and not been closed."""
        return self._loop is not None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and wait for it. An exception here (Ctrl-C) cancels it there.

        Raises:
            ConfigurationError: called from a coroutine of this very loop, which would wait for itself.
            concurrent.futures.CancelledError: the loop was closed meanwhile.
        """
        if threading.current_thread() is self._thread:
            work.close()
            raise ConfigurationError("a blocking call inside its own event loop would wait for itself")
        future = self._submit(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def begin(self, start: "Callable[[], asyncio.Future[T]]") -> T:
        """Call ``start`` in the loop and wait for what its future comes to. Costs a quarter of ``run``: no task.

        Raises:
            ConfigurationError: called in the loop itself, which would wait for itself.
            concurrent.futures.CancelledError: the loop was closed meanwhile.
        """
        if threading.current_thread() is self._thread:
            raise ConfigurationError("a blocking call inside its own event loop would wait for itself")
        call = BlockingCall(start)
        with self._lock:
            loop = self._loop or self._start()
            begun = self._begun
            begun.add(call)
            loop.call_soon_threadsafe(call.begin)
        try:
            return call.wait()
        except BaseException:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(call.cancel)
            raise
        finally:
            begun.discard(call)

    def post(self, act: Callable[[A], object], argument: A) -> None:
        """Have something done in the loop, without waiting for it; in the order of the calls, ``run`` included."""
        with self._lock:
            (self._loop or self._start()).call_soon_threadsafe(act, argument)

    def _submit(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        # Under the lock, so that no call gets into a loop that is ending and would never look at it.
        with self._lock:
            loop = self._loop or self._start()
            future = asyncio.run_coroutine_threadsafe(work, loop)
            self._calls.add(future)
        future.add_done_callback(self._calls.discard)
        return future

    def _start(self) -> asyncio.AbstractEventLoop:
        # What belongs to a loop can go to another only when that one is closed, so there are never two.
        if self._old_ended is not None:
            self._old_ended.wait()
        loop = asyncio.new_event_loop()
        ready = threading.Event()
        thread = threading.Thread(target=_main, args=(loop, ready, self._begun), name=self._name, daemon=True)
        thread.start()
        ready.wait()
        self._loop, self._thread = loop, thread
        self._finalizer = weakref.finalize(self, _stop, loop, thread, os.getpid())
        return loop

    def close(self) -> None:
        """Let calls of other threads end, cancel what still runs, end the thread and wait for it.

        Closing twice is nothing.
        """
        with self._lock:
            finalizer, thread = self._finalizer, self._thread
            calls, begun, loop = set(self._calls), set(self._begun), self._loop
            self._loop = self._thread = self._finalizer = None
            self._begun = set()
            if finalizer is None:
                return
            self._old_ended = ended = threading.Event()
        try:
            if threading.current_thread() is not thread:
                wait(calls, GRACE_SECONDS)
                _wait_for_begun(loop, begun)
            finalizer()
        finally:
            ended.set()

    def _forget_parent(self) -> None:
        """In a forked child: the thread is not there, and another thread may have held the lock."""
        if self._finalizer is not None:
            self._finalizer.detach()
            _INHERITED.append((self._loop, self._thread, self._calls, self._begun))
        self._loop = self._thread = self._finalizer = None
        self._calls, self._begun, self._old_ended = set(), set(), None
        self._lock = threading.Lock()


def _forget_parents_loops() -> None:
    for one in list(_ALL):
        one._forget_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parents_loops)


def _wait_for_begun(loop: asyncio.AbstractEventLoop | None, begun: set[BlockingCall[Any]]) -> None:
    ends = SYSTEM_CLOCK.monotonic() + GRACE_SECONDS
    for call in begun:
        ended = threading.Event()
        with contextlib.suppress(RuntimeError):  # the loop is closed
            if loop is not None:
                loop.call_soon_threadsafe(call.watch, ended)
                ended.wait(max(0.0, ends - SYSTEM_CLOCK.monotonic()))


def _main(loop: asyncio.AbstractEventLoop, ready: threading.Event, begun: set[BlockingCall[Any]]) -> None:
    asyncio.set_event_loop(loop)
    loop.call_soon(ready.set)
    try:
        loop.run_forever()
    finally:
        for call in list(begun):
            call.cancel()
        with contextlib.suppress(Exception):
            _cancel_all(loop)
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


def _stop(loop: asyncio.AbstractEventLoop, thread: threading.Thread, pid: int) -> None:
    if pid != os.getpid() or loop.is_closed():
        return
    with contextlib.suppress(RuntimeError):  # closed meanwhile
        loop.call_soon_threadsafe(loop.stop)
    if threading.current_thread() is not thread:
        thread.join(timeout=5.0)
