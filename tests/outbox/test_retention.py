"""What is over is forgotten in time, and nothing else is."""

import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from postroad.database.database import Database
from postroad.errors import ConfigurationError, DatabaseError, NotFound, PostroadError
from postroad.outbox import amend, retention
from postroad.outbox.blocking import Outbox
from postroad.outbox.broom import SWEEP_EVERY
from postroad.outbox.overdue import forget_past
from postroad.outbox.override import Override, set_overrides
from postroad.outbox.retention import Retention, Sweep, forget_contents, forget_messages
from postroad.outbox.shaping.limits import Limits
from postroad.outbox.stats import stats
from postroad.transport.to_memory import MemoryTransport
from tests.fakes import START, middle
from tests.outbox.letters import letter, wait_for_states
from tests.outbox.stepped_clock import SteppedClock
from tests.outbox.test_queue import answered, counted, job, land, leases, put, status, take
from tests.peers.waiting import wait_until

DAY = 86400.0


@pytest.fixture
def database(any_database: str) -> Iterator[Database]:
    opened = Database(any_database)
    yield opened
    opened.close()


def finished(database: Database, *said: str) -> list[str]:
    """Messages that got these answers, one second after the other."""
    ids = put(database, *(job(at=START + number) for number in range(len(said))))
    for lease, answer in zip(leases(take(database, at=START + 100)), said, strict=True):
        land(database, answered(lease, answer, START + 100), at=START + 100)
    return ids


def tables(database: Database) -> list[int]:
    return [counted(database, table) for table in ("content", "message", "delivery", "attempt", "event")]


def test_contents_go_first_and_only_of_what_is_over(database: Database) -> None:
    finished(database, "250 ok", "450 later", "550 no")
    assert database.write(forget_contents, Sweep("", START + 100)) is None
    assert tables(database) == [3, 3, 3, 3, 6]  # the last change is not old enough
    assert database.write(forget_contents, Sweep("", START + 101)) is None
    assert tables(database) == [1, 3, 3, 3, 6]


def test_then_everything_about_them(database: Database) -> None:
    sent, deferred, refused = finished(database, "250 ok", "450 later", "550 no")
    assert database.write(forget_messages, Sweep("", START + 101)) is None
    assert tables(database) == [1, 1, 1, 1, 2]
    assert status(database, deferred).id == deferred
    for gone in (sent, refused):
        with pytest.raises(NotFound):
            status(database, gone)
    assert sum(database.read(lambda connection: stats(connection, START)).states.values()) == 1


def test_one_recipient_that_is_not_done_keeps_the_message(database: Database) -> None:
    put(database, job("ann@b.example", "bob@b.example"))
    ann, bob = leases(take(database))
    land(database, answered(ann, "250 ok"), answered(bob, "450 later"))
    for forget in (forget_contents, forget_messages):
        assert database.write(forget, Sweep("", START + 1)) is None
    assert tables(database)[:3] == [1, 1, 2]


def test_it_goes_in_batches(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    ids = finished(database, *["250 ok"] * 5)
    after = database.write(forget_messages, Sweep("", START + 101))
    assert (after, tables(database)[1]) == (ids[1], 3)
    assert after is not None
    after = database.write(forget_messages, Sweep(after, START + 101))
    assert (after, tables(database)[1]) == (ids[3], 1)
    assert after is not None
    assert database.write(forget_messages, Sweep(after, START + 101)) is None
    assert tables(database) == [0, 0, 0, 0, 0]


def test_what_has_no_content_any_more_is_not_tried_again(database: Database) -> None:
    (id_,) = finished(database, "550 no")
    database.write(forget_contents, Sweep("", START + 101))
    (amended,) = database.write(amend.retry, amend.Wish((id_,), START + 102))
    assert (str(amended.result), amended.state) == ("content_gone", "refused")


def test_a_worker_sweeps(any_database: str) -> None:
    clock = SteppedClock()
    with Outbox(
        any_database, clock=clock, chance=middle, retention=Retention(timedelta(days=1), timedelta(days=3))
    ) as outbox:
        receipt = outbox.send(letter())
        with outbox.worker(MemoryTransport()):
            wait_for_states(outbox, sent=1)
            database = outbox._store.database
            clock.advance(DAY + 600)
            wait_until(lambda: counted(database, "content") == 0 or None, "the content to go")
            assert outbox.status(receipt.id).recipients
            clock.advance(2 * DAY)
            wait_until(lambda: counted(database, "message") == 0 or None, "the message to go")


def test_learnt_limits_are_forgotten_when_they_have_ended(database: Database) -> None:
    for until in (START + 60, START + 120):
        one = Override("site", f"{until}.example", START, until, Limits(connections=1), "rule", "421 too many")
        database.write(set_overrides, one)
    database.write(forget_past, START + 60)
    assert counted(database, "override") == 1


@pytest.mark.parametrize("fault", [DatabaseError("away"), ConfigurationError("set otherwise")])
def test_the_broom_outlives_trouble(
    tmp_path: Path, fault: PostroadError, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trouble, swept = threading.Event(), threading.Event()
    trouble.set()

    def forget(_connection: Connection, moments: Sequence[float]) -> list[Exception | None]:
        if trouble.is_set():  # also when it is tried again, alone, because others were in its transaction
            raise fault
        swept.set()
        return [None] * len(moments)

    monkeypatch.setattr("postroad.outbox.broom.forget_past", forget)
    clock = SteppedClock()
    with Outbox(f"sqlite:///{tmp_path / 'mail.db'}", clock=clock) as outbox, outbox.worker(MemoryTransport()):
        wait_until(lambda: "could not be swept out" in caplog.text or None, "the trouble")
        trouble.clear()
        clock.advance(SWEEP_EVERY)
        assert swept.wait(60)


@pytest.mark.parametrize(
    ("content", "metadata", "said"),
    [
        (timedelta(seconds=-1), timedelta(days=9), "0 seconds or more"),
        (timedelta(0), timedelta(hours=23), "a day or more"),
        (timedelta(days=10), timedelta(days=9), "not kept for longer"),
        (None, timedelta(days=9), "not kept for longer"),
    ],
)
def test_times_that_make_no_sense_are_refused(content: timedelta | None, metadata: timedelta, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Retention(content, metadata)


def test_what_is_kept_for_ever() -> None:
    assert Retention(None, None) == Retention(content=None, metadata=None)
    assert Retention(metadata=None).content == timedelta(days=7)


@pytest.mark.parametrize("given", [5, timedelta(days=3), None])
def test_what_is_no_retention_is_refused_at_once(given: object) -> None:
    with pytest.raises(ConfigurationError, match="a Retention is needed"):
        Outbox("sqlite:///:memory:", retention=given)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(ConfigurationError, match="a timedelta or None"):
        Retention(content=5)  # type: ignore[arg-type]
