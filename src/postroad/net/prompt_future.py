"""A future that tells of its end at once, and a call into another thread's loop that waits for one.

asyncio tells in the next turn of the loop, and every turn costs a system call; on a busy connection, and where a thread
waits, that is what a message costs most.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any, Generic, Self, TypeVar, cast

T = TypeVar("T")


class PromptFuture(asyncio.Future[T]):
    """``on_told`` hears of the end, whatever it is, in the turn of the loop in which it comes."""

    on_told: Callable[[Self], object] | None = None

    def set_result(self, result: T, /) -> None:
        super().set_result(result)
        self._told()

    def set_exception(self, exception: type[BaseException] | BaseException, /) -> None:
        super().set_exception(exception)
        self._told()

    def cancel(self, msg: Any | None = None) -> bool:
        cancelled = super().cancel(msg)
        if cancelled:
            self._told()
        return cancelled

    def _told(self: Self) -> None:
        on_told = self.on_told
        if on_told is not None:
            self.on_told = None
            on_told(self)


class BlockingCall(Generic[T]):
    """``start`` is called in the loop and gives a future; ``wait``, in the calling thread, what it comes to."""

    __slots__ = ("_ended", "_future", "_result", "_start", "_watchers")

    def __init__(self, start: "Callable[[], asyncio.Future[T]]") -> None:
        self._start = start
        self._future: asyncio.Future[T] | None = None
        self._result: T | BaseException | None = None
        self._watchers: list[threading.Event] | None = []  # None: it has ended
        self._ended = threading.Lock()  # cheaper than an event or a condition
        self._ended.acquire()

    def begin(self) -> None:
        """In the loop."""
        if self._watchers is None:  # cancelled before its turn: what nobody waits for any more is not begun
            return
        try:
            self._future = future = self._start()
        except BaseException as fault:  # noqa: BLE001 - it belongs to the thread that waits
            self._end(fault)
            return
        if isinstance(future, PromptFuture) and not future.done():
            future.on_told = self._come_to
        else:
            future.add_done_callback(self._come_to)

    def _come_to(self, future: "asyncio.Future[T]") -> None:
        if future.cancelled():
            self._end(CancelledError())
        else:
            fault = future.exception()
            self._end(future.result() if fault is None else fault)

    def _end(self, result: T | BaseException) -> None:
        if self._watchers is None:
            return
        self._result = result
        watchers, self._watchers = self._watchers, None
        self._ended.release()
        for watcher in watchers:
            watcher.set()

    def watch(self, ended: threading.Event) -> None:
        """In the loop: have somebody else told of the end."""
        if self._watchers is None:
            ended.set()
        else:
            self._watchers.append(ended)

    def cancel(self) -> None:
        """In the loop."""
        if self._future is not None:
            self._future.cancel()
        self._end(CancelledError())

    def wait(self) -> T:
        """Outside the loop.

        Raises:
            concurrent.futures.CancelledError: the loop was closed meanwhile.
        """
        self._ended.acquire()
        if isinstance(self._result, BaseException):
            raise self._result
        return cast("T", self._result)
