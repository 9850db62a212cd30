"""The connections to one account: a hard cap, messages handed over in order, nobody waits for ever.

Every connection is a member: a task that opens it, takes messages from the queue, and closes it. The pool never tries
a delivery again on its own. One thing looks like it and is not: a message that met a connection which the server had
given up while it was idle, before the server said a word to it, goes to a new connection and has cost no attempt.
"""

import asyncio
import contextlib
import copy
from collections import deque
from collections.abc import Awaitable, Callable

from postroad.errors import Abandoned, PoolTimeout, PostroadError
from postroad.message.envelope import MailObject
from postroad.reply import Phase
from postroad.transport.contract import BeforeCommit
from postroad.transport.smtp.connection import SmtpConnection
from postroad.transport.smtp.delivery import Delivery, PendingReport, transact
from postroad.transport.smtp.pool_policy import (
    HOLD_BACK,
    PROBE_AFTER,
    PoolState,
    Wake,
    on_waiting,
    opening_failed_for_all,
    worn_out,
)
from postroad.transport.smtp.settings import PoolLimits


class Member:
    """A connection of the pool, with its task."""

    __slots__ = ("connection", "given_up", "opened_at", "task", "wake", "woken")

    def __init__(self) -> None:
        self.connection: SmtpConnection | None = None
        self.opened_at = 0.0
        self.given_up = False  # while it was being opened
        self.wake: asyncio.Future[None] | None = None  # while idle
        self.woken = False  # by a message, which it has not taken yet
        self.task: asyncio.Task[None] | None = None


class Pool:
    """Belongs to one event loop. ``opener`` makes an open, authenticated connection or raises a ``PostroadError``."""

    def __init__(self, opener: Callable[[], Awaitable[SmtpConnection]], limits: PoolLimits) -> None:
        self._opener = opener
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Delivery] = deque()
        self._members: set[Member] = set()
        self._idle: list[Member] = []  # last in, first out: the others may grow old and go
        self._farewells: set[asyncio.Task[None]] = set()
        self._opening = 0
        self._woken = 0
        self._proven = False
        self._hold_back_until = 0.0
        self._moved_at = 0.0  # when a message last left the queue
        self._sweeper: asyncio.TimerHandle | None = None
        self._closing = False

    def submit(self, mail: MailObject, before_commit: BeforeCommit | None) -> PendingReport:
        """Queue a message; the report comes when it has been tried."""
        delivery = Delivery(mail, before_commit, self._loop.time(), self._withdrawn)
        self._queue.append(delivery)
        self._stir()
        return delivery.pending

    def __repr__(self) -> str:
        busy = len(self._members) - len(self._idle) - self._opening
        return f"<Pool {busy} busy, {len(self._idle)} idle, {self._opening} opening, {len(self._queue)} waiting>"

    # ── decisions ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _state(self) -> PoolState:
        return PoolState(
            waiting=len(self._queue),
            idle=len(self._idle),
            woken=self._woken,
            opening=self._opening,
            members=len(self._members),
            proven=self._proven,
            holding_back=self._loop.time() < self._hold_back_until,
        )

    def _stir(self) -> None:
        """Set in motion what the waiting messages call for."""
        while (wake := on_waiting(self._state(), self._limits)) is not Wake.NOTHING:
            if wake is Wake.OPEN:
                self._open_member()
            else:
                self._wake_member(self._idle.pop())
        if self._queue and self._sweeper is None:
            self._sweep_later()

    def _wake_member(self, member: Member) -> None:
        member.woken = True
        self._woken += 1
        _rouse(member)

    def _open_member(self) -> None:
        member = Member()
        self._members.add(member)
        self._opening += 1
        member.task = self._loop.create_task(self._live(member))

    # ── a member's life ───────────────────────────────────────────────────────────────────────────────────────────

    async def _live(self, member: Member) -> None:
        try:
            member.connection = await self._opener()
        except Exception as fault:  # noqa: BLE001 - whatever it is, it belongs to those who wait for this connection
            self._members.discard(member)
            self._opening_failed(fault)
            return
        except BaseException:
            self._members.discard(member)
            raise
        finally:
            if not member.given_up:
                self._opening -= 1
        member.opened_at = self._loop.time()
        self._proven = True
        self._loop.call_soon(self._stir)  # others may follow, once this one has taken its message
        cancelled = False
        try:
            await self._work(member, member.connection)
        except asyncio.CancelledError:
            cancelled = True  # a loop that ends does that: no time for a goodbye, and nothing begins
            member.connection.abort()
            raise
        finally:
            self._members.discard(member)
            self._part_from(member.connection)
            if not (cancelled or self._closing):
                self._stir()

    async def _work(self, member: Member, connection: SmtpConnection) -> None:
        following: Delivery | None = None
        while True:
            begun = following is not None
            delivery = following if following is not None else await self._next(member, connection)
            if delivery is None:
                return
            following = await transact(connection, delivery, self._follower(member), begun=begun)
            if not connection.open:
                self._give_back(following, delivery)
                return

    def _give_back(self, *deliveries: Delivery | None) -> None:
        """Queue again, in front, what a lost connection never began."""
        for delivery in deliveries:
            if delivery is not None and not delivery.done:
                self._queue.appendleft(delivery)

    def _follower(self, member: Member) -> Callable[[SmtpConnection], Delivery | None]:
        def follow(connection: SmtpConnection) -> Delivery | None:
            age = self._loop.time() - member.opened_at
            if self._closing or worn_out(connection.served + 1, age, self._limits):
                return None
            return self._take(connection)

        return follow

    def _take(self, connection: SmtpConnection) -> Delivery | None:
        """The first waiting message that this connection can carry; those it cannot get their answer."""
        while self._queue:
            delivery = self._queue.popleft()
            if delivery.done:  # cancelled while it waited
                continue
            self._moved_at = self._loop.time()
            unsuited = delivery.unsuited(connection.conversation.extensions)
            if unsuited is None:
                return delivery
            delivery.fail(unsuited, connection)
        return None

    async def _next(self, member: Member, connection: SmtpConnection) -> Delivery | None:
        """The next message, or ``None`` when the connection should end."""
        while True:
            age = self._loop.time() - member.opened_at
            if not connection.usable or worn_out(connection.served, age, self._limits):
                return None
            delivery = self._take(connection)
            if delivery is not None:
                return delivery
            if self._closing or not await self._idle_until_roused(member, connection):
                return None

    async def _idle_until_roused(self, member: Member, connection: SmtpConnection) -> bool:
        """Wait for work; false when the connection has idled long enough, or the server spoke or hung up."""
        since = self._loop.time()
        member.wake = self._loop.create_future()
        connection.stream.on_input = lambda: _rouse(member)
        timer = self._loop.call_later(self._limits.idle, _rouse, member)
        self._idle.append(member)
        try:
            await member.wake
        finally:
            timer.cancel()
            connection.stream.on_input = None
            member.wake = None
            woken, member.woken = member.woken, False
            self._woken -= woken
            with contextlib.suppress(ValueError):
                self._idle.remove(member)
        idled = self._loop.time() - since
        if not connection.usable or not (self._queue or woken):
            return False
        return idled < PROBE_AFTER or await connection.probe()

    def _opening_failed(self, fault: Exception) -> None:
        self._proven = False
        self._hold_back_until = self._loop.time() + HOLD_BACK
        if not opening_failed_for_all(self._state()):
            self._loop.call_later(HOLD_BACK, self._stir)
            return
        self._fail_waiting(fault)

    def _withdrawn(self, delivery: Delivery) -> None:
        """A caller went while its message waited: a connection that is being opened for nobody is given up."""
        with contextlib.suppress(ValueError):
            self._queue.remove(delivery)
        if not self._queue:
            self._give_up_opening()

    def _give_up_opening(self) -> None:
        for member in [member for member in self._members if member.connection is None]:
            assert member.task is not None
            member.given_up = True
            self._members.discard(member)
            self._opening -= 1
            self._farewells.add(member.task)
            member.task.add_done_callback(self._farewells.discard)
            member.task.cancel()

    def _fail_waiting(self, fault: Exception) -> None:
        waiting, self._queue = self._queue, deque()
        for delivery in waiting:
            if isinstance(fault, PostroadError):
                delivery.fail(_own_copy(fault), None)
            elif not delivery.done:
                delivery.pending.set_exception(fault)

    # ── waiting ───────────────────────────────────────────────────────────────────────────────────────────────────

    # Bounded is the wait without progress: a long queue that moves is slow, not stuck.

    def _patience_ends(self) -> float:
        return max(self._queue[0].submitted_at, self._moved_at) + self._limits.wait

    def _sweep_later(self) -> None:
        self._sweeper = self._loop.call_at(self._patience_ends(), self._sweep)

    def _sweep(self) -> None:
        """Fail those who wait while nothing moves."""
        self._sweeper = None
        while self._queue and (self._queue[0].done or self._patience_ends() <= self._loop.time()):
            delivery = self._queue.popleft()
            message = f"no connection became free within {self._limits.wait:g} s"
            delivery.fail(PoolTimeout(message, phase=Phase.POOL), None)
        if self._queue:
            self._sweep_later()

    # ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _part_from(self, connection: SmtpConnection) -> None:
        """Say goodbye beside the work: nobody waits for a QUIT."""
        if not connection.open or not connection.usable:
            connection.abort()
            return
        farewell = self._loop.create_task(connection.quit())
        self._farewells.add(farewell)
        farewell.add_done_callback(self._farewells.discard)

    async def aclose(self) -> None:
        """Let transactions under way finish, drop what waits, and close every connection."""
        self._closing = True
        closed = Abandoned("the transport was closed before this message was tried", phase=Phase.POOL)
        self._fail_waiting(closed)
        for member in list(self._idle):
            _rouse(member)
        self._give_up_opening()
        tasks = [member.task for member in self._members if member.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)
        self._fail_waiting(closed)  # what a connection that was lost meanwhile gave back
        await asyncio.gather(*self._farewells, return_exceptions=True)
        if self._sweeper is not None:
            self._sweeper.cancel()

    def forget_after_fork(self) -> None:
        """In a forked child: leave the parent's connections alone."""
        for member in self._members:
            if member.connection is not None:
                member.connection.stream.forget_after_fork()


def _rouse(member: Member) -> None:
    if member.wake is not None and not member.wake.done():
        member.wake.set_result(None)


def _own_copy(fault: PostroadError) -> PostroadError:
    """An error for one message: it will carry that message's report."""
    own = copy.copy(fault)
    own.__cause__ = fault.__cause__ or fault
    return own
