"""An event loop in a thread of its own, so that blocking code can use the asynchronous truth."""

import asyncio
import contextlib
import os
import threading
import weakref
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from postroad.errors import ConfigurationError

T = TypeVar("T")

# Loops that a forked child inherited. They must never be closed there: parent and child share the epoll set and the
# self-pipe behind them, and closing would take the parent's registrations away. Kept, so that nothing collects them.
_INHERITED: Final[list[object]] = []


class BackgroundLoop:
    """A loop that starts with its first ``run`` and ends with ``close``, or with the process.

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
        self._pid = os.getpid()

    @property
    def running(self) -> bool:
        """The thread has been started, in this process, and not been closed."""
        return self._loop is not None and self._pid == os.getpid()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and wait for it. An exception here (Ctrl-C) cancels it there.

        Raises:
            ConfigurationError: called from a coroutine of this very loop, which would wait for itself.
        """
        loop = self._started()
        if threading.current_thread() is self._thread:
            work.close()
            raise ConfigurationError("a blocking call inside its own event loop would wait for itself")
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is not None and self._pid == os.getpid():
            return self._loop
        if self._pid != os.getpid():
            self._lock = threading.Lock()  # the old one may have been held by a thread that the child does not have
        with self._lock:
            if self._loop is None or self._pid != os.getpid():
                self._start()
            assert self._loop is not None
            return self._loop

    def _start(self) -> None:
        if self._loop is not None:
            _INHERITED.append((self._loop, self._thread))
            if self._finalizer is not None:
                self._finalizer.detach()
        self._pid = os.getpid()
        loop = asyncio.new_event_loop()
        ready = threading.Event()
        thread = threading.Thread(target=_main, args=(loop, ready), name=self._name, daemon=True)
        thread.start()
        ready.wait()
        self._loop, self._thread = loop, thread
        self._finalizer = weakref.finalize(self, _stop, loop, thread, self._pid)

    def close(self) -> None:
        """Cancel what still runs, end the thread and wait for it. Closing twice is nothing."""
        if self._pid != os.getpid():
            _INHERITED.append((self._loop, self._thread))
        elif self._finalizer is not None:
            self._finalizer()
        self._loop = self._thread = self._finalizer = None


def _main(loop: asyncio.AbstractEventLoop, ready: threading.Event) -> None:
    asyncio.set_event_loop(loop)
    loop.call_soon(ready.set)
    try:
        loop.run_forever()
    finally:
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
