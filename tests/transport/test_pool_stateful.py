"""The pool under every order of events: never over the cap, never a lost waiter, never a connection used twice at once.

Hypothesis draws what callers and servers do and how time passes; after each event everything that is due happens, and
then the pool is looked at from outside: its promises to callers, and what the server sees.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from postroad.net.tls import Tls
from postroad.outcome import Result, SendReport
from postroad.transport.smtp.settings import PoolLimits, Smtp
from postroad.transport.smtp.transport import SmtpTransport
from tests.fakes import letter
from tests.transport.memory_network import SteppedLoop
from tests.transport.memory_server import Answer, Books, MemoryServer

EXTENSIONS = ("PIPELINING", "CHUNKING", "ENHANCEDSTATUSCODES", "LIMITS RCPTMAX=2", "LIMITS MAILMAX=3")
HOLD_BACK = 6.0  # seconds after which at the latest another connection is tried
EVER = 100_000.0  # seconds: every deadline of the settings together
OFTEN = 12  # so many commands are answered at once, where everything goes well

choices = st.integers(min_value=0, max_value=1_000)  # which of those that are there now
answers = st.sampled_from([Answer.YES, *Answer])


@dataclass
class Sent:
    """A message that was handed over."""

    number: str
    recipients: tuple[str, ...]
    pending: "asyncio.Future[SendReport]"
    cancelled: bool = field(default=False)


class PoolMachine(RuleBasedStateMachine):
    @initialize(
        connections=st.integers(1, 3),
        messages=st.sampled_from([1, 2, 100]),
        offers=st.sets(st.sampled_from(EXTENSIONS)).map(sorted).map(tuple),
    )
    def begin(self, connections: int, messages: int, offers: tuple[str, ...]) -> None:
        self.books = Books()
        self.loop = SteppedLoop(lambda: MemoryServer(self.books, offers))
        self.limits = PoolLimits(connections=connections, messages=messages, idle=60.0)
        self.transport = SmtpTransport(Smtp("192.0.2.1", 25, tls=Tls.NONE, ehlo="us.example", limits=self.limits))
        self.sent: list[Sent] = []
        self.closing: asyncio.Task[None] | None = None

    def within(self, act: Any) -> Any:
        """Do something in the loop, and everything that follows from it."""
        results: list[Any] = []
        self.loop.call_soon(lambda: results.append(act()))
        self.loop.settle()
        return results[0]

    # ── callers ───────────────────────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: self.closing is None and len(self.sent) < 60)
    @rule(recipients=st.integers(1, 4), messages=st.integers(1, 6))
    def submit(self, recipients: int, messages: int) -> None:
        for _ in range(messages):
            number = str(len(self.sent))
            names = tuple(f"r{one}.{number}@b.example" for one in range(recipients))
            mail = letter(number, *names, sender=f"s.{number}@a.example")
            pending = self.within(lambda mail=mail: self.transport.deliver(mail))
            self.sent.append(Sent(number, names, pending))

    @precondition(lambda self: self.waited_for())
    @rule(which=choices)
    def go_away(self, which: int) -> None:
        waited_for = self.waited_for()
        sent = waited_for[which % len(waited_for)]
        sent.cancelled = True
        self.within(sent.pending.cancel)

    @precondition(lambda self: self.closing is None and self.sent)
    @rule()
    def close(self) -> None:
        self.closing = self.within(lambda: self.loop.create_task(self.transport.aclose()))

    @precondition(lambda self: self.closing is not None and self.closing.done())
    @rule()
    def begin_anew(self) -> None:
        self.closing = None

    def waited_for(self) -> list[Sent]:
        return [one for one in self.sent if not one.pending.done()]

    # ── servers ───────────────────────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: self.loop.dials)
    @rule(which=choices, reached=st.sampled_from([True, True, True, False]))
    def connect(self, which: int, reached: bool) -> None:
        dial = self.loop.dials[which % len(self.loop.dials)]
        self.within(lambda: dial.set_result(None) if reached else dial.set_exception(ConnectionRefusedError(111, "no")))

    @precondition(lambda self: self.loop.dials)
    @rule()
    def connect_and_greet(self) -> None:
        """All that are being opened get through."""
        while self.loop.dials:
            self.connect(0, True)
        for server in self.loop.live():
            self.answer_up_to(server, 2 if server.greeting else 0)

    def answer_up_to(self, server: MemoryServer, times: int) -> None:
        for _ in range(times):
            if server.open and server.due:
                self.within(lambda: server.answer(Answer.YES))

    def that_owe_an_answer(self) -> list[MemoryServer]:
        return [server for server in self.loop.live() if server.due]

    @precondition(lambda self: self.that_owe_an_answer())
    @rule(which=choices, how=answers)
    def answer(self, which: int, how: Answer) -> None:
        servers = self.that_owe_an_answer()
        server = servers[which % len(servers)]
        self.within(lambda: server.answer(how))

    @precondition(lambda self: self.that_owe_an_answer())
    @rule(rounds=st.integers(1, 20))
    def all_answer_well(self, rounds: int) -> None:
        for _ in range(rounds):
            for server in self.that_owe_an_answer():
                self.answer_up_to(server, 1)

    @precondition(lambda self: self.that_owe_an_answer())
    @rule(which=choices, times=st.integers(1, OFTEN))
    def answer_well(self, which: int, times: int) -> None:
        servers = self.that_owe_an_answer()
        self.answer_up_to(servers[which % len(servers)], times)

    @precondition(lambda self: self.closing is None and len(self.sent) < 60)
    @rule(messages=st.integers(2, 6), answered=st.integers(0, 20), how=answers, which=choices)
    def a_good_run_ends(self, messages: int, answered: int, how: Answer, which: int) -> None:
        """Several messages go well, until one command does not: deep states that single steps seldom reach."""
        self.submit(1, messages)
        self.connect_and_greet()
        for _ in range(answered):
            if servers := self.that_owe_an_answer():
                self.answer_up_to(servers[which % len(servers)], 1)
        if self.that_owe_an_answer():
            self.answer(which, how)

    @precondition(lambda self: self.loop.live())
    @rule(which=choices, words=st.sampled_from([None, "421 4.3.2 closing", "250 nobody asked"]))
    def speak_unasked(self, which: int, words: str | None) -> None:
        servers = self.loop.live()
        server = servers[which % len(servers)]
        if words is None or server.due:  # words would be an answer now
            self.within(server.hang_up)
        else:
            self.within(lambda: server.say(words))

    @rule(seconds=st.sampled_from([0.1, 3.0, 6.0, 31.0, 61.0, 301.0, 601.0]))
    def time_passes(self, seconds: float) -> None:
        self.loop.advance(seconds)

    # ── what always holds ─────────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def the_cap_holds(self) -> None:
        assert len(self.loop.dials) + len(self.loop.live()) <= self.limits.connections

    @invariant()
    def no_connection_is_used_twice_at_once(self) -> None:
        assert self.books.wrongs == []

    @invariant()
    def nobody_is_forgotten(self) -> None:
        if self.closing is not None:
            return
        carried = {number for server in self.loop.live() for number in server.carries}
        waiting = [one.number for one in self.waited_for() if one.number not in carried]
        asked = [server for server in self.loop.live() if server.probed]  # each will take one of them
        if waiting:
            idle = [server for server in self.loop.live() if server.idle]
            assert not idle or len(waiting) <= len(asked), f"{waiting} wait beside an idle one"
            assert self.loop.live() or self.loop.dials, f"{waiting} wait for nothing"

    @invariant()
    def reports_are_true(self) -> None:
        taken = self.books.taken
        for one in self.sent:
            assert all(taken[recipient] <= 1 for recipient in one.recipients), "taken twice"
            if one.cancelled or not one.pending.done():
                assert one.pending.cancelled() == one.cancelled
                continue
            outcomes = one.pending.result().outcomes
            assert tuple(outcome.recipient.addr_spec for outcome in outcomes) == one.recipients
            for outcome in outcomes:
                known = {Result.ACCEPTED: (1,), Result.REFUSED: (0,), Result.UNKNOWN: (0, 1)}[outcome.result]
                assert taken[outcome.recipient.addr_spec] in known, outcome

    @invariant()
    def nothing_failed_unseen(self) -> None:
        assert self.loop.faults == []

    # ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────

    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        try:
            if len(self.sent) % 2:
                self.all_goes_well_from_now_on()
            else:
                self.loop.advance(EVER)  # the server says nothing any more
            assert self.waited_for() == [], "somebody waits for ever"
            self.reports_are_true()
            self.everything_ends()
        finally:
            self.loop.close()

    def all_goes_well_from_now_on(self) -> None:
        """Nobody may have to wait for a deadline, but for the one that holds new connections back."""
        while self.waited_for():
            steps = 0
            while self.loop.dials or self.that_owe_an_answer():
                if self.loop.dials:
                    self.connect(0, True)
                else:
                    self.answer(0, Answer.YES)
                self.the_cap_holds()
                steps += 1
                assert steps < 5_000, "it goes round in circles"
            before = len(self.waited_for())
            if before:
                deaf = [server for server in self.loop.live() if server.deaf or not server.idle]
                self.loop.advance(EVER if deaf else HOLD_BACK)
                moves = self.loop.dials or self.that_owe_an_answer() or len(self.waited_for()) < before
                assert moves, "nothing moves any more"

    def everything_ends(self) -> None:
        closing = self.closing or self.within(lambda: self.loop.create_task(self.transport.aclose()))
        self.loop.advance(HOLD_BACK)
        assert closing.done(), "closing waits for a server that says nothing"
        assert self.loop.dials == []
        assert self.loop.live() == []
        assert self.within(lambda: asyncio.all_tasks(self.loop)) == set(), "a task was left behind"
        self.nothing_failed_unseen()


TestPool = PoolMachine.TestCase
