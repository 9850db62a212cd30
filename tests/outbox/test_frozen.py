"""Workers that are stopped in the middle of a transaction, or killed there, and what the others may do meanwhile."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from postroad.outbox.blocking import Outbox
from postroad.outbox.liveness import BEAT_EVERY, GIVEN_UP_AFTER
from postroad.outbox.stream import Stream, UncertainPolicy
from postroad.retry import Schedule
from postroad.transport.to_memory import MemoryTransport
from tests.fakes import middle
from tests.outbox.letters import letter, only, wait_for_states, wait_for_workers
from tests.outbox.processes import Process
from tests.outbox.scripted_transport import Stop
from tests.outbox.stepped_clock import SteppedClock
from tests.outbox.unreliable_sink import UnreliableSink
from tests.peers.waiting import wait_until

CAREFUL = Stream("careful", uncertain=UncertainPolicy.HOLD)


@pytest.fixture
def sink() -> Iterator[UnreliableSink]:
    with UnreliableSink() as server:
        server.fair = True
        yield server


def route(sink: UnreliableSink) -> str:
    return f"smtp+insecure://{sink.endpoint}"


@pytest.fixture
def worker(shared_database: str, sink: UnreliableSink, tmp_path: Path) -> Iterator[Process]:
    """A process that delivers from ``shared_database``."""
    Outbox(shared_database).close()
    with Process("deliver", shared_database, route(sink), log=tmp_path / "log") as process:
        yield process


def silent_for(outbox: Outbox, worker: Process, seconds: float) -> None:
    """Let its last sign of life be so old, by the server's clock."""
    sql = f"UPDATE postroad_worker SET heartbeat_at = extract(epoch FROM now()) - {seconds} WHERE pid = {worker.pid}"
    outbox._store.database.write(lambda connection, _: [connection.execute(text(sql)).rowcount], None)


IDLE = text(
    "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend' AND state <> 'idle'"
)


def freeze(outbox: Outbox, worker: Process) -> None:
    """Stop it where it writes nothing: for what it has locked in a file, everybody would wait without an end."""

    def stopped() -> bool | None:
        worker.freeze()
        if nobody_writes(outbox):
            return True
        worker.thaw()
        return None

    wait_until(stopped, "a moment at which it writes nothing")


def nobody_writes(outbox: Outbox) -> bool:
    database = outbox._store.database
    if database.location.on_server:
        return database.read(lambda connection: bool(connection.execute(IDLE).scalar_one()))
    lock = database._opened().write_lock
    free = lock.try_acquire()
    if free:
        lock.release()
    return free


only_on_server = pytest.mark.parametrize("shared_database", ["postgresql"], indirect=True)
only_in_file = pytest.mark.parametrize("shared_database", ["file"], indirect=True)


# ── where several work ────────────────────────────────────────────────────────────────────────────────────────────────


@only_on_server
def test_frozen_before_its_flight_record_a_worker_cannot_send_what_another_took_over(
    shared_database: str, sink: UnreliableSink, worker: Process
) -> None:
    sink.at_data = before = Stop()
    with Outbox(shared_database) as outbox:
        receipt = outbox.send(letter("bob@b.example"))
        before.wait_until_reached()
        freeze(outbox, worker)
        silent_for(outbox, worker, GIVEN_UP_AFTER + 1)
        sink.at_data = None
        with outbox.worker(route(sink)):
            wait_for_states(outbox, sent=1)
        before.open()
        worker.thaw()  # it is told to go on with the content
        wait_until(lambda: sink.transactions == 2 or None, "the end of its transaction")
        assert sink.taken == {"bob@b.example": 1}
        delivery = only(outbox, receipt.id)
        assert (delivery.state, delivery.attempts, len(delivery.history)) == ("sent", 1, 1)
        assert not delivery.uncertain_ever
        outbox.send(letter("ann@b.example"))  # and it goes on
        wait_for_states(outbox, sent=2)
    assert worker.running


@only_on_server
def test_frozen_after_its_flight_record_it_is_uncertain_and_only_then_doubled(
    shared_database: str, sink: UnreliableSink, worker: Process
) -> None:
    sink.at_dot = after = Stop()
    with Outbox(shared_database) as outbox:
        receipt = outbox.send(letter("bob@b.example"))
        after.wait_until_reached()
        freeze(outbox, worker)
        silent_for(outbox, worker, GIVEN_UP_AFTER + 1)
        sink.at_dot = None
        with outbox.worker(route(sink)):
            wait_until(lambda: only(outbox, receipt.id).uncertain_ever or None, "the take-over")
            assert only(outbox, receipt.id).state == "ready"  # the usual policy
            assert sink.taken == {"bob@b.example": 1}
            outbox.retry(receipt.id)  # in a minute it would be due
            wait_for_states(outbox, sent=1)
        after.open()
        worker.thaw()
        history = wait_until(lambda: three(outbox, receipt.id), "its late reply")
        assert [str(one) for one in history] == ["unknown", "accepted", "accepted"]
        assert sink.taken == {"bob@b.example": 2}
        assert only(outbox, receipt.id).state == "sent"


def three(outbox: Outbox, id_: str) -> list[str] | None:
    results = [str(attempt.result) for attempt in only(outbox, id_).history]
    return results if len(results) == 3 else None


@only_on_server
def test_where_uncertain_mail_waits_the_late_reply_of_a_frozen_worker_settles_it(
    shared_database: str, sink: UnreliableSink, worker: Process
) -> None:
    sink.at_dot = after = Stop()
    with Outbox(shared_database, streams=[CAREFUL]) as outbox:
        receipt = outbox.send(letter("bob@b.example"), stream="careful")
        after.wait_until_reached()
        freeze(outbox, worker)
        silent_for(outbox, worker, GIVEN_UP_AFTER + 1)
        with outbox.worker(MemoryTransport()):
            wait_for_states(outbox, uncertain=1)
        after.open()
        worker.thaw()
        wait_for_states(outbox, sent=1)
        assert only(outbox, receipt.id).uncertain_ever
    assert sink.taken == {"bob@b.example": 1}


@only_on_server
def test_a_dead_workers_leases_return_within_the_heartbeat_time(
    shared_database: str, sink: UnreliableSink, worker: Process
) -> None:
    clock, transport, stop = SteppedClock(), MemoryTransport(), Stop()
    sink.at_data = stop
    with Outbox(shared_database, clock=clock, chance=middle) as outbox:
        for number in range(10):
            outbox.send(letter(f"{number}@b.example"))
        wait_for_states(outbox, leased=10)
        stop.wait_until_reached()
        worker.kill()
        stop.open()
        silent_for(outbox, worker, 0)
        with outbox.worker(transport):
            wait_for_workers(outbox, 2)
            silent_for(outbox, worker, GIVEN_UP_AFTER / 2)
            before = beats(outbox)
            clock.advance(BEAT_EVERY)
            wait_until(lambda: beats(outbox) > before or None, "a beat")
            assert outbox.stats().states["leased"] == 10  # it may live
            silent_for(outbox, worker, GIVEN_UP_AFTER + 0.1)
            clock.advance(BEAT_EVERY)
            wait_for_states(outbox, sent=10)
        assert len(transport.messages) == 10
        assert outbox.stats().uncertain_ever == 0
    assert not sink.taken


def beats(outbox: Outbox) -> float:
    """When a heart was last heard."""
    sql = text("SELECT max(heartbeat_at) FROM postroad_worker")
    return outbox._store.database.read(lambda connection: float(connection.execute(sql).scalar_one()))


@only_on_server
def test_two_workers_never_try_one_recipient_at_the_same_time(
    shared_database: str, sink: UnreliableSink, tmp_path: Path
) -> None:
    sink.fair = False
    at_once = Schedule((0.001,), repeat=True, max_attempts=50, jitter=0)
    here, there = (Outbox(shared_database) for _ in range(2))
    with here, there:
        for number in range(150):
            here.send(letter(*(f"{one}-{number}@{number % 5}.example" for one in range(1 + number % 3))))
        slow = f"{route(sink)}?pool=5&dot_timeout=1"
        with here.worker(slow, schedule=at_once), there.worker(slow, schedule=at_once):
            wait_for_states(here, ready=0, leased=0, scheduled=0)
        sql = text("SELECT DISTINCT worker FROM postroad_attempt")
        workers = here._store.database.read(lambda connection: connection.execute(sql).all())
    assert sink.overlaps == []
    assert len(workers) == 2
    assert sum(sink.suffered.values()) > 10


# ── where one works ───────────────────────────────────────────────────────────────────────────────────────────────────


@only_in_file
@pytest.mark.parametrize("point", ["at_data", "at_dot"])
def test_a_frozen_worker_keeps_its_lock_and_goes_on_where_it_was(
    shared_database: str, sink: UnreliableSink, worker: Process, point: str, caplog: pytest.LogCaptureFixture
) -> None:
    stop = Stop()
    setattr(sink, point, stop)
    second = MemoryTransport()
    with Outbox(shared_database) as outbox:
        receipt = outbox.send(letter("bob@b.example"))
        stop.wait_until_reached()
        freeze(outbox, worker)
        with outbox.worker(second):
            wait_until(lambda: "another worker" in caplog.text or None, "the second worker to wait")
            outbox.send(letter("ann@b.example"))  # nobody else is held up
            setattr(sink, point, None)
            stop.open()
            worker.thaw()
            wait_for_states(outbox, sent=2)
        assert not only(outbox, receipt.id).uncertain_ever
    assert sink.taken == {"bob@b.example": 1, "ann@b.example": 1}
    assert second.messages == []


@only_in_file
@pytest.mark.parametrize(("point", "uncertain"), [("at_data", False), ("at_dot", True)])
def test_a_worker_that_is_killed_while_frozen_is_followed_by_the_one_that_waited(
    shared_database: str, sink: UnreliableSink, worker: Process, point: str, uncertain: bool
) -> None:
    stop, second = Stop(), MemoryTransport()
    setattr(sink, point, stop)
    with Outbox(shared_database) as outbox:
        receipt = outbox.send(letter("bob@b.example"))
        stop.wait_until_reached()
        freeze(outbox, worker)
        with outbox.worker(second):
            worker.kill()
            stop.open()
            if uncertain:
                wait_until(lambda: only(outbox, receipt.id).uncertain_ever or None, "the take-over")
                outbox.retry(receipt.id)
            wait_for_states(outbox, sent=1)
        assert only(outbox, receipt.id).uncertain_ever is uncertain
    assert len(second.messages) == 1
    assert sink.taken == ({"bob@b.example": 1} if uncertain else {})
