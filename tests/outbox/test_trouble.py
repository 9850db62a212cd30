"""Trouble with the database: a full disk, for the sender and for the worker that has something to write down."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection

from postroad.errors import ConfigurationError, DatabaseError
from postroad.outbox import worker
from postroad.outbox.blocking import Outbox
from postroad.outbox.liveness import BEAT_EVERY
from postroad.transport.to_memory import MemoryTransport
from tests.outbox.letters import letter
from tests.outbox.scripted_transport import ScriptedTransport, Stop
from tests.outbox.stepped_clock import SteppedClock
from tests.peers.waiting import wait_until


@pytest.fixture
def outbox(tmp_path: Path, clock: SteppedClock) -> Iterator[Outbox]:
    with Outbox(f"sqlite:///{tmp_path / 'mail.db'}", clock=clock) as opened:
        yield opened


def limit_pages(outbox: Outbox, more: int) -> None:
    """Let the file grow by so many pages and no further: then SQLite says what it says when the disk is full."""

    def set_limit(connection: Connection, payloads: Sequence[int]) -> list[int | Exception]:
        count = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        limit = count + payloads[0]
        return [connection.exec_driver_sql(f"PRAGMA max_page_count={limit}").scalar_one()]

    outbox._store.database.write(set_limit, more)


def let_time_pass_until_sent(outbox: Outbox, clock: SteppedClock, number: int) -> None:
    def sent() -> bool | None:
        clock.advance(1)
        return True if outbox.stats().states["sent"] == number else None

    wait_until(sent, f"{number} sent")


def test_a_full_disk_is_an_error_and_nothing_is_half_queued(outbox: Outbox) -> None:
    kept = outbox.send(letter("kept@b.example"))
    limit_pages(outbox, 2)
    with pytest.raises(DatabaseError, match="database or disk is full") as caught:
        outbox.send(letter(text="x" * 100_000))
    assert caught.value.temporary
    assert [entry.id for entry in outbox.find()] == [kept.id]
    limit_pages(outbox, 1_000_000)
    outbox.send(letter(text="x" * 100_000))
    assert outbox.stats().states["ready"] == 2


def test_of_a_group_only_what_does_not_fit_fails(outbox: Outbox) -> None:
    outbox.send(letter("kept@b.example"))
    limit_pages(outbox, 20)
    faults: list[DatabaseError] = []

    def send(size: int) -> None:
        try:
            outbox.send(letter(text="x" * size))
        except DatabaseError as fault:
            faults.append(fault)

    threads = [threading.Thread(target=send, args=(size,)) for size in (10, 1_000_000, 10, 1_000_000, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(faults) == 2
    assert outbox.stats().states["ready"] == 4


def test_a_result_that_could_not_be_written_is_written_later(
    outbox: Outbox, clock: SteppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    stop = Stop()
    with outbox.worker(ScriptedTransport(at_dot=lambda recipient, attempt: "250 " + "x" * 900, after_dot=stop)):
        receipt = outbox.send(letter(*(f"{number}@b.example" for number in range(200))))
        stop.wait_until_reached()
        limit_pages(outbox, 0)
        stop.open()
        wait_until(lambda: "could not be written down" in caplog.text or None, "the log line")
        limit_pages(outbox, 1_000_000)
        let_time_pass_until_sent(outbox, clock, 200)
    assert {len(one.history) for one in outbox.status(receipt.id).recipients} == {1}


def test_what_was_heard_when_the_disk_stayed_full_is_uncertain_for_the_next_worker(
    outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    stop = Stop()
    transport = ScriptedTransport(at_dot=lambda recipient, attempt: "250 " + "x" * 900, after_dot=stop)
    worker = outbox.worker(transport)
    with worker:
        receipt = outbox.send(letter(*(f"{number}@b.example" for number in range(200))))
        stop.wait_until_reached()
        limit_pages(outbox, 0)
        worker.stop()
        stop.open()
    assert "could not be written down" in caplog.text
    limit_pages(outbox, 1_000_000)
    outbox.worker(ScriptedTransport()).drain()
    assert {one.uncertain_ever for one in outbox.status(receipt.id).recipients} == {True}
    assert len(transport.sent) == 1


def test_without_a_flight_record_no_dot_goes_out(
    outbox: Outbox, clock: SteppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    stop = Stop()
    transport = ScriptedTransport(before_dot=stop)
    with outbox.worker(transport):
        receipt = outbox.send(letter(*(f"{number}@b.example" for number in range(1000))))
        stop.wait_until_reached()
        limit_pages(outbox, 0)
        stop.open()
        wait_until(lambda: "so the mail is held back" in caplog.text or None, "the log line")
        assert transport.sent == []
        limit_pages(outbox, 1_000_000)
        let_time_pass_until_sent(outbox, clock, 1000)
    assert {one.attempts for one in outbox.status(receipt.id).recipients} == {1}


def test_a_heart_beats_on_whatever_one_beat_met(
    outbox: Outbox, clock: SteppedClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(connection: Connection, payloads: Sequence[object]) -> list[Exception]:
        return [ConfigurationError("the server is set otherwise", setting="url") for _ in payloads]

    def heard_at() -> float | None:
        workers = outbox.explain("bob@b.example").workers
        return workers[0].heard_at.timestamp() if workers else None

    with outbox.worker(MemoryTransport()):
        first = wait_until(heard_at, "the first sign of life")
        with monkeypatch.context() as patched:
            patched.setattr(worker, "beat", refused)

            def complained() -> bool | None:
                clock.advance(BEAT_EVERY)
                return "sign of life could not be written: the server is set otherwise" in caplog.text or None

            wait_until(complained, "a beat that fails")

        def beats_again() -> bool | None:
            clock.advance(BEAT_EVERY)
            return (heard_at() or first) > first or None

        wait_until(beats_again, "the next sign of life")
