"""The connections to one account: a hard cap, messages handed over in order, nobody waits for ever.

Every connection is a member: a task that opens it, has its session take messages from the queue, and closes it. The
pool never tries a delivery again on its own. One thing looks like it and is not: a message that met a connection which
the server had given up while it was idle, before the server said a word to it, goes to a new connection and has cost no
attempt.
"""

import asyncio
import contextlib
import copy
import math
from collections import deque
from collections.abc import Awaitable, Callable

from postroad.errors import Abandoned, PoolTimeout, PostroadError
from postroad.message.envelope import MailObject
from postroad.reply import Phase
from postroad.transport.contract import BeforeCommit
from postroad.transport.gcra import Rate
from postroad.transport.restraint import Hold
from postroad.transport.smtp.connection import SmtpConnection
from postroad.transport.smtp.delivery import Delivery, PendingReport
from postroad.transport.smtp.pool_policy import (
    HOLD_BACK,
    PROBE_AFTER,
    PoolState,
    Wake,
    on_waiting,
    opening_failed_for_all,
    worn_out,
)
from postroad.transport.smtp.session import Session
from postroad.transport.smtp.settings import PoolLimits
from postroad.transport.smtp.transaction import Transaction


class Member:
    """A connection of the pool, with its task."""

    __slots__ = (
        "connection",
        "given_up",
        "idle_since",
        "idle_timer",
        "opened_at",
        "over",
        "probing",
        "session",
        "task",
    )

    def __init__(self) -> None:
        self.connection: SmtpConnection | None = None
        self.session: Session | None = None
        self.opened_at = 0.0
        self.given_up = False  # while it was being opened
        self.probing = False  # whether its connection still lives, for a message that it has not taken yet
        self.idle_since = 0.0
        self.idle_timer: asyncio.TimerHandle | None = None
        self.over: asyncio.Future[None] | None = None  # settled when the connection is to be closed
        self.task: asyncio.Task[None] | None = None


class Pool:
    """Belongs to one event loop. ``opener`` makes an open, authenticated connection or raises a ``PostroadError``."""

    def __init__(
        self,
        opener: Callable[[], Awaitable[SmtpConnection]],
        limits: PoolLimits,
        on_trouble: Callable[[PostroadError], None] = lambda fault: None,
    ) -> None:
        self._opener = opener
        self._limits = limits
        self._most, self._messages = limits.connections, limits.messages  # fewer while somebody holds us back
        self._openings: Rate | None = None
        self._next_opening = -math.inf  # the state of that rate
        self._opener_waits: asyncio.TimerHandle | None = None
        self._on_trouble = on_trouble
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Delivery] = deque()
        self._members: set[Member] = set()
        self._member_of: dict[Session, Member] = {}
        self._idle: list[Member] = []  # last in, first out: the others may grow old and go
        self._farewells: set[asyncio.Task[None]] = set()
        self._opening = 0
        self._probing = 0
        self._leaving = 0
        self._proven = False
        self._hold_back_until = 0.0
        self._moved_at = 0.0  # when a message last left the queue
        self._sweeper: asyncio.TimerHandle | None = None
        self._closing = False

    def submit(self, mail: MailObject, before_commit: BeforeCommit | None) -> PendingReport:
        """Queue a message; the report comes when it has been tried."""
        delivery = Delivery(mail, before_commit, self._loop.time(), self._withdrawn)
        self._queue.append(delivery)
        if self._idle or len(self._members) < self._most or self._sweeper is None:
            self._stir()
        return delivery.pending

    def __repr__(self) -> str:
        busy = len(self._members) - len(self._idle) - self._opening
        return f"<Pool {busy} busy, {len(self._idle)} idle, {self._opening} opening, {len(self._queue)} waiting>"

    # ── restraint ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def connections(self) -> int:
        """How many there are, those that are being opened or closed included."""
        return len(self._members) + self._leaving

    def hold_to(self, hold: Hold) -> None:
        """Keep to this, too, until told otherwise. Connections beyond the number end when they are free."""
        most = self._limits.connections
        self._most = most if hold.connections is None else min(hold.connections, most)
        self._messages = self._limits.messages if hold.messages is None else min(hold.messages, self._limits.messages)
        self._openings = hold.new_connections
        for member in self._idle[: max(0, len(self._members) - self._most)]:
            self._idle.remove(member)
            _end(member)
        self._stir()

    def _may_open(self) -> bool:
        """Whether the rate of new connections lets one be opened now; else it is looked at again when it does."""
        if self._openings is None:
            return True
        wait, due = self._openings.reserve(self._next_opening, self._loop.time())
        if wait <= 0:
            self._next_opening = due
            return True
        if self._opener_waits is None:
            self._opener_waits = self._loop.call_later(wait, self._open_again)
        return False

    def _open_again(self) -> None:
        self._opener_waits = None
        self._stir()

    # ── decisions ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _state(self) -> PoolState:
        return PoolState(
            waiting=len(self._queue),
            idle=len(self._idle),
            woken=self._probing,
            opening=self._opening,
            members=len(self._members),
            proven=self._proven,
            holding_back=self._loop.time() < self._hold_back_until,
            leaving=self._leaving,
        )

    def _stir(self) -> None:
        """Set in motion what the waiting messages call for."""
        while self._queue and (wake := on_waiting(self._state(), self._most)) is not Wake.NOTHING:
            if wake is Wake.OPEN:
                if not self._may_open():
                    break
                self._open_member()
            else:
                self._wake_member(self._idle.pop())
        if self._queue and self._sweeper is None:
            self._sweep_later()

    def _wake_member(self, member: Member) -> None:
        assert member.session is not None
        if self._loop.time() - member.idle_since < PROBE_AFTER:
            member.session.go_on()
        else:
            member.probing = True
            self._probing += 1
            member.session.probe()

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
        await self._serve(member, member.connection)

    async def _serve(self, member: Member, connection: SmtpConnection) -> None:
        member.over = self._loop.create_future()
        member.session = session = Session(connection, self)
        self._member_of[session] = member
        cancelled = False
        try:
            session.begin()
            await member.over
        except asyncio.CancelledError:
            cancelled = True  # a loop that ends does that: no time for a goodbye, and nothing begins
            session.abort()
            raise
        finally:
            self._forget(member, session)
            session.release()
            self._part_from(connection)
            if not (cancelled or self._closing):
                self._stir()

    def _forget(self, member: Member, session: Session) -> None:
        self._members.discard(member)
        self._member_of.pop(session, None)
        if member.idle_timer is not None:
            member.idle_timer.cancel()
        with contextlib.suppress(ValueError):
            self._idle.remove(member)
        self._stop_probing(member)

    def _stop_probing(self, member: Member) -> None:
        self._probing -= member.probing
        member.probing = False

    # ── what its sessions ask ─────────────────────────────────────────────────────────────────────────────────────

    def following(self, session: Session, last: Transaction | None) -> Transaction | None:
        """The rest of the last message, or the first waiting one that this connection can carry; those it cannot get
        their answer.
        """
        if not self._queue and (last is None or not last.delivery.has_more):
            return None
        member = self._member_of.get(session)
        now = self._loop.time()
        if member is None or self._is_worn_out(member, session, now):
            self._return_rest(last)
            return None
        if member.probing:
            self._stop_probing(member)
        if last is not None and last.delivery.has_more:
            transaction = self._begin(last.delivery, session)
            if transaction is not None:
                return transaction
        while self._queue and not self._closing:
            delivery = self._queue.popleft()
            if delivery.done:  # cancelled while it waited
                continue
            self._moved_at = now
            transaction = self._begin(delivery, session)
            if transaction is not None:
                return transaction
        return None

    def _begin(self, delivery: Delivery, session: Session) -> Transaction | None:
        try:
            return delivery.begin(session.connection)
        except PostroadError as unsuited:
            unsuited.transcript = unsuited.transcript or session.connection.transcript()
            delivery.fail(unsuited)
            return None

    def _return_rest(self, last: Transaction | None) -> None:
        """A message with more recipients goes on over another connection, once its last transaction is through."""
        if last is None or not (last.committed or last.ended):  # what its content is told may hold for the rest too
            return
        if last.delivery.has_more and last.delivery not in self._queue:
            last.delivery.session = None
            self._queue.appendleft(last.delivery)

    def _is_worn_out(self, member: Member, session: Session, now: float) -> bool:
        connection = session.connection
        if len(self._members) > self._most:  # the first to be free makes room
            return True
        most = connection.conversation.extensions.mail_max  # RFC 9422 §4
        if most is not None and connection.served >= most:
            return True
        return worn_out(connection.served, now - member.opened_at, self._messages, self._limits.age)

    def look_ahead(self, session: Session) -> None:
        """Prepare the message that is probably next."""
        if self._queue:
            self._queue[0].prepare(session.connection)

    def rests(self, session: Session) -> None:
        """Keep a connection that has nothing to do for a while; or part from it."""
        member = self._member_of.get(session)
        if member is None:
            return
        now = self._loop.time()
        if self._closing or not session.connection.usable or self._is_worn_out(member, session, now):
            _end(member)
            return
        self._stop_probing(member)
        member.idle_since = now
        self._idle.append(member)
        if member.idle_timer is None:
            member.idle_timer = self._loop.call_at(now + self._limits.idle, self._retire, member)

    def _retire(self, member: Member) -> None:
        """Part from a connection that has been idle for long enough."""
        member.idle_timer = None
        if member not in self._idle:
            return
        # One timer for many rests: it looks again where there was work in between.
        until = member.idle_since + self._limits.idle
        if self._loop.time() < until:
            member.idle_timer = self._loop.call_at(until, self._retire, member)
            return
        # Not idle from now on: its task wakes a turn later, and a message that came before would be lost with it.
        self._idle.remove(member)
        _end(member)

    def returned(self, transaction: Transaction) -> None:
        """Queue again, in front, what a lost connection never began."""
        delivery = transaction.delivery
        delivery.give_back(transaction)
        if not delivery.done and delivery not in self._queue:
            self._queue.appendleft(delivery)

    def ended(self, session: Session) -> None:
        """Its connection is closed; others may have to be opened."""
        member = self._member_of.get(session)
        if member is not None:
            self._forget(member, session)
            _end(member)

    def _opening_failed(self, fault: Exception) -> None:
        self._proven = False
        self._hold_back_until = self._loop.time() + HOLD_BACK
        if not opening_failed_for_all(self._state()):
            if isinstance(fault, PostroadError):
                self._on_trouble(fault)
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
                delivery.fail(_own_copy(fault))
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
            delivery.fail(PoolTimeout(message, phase=Phase.POOL))
        if self._queue:
            self._sweep_later()

    # ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _part_from(self, connection: SmtpConnection) -> None:
        """Say goodbye beside the work: nobody waits for a QUIT."""
        if not connection.open or not connection.usable:
            connection.abort()
            return
        self._leaving += 1
        farewell = self._loop.create_task(connection.quit())
        self._farewells.add(farewell)
        farewell.add_done_callback(self._left)

    def _left(self, farewell: "asyncio.Task[None]") -> None:
        self._farewells.discard(farewell)
        self._leaving -= 1
        if not (self._closing or farewell.cancelled()):
            self._stir()

    async def aclose(self) -> None:
        """Let transactions under way finish, drop what waits, and close every connection."""
        self._closing = True
        closed = Abandoned("the transport was closed before this message was tried", phase=Phase.POOL)
        self._fail_waiting(closed)
        for member in self._idle:
            _end(member)
        self._idle.clear()
        self._give_up_opening()
        tasks = [member.task for member in self._members if member.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)
        self._fail_waiting(closed)  # what a connection that was lost meanwhile gave back
        await asyncio.gather(*self._farewells, return_exceptions=True)
        for timer in (self._sweeper, self._opener_waits):
            if timer is not None:
                timer.cancel()

    def forget_after_fork(self) -> None:
        """In a forked child: leave the parent's connections alone."""
        for member in self._members:
            if member.connection is not None:
                member.connection.stream.forget_after_fork()


def _end(member: Member) -> None:
    if member.over is not None and not member.over.done():
        member.over.set_result(None)


def _own_copy(fault: PostroadError) -> PostroadError:
    """An error for one message: it will carry that message's report."""
    own = copy.copy(fault)
    own.__cause__ = fault.__cause__ or fault
    return own
