"""A worker for blocking code: in an event loop in a thread of its own."""

import os
from types import TracebackType
from typing import Self

from postroad.net.background_loop import BackgroundLoop
from postroad.outbox.worker import Worker


class BlockingWorker:
    """A ``Worker`` in an event loop in a thread of its own; see there. While it works it is one of ``running``."""

    def __init__(self, worker: Worker, running: "set[BlockingWorker]") -> None:
        self._worker = worker
        self._running = running
        self._loop = BackgroundLoop("postroad-worker")
        self._pid = os.getpid()

    @property
    def id(self) -> str:
        """The worker's id, as in the attempts it makes."""
        return self._worker.id

    def run(self) -> None:
        """Deliver until ``stop()`` is called, from another thread or a signal handler, or until Ctrl-C."""
        self._until_the_end(draining=False)

    def drain(self) -> None:
        """Deliver until nothing is due; what is due later stays queued.

        Raises:
            PostroadError: what is wrong with the route (its deliveries are back in the queue), or the database.
        """
        self._until_the_end(draining=True)

    def _until_the_end(self, *, draining: bool) -> None:
        self._begin(draining=draining)
        try:
            self._loop.run(self._worker.finished())
        except KeyboardInterrupt:
            self.close()  # in order; a second Ctrl-C does not wait
            raise
        finally:
            self._end()

    def stop(self) -> None:
        """Begin to stop: nothing more is begun, and dots in flight are waited for."""
        self._worker.stop()

    def close(self) -> None:
        """Stop, and return when everything is in order. Closing twice is nothing."""
        if self._pid != os.getpid() or not self._loop.running:  # in a forked child the worker is its parent's
            return
        self._worker.stop()
        try:
            self._loop.run(self._worker.finished())
        finally:
            self._end()

    def _begin(self, *, draining: bool) -> None:
        self._running.add(self)
        self._loop.run(self._worker.begin(draining=draining))

    def _end(self) -> None:
        self._running.discard(self)
        self._loop.close()

    def __enter__(self) -> Self:
        self._begin(draining=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
