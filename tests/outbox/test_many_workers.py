"""Any number of workers share a PostgreSQL database, and none of them ever tries what another has in its hands."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, text

from postroad.database.database import Database
from postroad.database.driver import begin_writing, execute
from postroad.outbox import amend
from postroad.outbox.blocking import Outbox
from postroad.outbox.claim import Claim, claim
from postroad.outbox.enqueue import enqueue
from postroad.outbox.flight import Departure, depart
from postroad.outbox.lease import Lease
from postroad.outbox.liveness import GIVEN_UP_AFTER, beat
from postroad.outbox.recover import Arrival, Recovered, arrive
from postroad.outbox.sites import news, survey
from postroad.outbox.stats import stats
from postroad.outbox.worker import SURVEY_SHARED
from postroad.transport.to_memory import MemoryTransport
from tests.fakes import START, middle
from tests.outbox.letters import letter, only, wait_for_states, wait_for_workers
from tests.outbox.scripted_transport import ScriptedTransport, Stop
from tests.outbox.stepped_clock import SteppedClock
from tests.outbox.test_queue import (
    LANE,
    ME,
    OTHER,
    answered,
    counted,
    job,
    land,
    leases,
    leave,
    one,
    put,
    take,
)
from tests.peers.waiting import wait_until

P = TypeVar("P")
R = TypeVar("R")


@pytest.fixture
def database(server_database: str) -> Iterator[Database]:
    opened = Database(server_database)
    yield opened
    opened.close()


@contextmanager
def transaction(database: Database) -> Iterator[Connection]:
    """What another process has begun to write; it commits at the end."""
    with database._opened().engine.connect() as connection:
        begin_writing(connection)
        yield connection
        execute(connection, "COMMIT")


def at_work(id_: str, *, patience: float = GIVEN_UP_AFTER, epoch: int = 1) -> Arrival:
    return Arrival(id_, "host", 1, epoch, "smtp://relay", START, middle, patience)


def silence(database: Database, id_: str) -> None:
    """Let as much time pass without a sign of life of this worker as makes it dead."""
    sql = text(f"UPDATE postroad_worker SET heartbeat_at = heartbeat_at - {GIVEN_UP_AFTER + 1} WHERE id = '{id_}'")
    database.write(lambda connection, _: [connection.execute(sql).rowcount], None)


def in_thread(work: Callable[[], R]) -> tuple[threading.Thread, list[R]]:
    results: list[R] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    return thread, results


def until_waiting(database: Database) -> None:
    """Wait until somebody's statement waits for a lock."""
    sql = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")

    def waiting() -> bool | None:
        return database.read(lambda connection: connection.execute(sql).scalar_one()) > 0 or None

    wait_until(waiting, "a lock to be waited for")


# ── claims ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_claim_passes_over_what_another_is_taking(database: Database) -> None:
    put(database, *(job(f"{number}@b.example", at=START + number / 1000) for number in range(6)))
    wish = Claim(OTHER, START + 1, {LANE: 2}, lambda lease, now: now + 60)
    with transaction(database) as theirs:
        (got,) = claim(theirs, [wish])
        assert not isinstance(got, Exception)
        mine = take(database, at=START + 1, most=2)
    assert [lease.recipient for lease in leases(got)] == ["0@b.example", "1@b.example"]
    assert [lease.recipient for lease in leases(mine)] == ["2@b.example", "3@b.example"]


def test_recipients_of_one_message_that_another_takes_by_its_site_stay_with_it(database: Database) -> None:
    put(database, job("ann@b.example", "bob@c.example"))
    with transaction(database) as theirs:
        theirs.execute(text("SELECT 1 FROM postroad_delivery WHERE recipient = 'bob@c.example' FOR UPDATE"))
        assert [lease.recipient for lease in leases(take(database))] == ["ann@b.example"]


def test_two_workers_share_the_work_and_try_each_recipient_once(server_database: str) -> None:
    first, second = ScriptedTransport(), ScriptedTransport(before_dot=Stop())
    with Outbox(server_database) as here, Outbox(server_database) as there:
        for number in range(120):
            here.send(letter(f"{number}@{number % 7}.example"))
        assert second.before_dot is not None
        with there.worker(second, concurrency=4):
            second.before_dot.wait_until_reached()  # it has something in its hands
            with here.worker(first, concurrency=4):
                wait_until(lambda: len(first.sent) > 50 or None, "the first worker's share")
                second.before_dot.open()
                wait_for_states(here, sent=120)
        tried = Counter(recipient for transport in (first, second) for mail in transport.tried for recipient in mail)
        assert set(tried.values()) == {1}
        assert len(tried) == 120
        assert second.sent


def test_what_one_worker_gives_back_another_takes_soon(server_database: str) -> None:
    clock, stuck, transport = SteppedClock(), ScriptedTransport(before_dot=Stop()), MemoryTransport()
    with Outbox(server_database, clock=clock) as here, Outbox(server_database, clock=clock) as there:
        here.send(letter())
        assert stuck.before_dot is not None
        leaving = there.worker(stuck)
        with leaving:
            stuck.before_dot.wait_until_reached()
            with here.worker(transport):
                wait_for_workers(here, 2)
                leaving.stop()
                wait_for_states(here, leased=0)  # unless the other one is quicker, and has it already

                def sent() -> bool | None:
                    """Its next survey may have been planned at any time until now."""
                    clock.advance(SURVEY_SHARED)
                    return bool(transport.messages) or None

                wait_until(sent, "the other worker's survey")
                stuck.before_dot.open()
    assert len(transport.messages) == 1
    assert stuck.sent == []


# ── what becomes visible late ─────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_written_first_and_committed_last_is_news_too(database: Database) -> None:
    with transaction(database) as theirs:
        enqueue(theirs, [job("late@late.example")])
        put(database, job("early@b.example"))
        before = database.read(lambda connection: survey(connection, START))
        assert [lane.domain for lane, _ in before.lanes] == ["b.example"]
    after = database.read(lambda connection: news(connection, before.seen, START))
    assert [lane.domain for lane, _ in after.lanes] == ["late.example"]
    assert database.read(lambda connection: news(connection, after.seen, START)).lanes == ()


def test_events_of_another_server_are_no_news(database: Database) -> None:
    """After a dump and a restore, say: that server may have been at later transaction numbers."""
    put(database, job())
    ahead = text("UPDATE postroad_event SET xact = xact + 1000000000000")
    database.write(lambda connection, _: [connection.execute(ahead).rowcount], None)
    seen = database.read(lambda connection: survey(connection, START)).seen
    put(database, job("ann@c.example"))
    found = database.read(lambda connection: news(connection, seen, START))
    assert [lane.domain for lane, _ in found.lanes] == ["c.example"]


def test_a_key_in_an_open_transaction_is_waited_for(database: Database) -> None:
    first, again = (job(idempotency_key="order-1", payload_hash="same") for _ in range(2))
    other = job(idempotency_key="order-1", payload_hash="other")
    with transaction(database) as theirs:
        enqueue(theirs, [first])
        thread, answers = in_thread(lambda: database.write(pair, (again, other)))
        until_waiting(database)
    thread.join()
    ((repeated, conflict),) = answers
    assert (repeated.id, repeated.duplicate) == (first.id, True)
    assert "is in use for another message" in str(conflict)
    assert database.read(lambda connection: stats(connection, START)).states["ready"] == 1


def pair(connection: Connection, pairs: Sequence[Any]) -> list[Any]:
    return [enqueue(connection, one) for one in pairs]


# ── the dead and the frozen ───────────────────────────────────────────────────────────────────────────────────────────


def arrived(database: Database, id_: str = ME) -> list[Lease]:
    """A worker that has taken what is due."""
    database.write(arrive, at_work(id_))
    return leases(take(database, owner=id_))


def look_around(database: Database, id_: str = OTHER) -> Recovered:
    recovered = database.write(beat, at_work(id_))
    assert recovered is not None
    return recovered


def test_the_leases_of_the_living_are_left_alone(database: Database) -> None:
    put(database, job())
    (lease,) = arrived(database)
    assert database.write(arrive, at_work(OTHER)).leases == 0
    assert look_around(database).leases == 0
    assert leave(database, lease)


def test_a_dead_workers_leases_come_back_with_anothers_heartbeat(database: Database) -> None:
    ready, flying = put(database, job(), job(at=START - 1))
    first, _ = arrived(database)
    assert leave(database, first)
    database.write(arrive, at_work(OTHER))
    silence(database, ME)
    recovered = look_around(database)
    assert (recovered.leases, recovered.uncertain) == (2, 1)
    assert (one(database, ready).state, one(database, ready).attempts) == ("ready", 0)
    assert one(database, flying).uncertain_ever
    assert look_around(database).leases == 0


def test_the_leases_of_one_that_left_without_giving_them_back_come_back(database: Database) -> None:
    put(database, job())
    arrived(database)
    database.write(lambda connection, _: [connection.execute(text("DELETE FROM postroad_worker")).rowcount], None)
    assert database.write(arrive, at_work(OTHER)).leases == 1


def test_a_frozen_worker_cannot_send_what_another_took_over(database: Database) -> None:
    (id_,) = put(database, job())
    (lease,) = arrived(database)
    database.write(arrive, at_work(OTHER))
    silence(database, ME)
    look_around(database)
    (theirs,) = leases(take(database, owner=OTHER))
    assert not leave(database, lease)  # it wakes up
    assert leave(database, theirs)
    land(database, answered(lease, "250 ok"))  # and whatever it says is an attempt, and nothing else
    assert one(database, id_).state == "leased"
    assert database.write(beat, at_work(ME)) is None  # its next heartbeat tells it


def test_what_another_has_in_flight_is_no_leave_for_who_had_it_before(database: Database) -> None:
    put(database, job("ann@b.example", "bob@b.example"))
    frozen = arrived(database)
    database.write(arrive, at_work(OTHER))
    silence(database, ME)
    look_around(database)
    theirs = leases(take(database, owner=OTHER))
    assert leave(database, theirs[0])
    assert not leave(database, frozen[0])  # it wakes up while the other's final dot is out
    assert not leave(database, *frozen)
    assert counted(database, "flight") == 1  # and the other's record is left alone
    assert leave(database, theirs[1])


def test_a_flight_record_and_a_take_over_at_the_same_time(database: Database) -> None:
    (id_,) = put(database, job())
    (lease,) = arrived(database)
    database.write(arrive, at_work(OTHER))
    silence(database, ME)
    with transaction(database) as frozen:
        assert depart(frozen, [Departure((lease,), START)]) == [True]
        assert look_around(database).leases == 0  # not while it is being written
    assert look_around(database).uncertain == 1
    assert one(database, id_).uncertain_ever


def test_a_take_over_and_a_flight_record_at_the_same_time(database: Database) -> None:
    put(database, job())
    (lease,) = arrived(database)
    database.write(arrive, at_work(OTHER))
    silence(database, ME)
    with transaction(database) as others:
        (recovered,) = beat(others, [at_work(OTHER)])
        assert isinstance(recovered, Recovered)
        assert recovered.leases == 1
        thread, answers = in_thread(lambda: leave(database, lease))
        until_waiting(database)
    thread.join()
    assert answers == [False]


def test_a_cancellation_and_a_flight_record_at_the_same_time(database: Database) -> None:
    (id_,) = put(database, job())
    (lease,) = arrived(database)
    with transaction(database) as flying:
        assert depart(flying, [Departure((lease,), START)]) == [True]
        thread, answers = in_thread(lambda: database.write(amend.cancel, amend.Wish((id_,), START)))
        until_waiting(database)
    thread.join()
    ((amended,),) = answers
    assert amended.result is amend.Amendment.TOO_LATE


def test_what_is_usual_on_the_server_does_not_hide_a_flight_record(server_database: str) -> None:
    options = "options=-c%20default_transaction_isolation%3Drepeatable%5C%20read"
    opened = Database(f"{server_database}{'&' if '?' in server_database else '?'}{options}")
    with closing(opened) as database:
        test_a_cancellation_and_a_flight_record_at_the_same_time(database)


def test_a_worker_that_was_given_up_comes_back(server_database: str) -> None:
    clock, transport = SteppedClock(), MemoryTransport()
    with Outbox(server_database, clock=clock, chance=middle) as outbox:
        database = outbox._store.database
        epochs = text("SELECT epoch FROM postroad_worker")
        with outbox.worker(transport):
            wait_for_workers(outbox, 1)
            database.write(
                lambda connection, _: [connection.execute(text("DELETE FROM postroad_worker")).rowcount], None
            )
            clock.advance(10)
            rows = wait_until(
                lambda: database.read(lambda connection: connection.execute(epochs).all()) or None, "its return"
            )
            assert [tuple(row) for row in rows] == [(2,)]
            receipt = outbox.send(letter())
            wait_for_states(outbox, sent=1)
        assert only(outbox, receipt.id).attempts == 1


def test_counts_are_true_whoever_writes_at_the_same_time(database: Database) -> None:
    with transaction(database) as theirs:
        enqueue(theirs, [job("a@b.example", "b@b.example")])
        put(database, job("c@b.example"))
        assert database.read(lambda connection: stats(connection, START)).states["ready"] == 1
    assert database.read(lambda connection: stats(connection, START)).states["ready"] == 3
    with transaction(database) as theirs:
        enqueue(theirs, [job("d@b.example")])
        execute(theirs, "ROLLBACK")
    assert database.read(lambda connection: stats(connection, START)).states["ready"] == 3
    assert [len(leases(take(database, most=2))), len(leases(take(database)))] == [2, 1]
    counted = database.read(lambda connection: stats(connection, START)).states
    assert (counted["ready"], counted["leased"]) == (0, 3)
