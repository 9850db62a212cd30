"""Enqueuers, workers and the database server are killed at random points; the ledger must add up by recipient.

``POSTROAD_KILL_ROUNDS`` says how many rounds there are. In each, one of everything is killed, in random order, while
the others go on; on PostgreSQL a worker is also frozen until another has taken over what it had, and thawed again.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import pytest

from postroad.chance import SYSTEM_CHANCE
from postroad.database.migrate import migrate_database
from postroad.outbox.blocking import Outbox
from postroad.outbox.stream import Stream, UncertainPolicy
from tests.outbox.ledger import Ledger, let_time_pass
from tests.outbox.processes import Process
from tests.outbox.unreliable_sink import UnreliableSink
from tests.peers.postgresql import Postgresql

BETWEEN = 60  # receipts and transactions between two misfortunes, at the most
AHEAD = 250  # messages that may be queued and not tried yet, or the enqueuers would run away from the workers
PATIENCE = 120.0  # seconds without any progress after which something is stuck
AT_ONCE = 2  # enqueuers, and workers
STREAMS = (
    Stream("careful", uncertain=UncertainPolicy.HOLD),
    Stream("trusting", uncertain=UncertainPolicy.ASSUME_SENT),
)


class Progress:
    """Counts receipts and transactions, so that a test can wait for more of them. Thread-safe."""

    def __init__(self) -> None:
        self._steps = 0
        self.changed = threading.Condition()

    def step(self) -> None:
        with self.changed:
            self._steps += 1
            self.changed.notify_all()

    def wait_for(self, more: int) -> None:
        with self.changed:
            goal = self._steps + more
            while self._steps < goal:
                assert self.changed.wait(PATIENCE) or self._steps >= goal, "nothing goes on"


class Site:
    """One outbox with enqueuers and workers around it, and a next hop at which much goes wrong."""

    def __init__(self, url: str, folder: Path, server: Postgresql | None, stack: ExitStack) -> None:
        self._url = url
        self._log = folder / "log"
        self._server = server
        self._stack = stack
        self._names = count()
        self._heard: list[threading.Thread] = []
        self.ledger = Ledger()
        self.progress = Progress()
        self.happened: Counter[str] = Counter()
        self.sink = stack.enter_context(UnreliableSink(self.progress.step))
        self._route = f"smtp+insecure://{self.sink.endpoint}?pool=5&dot_timeout=1"
        self._sealed: set[int] = set()
        self._lines = 0
        self.enqueuers: list[Process] = []
        self.workers: list[Process] = []
        for _ in range(AT_ONCE):
            self._enqueue()
            self._work()

    def _enqueue(self) -> None:
        process = self._stack.enter_context(Process("enqueue", self._url, f"batch{next(self._names)}", log=self._log))
        self.enqueuers.append(process)
        listener = threading.Thread(target=self._hear, args=(process,))
        listener.start()
        self._heard.append(listener)

    def _work(self) -> None:
        self.workers.append(self._stack.enter_context(Process("deliver", self._url, self._route, log=self._log)))

    def _hear(self, process: Process) -> None:
        for line in process.output:
            self.ledger.receipted += line.split()
            self._lines += 1
            self.progress.step()
            with self.progress.changed:
                self.progress.changed.wait_for(lambda: process.pid in self._sealed or self._room())

    def _room(self) -> bool:
        return self._lines - self.sink.transactions < AHEAD

    # ── what happens ──────────────────────────────────────────────────────────────────────────────────────────────

    def misfortunes(self) -> list[Callable[[], None]]:
        """One of each kind, in random order."""
        kinds = [self.kill_enqueuer, self.kill_worker]
        if self._server is not None:
            kinds += [self.kill_server, self.freeze_worker]
        return sorted(kinds, key=lambda _: SYSTEM_CHANCE())

    def _pick(self, things: list[Process]) -> Process:
        ended = [one for one in things if not one.running]
        assert not ended, f"one has ended by itself; the log ends with {self._log.read_text(errors='replace')[-2000:]}"
        return things[int(SYSTEM_CHANCE() * len(things))]

    def kill_enqueuer(self) -> None:
        victim = self._pick(self.enqueuers)
        self._end_enqueuer(victim)
        self._enqueue()
        self.happened["enqueuer killed"] += 1

    def _end_enqueuer(self, victim: Process) -> None:
        self.enqueuers.remove(victim)
        victim.kill()
        with self.progress.changed:
            self._sealed.add(victim.pid)
            self.progress.changed.notify_all()

    def kill_worker(self) -> None:
        victim = self._pick(self.workers)
        self.workers.remove(victim)
        victim.kill()
        self._declare_dead(victim)
        if len(self.workers) < AT_ONCE:
            self._work()
        self.happened["worker killed"] += 1

    def freeze_worker(self) -> None:
        victim = self._pick(self.workers)
        victim.freeze()
        self._declare_dead(victim)
        self._work()  # it takes over on its arrival
        self.progress.wait_for(BETWEEN)
        victim.thaw()
        self.happened["worker frozen"] += 1

    def kill_server(self) -> None:
        assert self._server is not None
        self._server.kill()
        self._server.start()
        self.happened["server killed"] += 1

    def _declare_dead(self, worker: Process) -> None:
        """What half a minute of silence would do."""
        if self._server is not None:
            sql = f"UPDATE postroad_worker SET heartbeat_at = 0 WHERE pid = {worker.pid}"
            self._server.execute(sql, self._url.rpartition("/")[2])

    # ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────

    def end(self) -> None:
        """Kill everybody."""
        for process in tuple(self.workers):
            process.kill()
        for process in tuple(self.enqueuers):
            self._end_enqueuer(process)
        for listener in self._heard:
            listener.join()

    def settle(self, outbox: Outbox) -> None:
        """Deliver in fair weather what is left, after as much time as that takes."""
        self.sink.fair = True
        for _ in range(2):
            let_time_pass(outbox)
            outbox.worker(self._route).drain()

    def look(self, outbox: Outbox) -> Ledger:
        self.ledger.look(outbox)
        self.ledger.arrived, self.ledger.rejected = self.sink.taken, self.sink.refused
        return self.ledger


@pytest.fixture(params=["file", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Postgresql | None]]:
    """An outbox's URL, and its server, where there is one: of its own, because it will be killed."""
    if request.param == "file":
        yield f"sqlite:///{tmp_path / 'mail.db'}", None
        return
    with Postgresql() as server:
        url = server.url(server.new_database())
        migrate_database(url)
        yield url, server


@contextmanager
def site(url: str, folder: Path, server: Postgresql | None) -> Iterator[Site]:
    with ExitStack() as stack:
        opened = Site(url, folder, server, stack)
        try:
            yield opened
        finally:
            opened.end()


def test_the_ledger_adds_up_after_kills_at_random_points(
    place: tuple[str, Postgresql | None], tmp_path: Path, kill_rounds: int
) -> None:
    url, server = place
    Outbox(url, streams=STREAMS).close()
    with site(url, tmp_path, server) as around:
        for _ in range(kill_rounds):
            for misfortune in around.misfortunes():
                around.progress.wait_for(int(SYSTEM_CHANCE() * BETWEEN))
                misfortune()
        around.progress.wait_for(BETWEEN)  # and everybody goes on
        around.end()
        with Outbox(url) as outbox:
            before = around.look(outbox)
            print(f"\n{kill_rounds} rounds: {dict(around.happened)}; the next hop: {dict(around.sink.suffered)}")
            print(f"after the kills: {before}")
            before.check_promises()
            around.settle(outbox)
            after = around.look(outbox)
            print(f"settled:         {after}")
    after.check_promises()
    after.check_arrivals()
    after.check_settled()
