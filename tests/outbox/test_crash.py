"""Enqueuers and workers are killed at random points; the ledger must still add up, recipient by recipient."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text

from postroad.chance import SYSTEM_CHANCE
from postroad.outbox.blocking import Outbox
from postroad.outbox.status import QueueEntry
from tests.peers.aiosmtpd_server import AiosmtpdServer

PROGRAMS = Path(__file__).with_name("programs")
RECEIPTS = 150  # a round's enqueuer is killed after so many at the most
DELIVERIES = 150  # and its worker after so many


@contextmanager
def program(name: str, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    command = [sys.executable, str(PROGRAMS / name), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@dataclass
class Ledger:
    """What was promised, what the database says of it, and what arrived."""

    receipted: list[str] = field(default_factory=list)
    entries: dict[str, QueueEntry] = field(default_factory=dict)
    arrived: Counter[str] = field(default_factory=Counter)

    def lost(self) -> set[str]:
        return set(self.receipted) - self.entries.keys()

    def doubled(self) -> set[str]:
        return {recipient for recipient, times in self.arrived.items() if times > 1}

    def uncertain(self) -> set[str]:
        return {recipient for recipient, entry in self.entries.items() if entry.uncertain_ever}

    def in_state(self, *states: str) -> set[str]:
        return {recipient for recipient, entry in self.entries.items() if str(entry.state) in states}


def one_round(url: str, route: str, server: AiosmtpdServer, name: str, ledger: Ledger) -> None:
    """Enqueuer and worker side by side, each killed at a random point of its own."""
    receipts, deliveries = (int(SYSTEM_CHANCE() * most) for most in (RECEIPTS, DELIVERIES))
    so_far = len(server.messages(0))
    with program("deliver.py", url, route) as worker, program("enqueue.py", url, name) as enqueuer:
        assert enqueuer.stdout is not None
        ledger.receipted += [one for _ in range(receipts) for one in enqueuer.stdout.readline().split()]
        if receipts >= deliveries:
            server.messages(so_far + deliveries)
            worker.kill()
        enqueuer.kill()
        ledger.receipted += enqueuer.stdout.read().split()  # what had been said when the kill came


def give_up(url: str) -> None:
    """Let as much time pass as the living give the dead."""
    with Outbox(url) as outbox:
        dead = text("UPDATE postroad_worker SET heartbeat_at = 0")
        outbox._store.database.write(lambda connection, _: [connection.execute(dead).rowcount], None)


def test_the_ledger_adds_up_after_kills_at_random_points(shared_database: str, kill_rounds: int) -> None:
    url = shared_database
    ledger = Ledger()
    with AiosmtpdServer() as server:
        route = f"smtp+insecure://{server.smtp}?pool=10"
        for number in range(kill_rounds):
            one_round(url, route, server, f"round{number}", ledger)
            give_up(url)
        with Outbox(url) as outbox:
            outbox.worker(route).drain()
            unsure = {entry.id for entry in outbox.find(state="ready", limit=1_000_000) if entry.uncertain_ever}
            outbox.retry(*unsure)  # the policy would do so in a minute
            outbox.worker(route).drain()
            ledger.entries = {entry.recipient: entry for entry in outbox.find(limit=1_000_000)}
            flights = outbox._store.database.read(
                lambda connection: connection.execute(text("SELECT COUNT(*) FROM postroad_flight")).scalar_one()
            )
            stats = outbox.stats()
        ledger.arrived = Counter(one for received in server.messages(0) for one in received.recipients)

    promised = set(ledger.receipted)
    print(
        f"receipted {len(promised)}; of all {len(ledger.entries)} recipients: {dict(stats.states)}; "
        f"uncertain {len(ledger.uncertain())}, doubled {len(ledger.doubled())}"
    )
    assert len(promised) == len(ledger.receipted)
    assert ledger.lost() == set()
    # receipted = sent + refused + queued + uncertain
    assert set(ledger.entries) == ledger.in_state("sent", "refused", "ready", "uncertain")
    assert ledger.in_state("refused") == {one for one in ledger.entries if one.startswith("reject@")}
    assert ledger.in_state("sent") <= ledger.arrived.keys()  # sent is sent
    assert ledger.doubled() <= ledger.uncertain()
    assert ledger.arrived.keys() - ledger.in_state("sent") <= ledger.uncertain()
    # nothing is stuck: what is queued was put off by the server, or nobody could be sure of it
    put_off = {one for one in ledger.entries if one.startswith("defer@")}
    assert ledger.in_state("ready") <= put_off | ledger.uncertain()
    assert flights == 0
