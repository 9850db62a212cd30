"""The one thread of a process that writes: what many callers ask for at the same time becomes one commit.

A group is one transaction with one sync to disk. The work items of a group that are of the same kind are handed
together to that kind's function, so that a hundred messages cost a handful of statements. A caller hears of its item
only after the commit.

Between processes that share a file an advisory lock goes around each group, with a short rest after it: SQLite's own
busy handler lets a steady writer starve the others for seconds. A server needs neither; there the transactions of
others may be in the way of single items: see ``held_up``.
"""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Engine

from postroad.clock import SYSTEM_CLOCK
from postroad.database.driver import execute, lost
from postroad.database.faults import collided, database_faults, runtime_fault, told
from postroad.database.fork_gate import ForkGate
from postroad.database.group import LATER, Item, NotCommitted, P, R, Work, committed, settle
from postroad.database.held_up import HeldUp, given_up, waited_in_vain
from postroad.database.listener import TELL_OTHERS
from postroad.database.location import Location
from postroad.database.lock_file import LockFile, file_at
from postroad.database.lock_patience import LockPatience
from postroad.database.postgresql import prepare_to_write
from postroad.errors import DatabaseError, PostroadError

WRITE_LOCK: Final = "-write-lock"  # of the file beside the database
GROUP_ITEMS: Final = 256  # more per commit gains little (measured) and lets the first wait for the last
GROUP_OCTETS: Final = 16 * 1024 * 1024  # of content in one commit: bounds its time, and the log's growth
SHORTEST_REST: Final = 0.0002  # seconds between groups: a process that waits for the lock wakes up in about 50 µs
# Where several callers write at once, the next group waits half as long as the last one took: it gathers more items,
# and one commit for many costs less than many commits. Whoever writes alone is not held up.
REST: Final = 0.5
LONGEST_REST: Final = 0.005  # seconds
CROWD: Final = 64  # items waiting that are worth a commit at once
CHECKPOINT_OCTETS: Final = 16 * 1024 * 1024  # of content and rows between checkpoints
# Seconds that closing waits for what is to be written yet; more than anybody waits for the lock. What is left then has
# failed for its callers, and the thread dies with the process.
CLOSING_PATIENCE: Final = 60.0
COLLISIONS: Final = 5  # tries of a transaction that others were in the way of
# Seconds without news after which workers elsewhere are told of the next; within them they look often by themselves. A
# commit that notifies takes longer than one that writes a message.
TELL_AFTER: Final = 1.0
ROW_OCTETS: Final = 4096  # what an item's rows and their indexes come to in the log, roughly


class Writer:
    """Owns the connection that writes. Starts its thread with the first item; thread-safe."""

    def __init__(self, engine: Engine, lock: LockFile, gate: ForkGate, location: Location) -> None:
        self._engine = engine
        self._lock = lock
        self._patience = LockPatience(lock, self._give_up)
        self._gate = gate
        self._location = location
        self._waiting: deque[Item[Any, Any]] = deque()
        self._held_up = HeldUp()
        self._condition = threading.Condition(threading.Lock())
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._unsaved = 0  # octets in the log since the last checkpoint, roughly
        self._connection: Connection | None = None
        self._file: tuple[int, int] | None = None  # which file the connection has open
        self.groups = 0  # committed so far
        self._quiet_until = 0.0  # by the monotonic clock

    def call(self, work: Work[P, R], payload: P, *, octets: int = 0, news: bool = False) -> R:
        """Have it written, and wait for the commit. ``octets`` is the size of the content in the payload."""
        future: concurrent.futures.Future[R] = concurrent.futures.Future()
        self._put(Item(work, payload, octets, future, news=news))
        return future.result()

    def submit(self, work: Work[P, R], payload: P, *, octets: int = 0, news: bool = False) -> "asyncio.Future[R]":
        """Have it written; the running loop's future is done after the commit. Cancelling it does not take it back."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._put(Item(work, payload, octets, future, news=news))
        return future

    def tell(self) -> None:
        """Wake the workers elsewhere, as after a commit of our own; waits for nothing."""
        with contextlib.suppress(DatabaseError):  # closed meanwhile
            self._put(Item(_nothing, None, 0, concurrent.futures.Future(), news=True))

    def _put(self, item: Item[Any, Any]) -> None:
        with self._condition:
            if self._closing.is_set():
                raise DatabaseError(f"{self._location.name} was closed", advice="Open the outbox again.")
            self._waiting.append(item)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="postroad-writer", daemon=True)
                self._thread.start()
            elif len(self._waiting) == 1:
                self._condition.notify()

    def close(self) -> None:
        """Write what waits, then end the thread."""
        with self._condition:
            self._closing.set()
            self._condition.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(CLOSING_PATIENCE)

    # ── the thread ────────────────────────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        while self._something_waits():
            group, took = self._write_group()
            self._tell_others(group)
            self._save_log()
            self._closing.wait(self._rest(len(group), took))
        with self._lock, self._gate:  # the last connection to go writes the log back
            self.disconnect()

    def _write_group(self) -> tuple[list[Item[Any, Any]], float]:
        """Write what waits by the time that the lock is ours; returns it, and how long that took, in seconds."""
        try:
            self._patience.acquire()
        except OSError as fault:  # the callers hear of it; the thread must go on for those who come after them
            group = self._next_group()
            settle(group, [_unlockable(fault, self._location)] * len(group))
            return group, 0.0
        began = SYSTEM_CLOCK.monotonic()
        try:
            group = self._next_group()
            results = self._written_under_lock(group) if group else []
        finally:
            self._lock.release()
        self.groups += 1
        settle(group, results)
        return group, SYSTEM_CLOCK.monotonic() - began

    def _give_up(self, waited: float) -> None:
        """Tell those who wait that the lock is not to be had; nothing of theirs has been written."""
        with self._condition:
            group = list(self._waiting)
            self._waiting.clear()
        if group:
            settle(group, [still_locked(waited, self._location)] * len(group))

    def _rest(self, items: int, took: float) -> float:
        """How long to leave the database to others, in seconds, after a group that took so long."""
        if items == 1 or len(self._waiting) >= CROWD:
            return SHORTEST_REST
        return max(SHORTEST_REST, min(LONGEST_REST, REST * took))

    def disconnect(self) -> None:
        """Close the connection; the next group opens another. Only while the writer is not at work."""
        if self._connection is not None:
            if lost(self._connection) and not self._connection.invalidated:
                self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def _connected(self) -> Connection:
        if self._connection is None:
            try:
                self._connection = self._engine.connect()
                self._file = file_at(self._location.path)
                if self._location.on_server:
                    self._connection.detach()  # what is set here is not for the readers
                    prepare_to_write(self._connection)
            except Exception as fault:
                raise NotCommitted(fault, certain=True) from fault
        return self._connection

    def _something_waits(self) -> bool:
        """Wait until something does; false when it is time to end."""
        with self._condition:
            while not self._waiting:
                again_in = self._held_up.due_in(SYSTEM_CLOCK.monotonic())
                if again_in == 0:
                    return True
                if again_in is None and self._closing.is_set():
                    return False
                self._condition.wait(again_in)
            return True

    def _next_group(self) -> list[Item[Any, Any]]:
        """Everything that waits, within the bounds of a group; or what was held up, in its turn."""
        with self._condition:
            again = self._held_up.next(SYSTEM_CLOCK.monotonic(), others=bool(self._waiting))
            if again is not None:
                return again
            if not self._waiting:  # whoever waited has given up
                return []
            group = [self._waiting.popleft()]
            octets = group[0].octets
            while self._waiting and len(group) < GROUP_ITEMS and octets + self._waiting[0].octets <= GROUP_OCTETS:
                group.append(self._waiting.popleft())
                octets += group[-1].octets
        self._unsaved += octets + ROW_OCTETS * len(group)
        return group

    def _written_under_lock(self, group: list[Item[Any, Any]]) -> Sequence[Any]:
        with self._gate:
            for last_try in [False] * COLLISIONS + [True]:
                try:
                    return committed(self._connected_to_what_is_there(), group)
                except NotCommitted as fault:
                    if last_try or not self._worth_another_try(fault):
                        return [_not_committed(fault, self._location)] * len(group)
                except Exception as fault:  # noqa: BLE001  # one item's fault must not stop the others
                    if not last_try and collided(fault):
                        continue
                    if waited_in_vain(fault):
                        return self._set_aside(group)
                    if len(group) == 1:
                        return [runtime_fault(fault, self._location) if isinstance(fault, database_faults()) else fault]
                    break
        # One item's fault spoiled the whole transaction. It is rare, so each now gets a transaction of its own.
        return [self._written_under_lock([item])[0] for item in group]

    def _connected_to_what_is_there(self) -> Connection:
        connection = self._connected()
        if self._file != file_at(self._location.path):  # SQLite itself goes on writing into what has no name any more
            raise NotCommitted(_gone(self._location), certain=True)
        return connection

    def _set_aside(self, group: list[Item[Any, Any]]) -> Sequence[Any]:
        kept = self._held_up.put(group, SYSTEM_CLOCK.monotonic())
        return [LATER if kept else given_up(self._location)] * len(group)

    def _worth_another_try(self, fault: NotCommitted) -> bool:
        """A transaction that was in another's way is; so is one whose connection was found dead before the commit."""
        if self._connection is not None and lost(self._connection):
            self.disconnect()
            return fault.certain
        return collided(fault.reason)

    def _tell_others(self, group: list[Item[Any, Any]]) -> None:
        """Wake the workers elsewhere, in a transaction of its own: the server makes all who notify wait in line."""
        if not self._location.on_server or not any(item.news for item in group):
            return
        quiet_until, self._quiet_until = self._quiet_until, SYSTEM_CLOCK.monotonic() + TELL_AFTER
        if SYSTEM_CLOCK.monotonic() < quiet_until:
            return
        with self._gate, contextlib.suppress(NotCommitted, *database_faults()):
            execute(self._connected(), TELL_OTHERS)

    def _save_log(self) -> None:
        """Write the log back into the file once in a while, so that it starts anew; nobody waits for it."""
        if self._unsaved < CHECKPOINT_OCTETS or not self._location.path:
            return
        self._unsaved = 0
        with contextlib.suppress(OSError):
            self._patience.acquire()
            try:
                with self._gate, contextlib.suppress(NotCommitted, *database_faults()):
                    execute(self._connected(), "PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            finally:
                self._lock.release()


def _not_committed(fault: NotCommitted, location: Location) -> PostroadError:
    if fault.certain:
        return runtime_fault(fault.reason, location)
    sentence = f"{location.name} was lost during a commit; nobody knows whether it was written: {told(fault.reason)}"
    error = DatabaseError(sentence, advice="Look, or repeat it with the same idempotency key.")
    error.__cause__ = fault.reason
    return error


def _gone(location: Location) -> DatabaseError:
    return DatabaseError(
        f"{location.name} was deleted or replaced while it was open; nothing was written",
        advice="Put the file back, or open the outbox again.",
    )


def _nothing(_connection: Connection, payloads: Sequence[None]) -> Sequence[None]:
    return payloads


def _unlockable(fault: OSError, location: Location) -> DatabaseError:
    sentence = f"{location.name}: the lock file beside it cannot be locked: {fault.strerror or fault}"
    return DatabaseError(sentence, advice="Put the database on a local file system that knows flock.")


def still_locked(waited: float, location: Location) -> DatabaseError:
    """What to say where another process does not let go."""
    sentence = f"{location.name} has been locked by another process for {waited:.0f} s; nothing was written"
    lock = location.beside(WRITE_LOCK)
    advice = f"Look for a process that is stopped in the middle of a commit: fuser {lock}. Continue it, or end it."
    return DatabaseError(sentence, advice=advice)
