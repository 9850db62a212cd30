"""A worker at work: schedules on a fake clock, faults of the route, stopping, draining, waiting its turn."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from postroad.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    Disconnected,
    MessageError,
    OutcomeUnknown,
    PostroadError,
    Throttled,
    TlsError,
)
from postroad.mailer.blocking import Mailer
from postroad.message.envelope import MailObject
from postroad.outbox.blocking import Outbox
from postroad.outbox.outbox import AsyncOutbox
from postroad.outbox.route_rest import REST
from postroad.outbox.stream import Stream, UncertainPolicy
from postroad.outbox.worker import Worker
from postroad.outcome import SendReport
from postroad.reply import Phase
from postroad.transport.contract import Ability, BeforeCommit
from postroad.transport.to_memory import MemoryTransport
from tests.fakes import let_others_run, middle
from tests.outbox.letters import kinds, letter, only, wait_for_states
from tests.outbox.scripted_transport import PATIENCE, ScriptedTransport, Stop, reply
from tests.outbox.stepped_clock import SteppedClock
from tests.peers.waiting import wait_until


@pytest.fixture
def outbox(any_database: str, clock: SteppedClock) -> Iterator[Outbox]:
    """An outbox whose time stands still."""
    with Outbox(any_database, clock=clock, chance=middle) as opened:
        yield opened


@pytest.fixture
def shared(shared_database: str) -> Iterator[Outbox]:
    with Outbox(shared_database) as opened:
        yield opened


@pytest.fixture
def in_file(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(f"sqlite:///{tmp_path / 'mail.db'}") as opened:
        yield opened


# ── delivering ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_message_that_is_queued_while_the_worker_waits_leaves_at_once(shared: Outbox) -> None:
    transport = MemoryTransport()
    with shared.worker(transport):
        receipt = shared.send(letter("ann@b.example", "bob@c.example"))
        wait_for_states(shared, sent=2)
    (mail,) = transport.messages
    assert [one.addr_spec for one in mail.envelope.recipients] == ["ann@b.example", "bob@c.example"]
    assert mail.message_id == receipt.message_id


def test_what_was_queued_before_is_delivered_unchanged(outbox: Outbox) -> None:
    receipts = [outbox.send(letter(f"{number}@b.example", text=f"number {number}")) for number in range(300)]
    transport = MemoryTransport()
    outbox.worker(transport).drain()
    assert {mail.message_id for mail in transport.messages} == {receipt.message_id for receipt in receipts}
    assert all(b"number" in mail.content for mail in transport.messages)
    assert outbox.stats().states["sent"] == 300


def test_another_processs_mail_is_seen_within_the_poll(shared: Outbox, shared_database: str) -> None:
    transport = MemoryTransport()
    with Outbox(shared_database) as elsewhere, shared.worker(transport):
        elsewhere.send(letter())
        wait_for_states(shared, sent=1)


def test_a_message_of_16_megabytes_and_more_does_not_stop_the_others(in_file: Outbox) -> None:
    for number in range(3):
        in_file.send(letter(f"{number}@b.example", text="x" * 9_000_000))
    in_file.send(letter("small@b.example"))
    transport = MemoryTransport()
    in_file.worker(transport).drain()
    assert in_file.stats().states["sent"] == 4


def test_accepted_beside_refused_beside_deferred(outbox: Outbox) -> None:
    words = {"bob@b.example": "550 5.1.1 no such user", "cem@b.example": "450 4.2.0 greylisted"}
    transport = ScriptedTransport(at_rcpt=lambda recipient, attempt: words.get(recipient))
    receipt = outbox.send(letter("ann@b.example", "bob@b.example", "cem@b.example"))
    outbox.worker(transport).drain()
    ann, bob, cem = outbox.status(receipt.id).recipients
    assert (ann.state, ann.code, kinds(ann)) == ("sent", 250, ["queued", "sent"])
    assert (bob.state, bob.code, bob.enhanced, kinds(bob)) == ("refused", 550, "5.1.1", ["queued", "refused"])
    assert (cem.state, cem.code, cem.text, kinds(cem)) == ("ready", 450, "greylisted", ["queued", "deferred"])
    assert transport.sent == [("ann@b.example",)]


def test_only_the_deferred_are_tried_again_with_the_same_message(outbox: Outbox, clock: SteppedClock) -> None:
    transport = ScriptedTransport(
        at_rcpt=lambda recipient, attempt: "450 4.2.0 later" if recipient == "bob@b.example" and attempt < 3 else None
    )
    with outbox.worker(transport):
        outbox.send(letter("ann@b.example", "bob@b.example"))
        wait_for_states(outbox, sent=1, ready=1)
        clock.advance(60)
        wait_until(lambda: len(transport.tried) == 2 or None, "the second try")
        wait_for_states(outbox, sent=1, ready=1)
        clock.advance(300)
        wait_for_states(outbox, sent=2)
    assert transport.sent == [("ann@b.example",), ("bob@b.example",)]
    first, second = transport.mails
    assert first.content == second.content


def test_the_schedule_ends_in_expired_with_the_last_reply(outbox: Outbox, clock: SteppedClock) -> None:
    transport = ScriptedTransport(at_rcpt=lambda recipient, attempt: f"450 4.2.0 try {attempt}")
    tries = 0

    def tried() -> bool | None:
        """Whoever hears of a try when the clock was set already may rest from then on, so time goes on."""
        clock.advance(0.1)
        return len(only(outbox, receipt.id).history) == tries or None

    with outbox.worker(transport):
        receipt = outbox.send(letter())
        while only(outbox, receipt.id).state != "expired":
            tries += 1
            wait_until(tried, f"try {tries}")
            due = only(outbox, receipt.id).due_at
            if due is not None:
                clock.advance(max(0.0, due.timestamp() - clock.now()))
    delivery = only(outbox, receipt.id)
    assert delivery.attempts == len(delivery.history) == 18
    assert delivery.text == "try 18"
    age = delivery.history[-1].ended_at - delivery.history[0].ended_at
    assert timedelta(hours=44) < age <= timedelta(hours=48)


def test_expires_at_ends_it_before_the_schedule_does(outbox: Outbox, clock: SteppedClock) -> None:
    transport = ScriptedTransport(at_rcpt=lambda recipient, attempt: "450 4.2.0 later")
    with outbox.worker(transport):
        receipt = outbox.send(letter(), expires_at=timedelta(minutes=5))
        wait_for_states(outbox, ready=1)
        wait_until(lambda: len(transport.tried) == 1 or None, "the first try")
        wait_until(lambda: only(outbox, receipt.id).history or None, "its result")
        clock.advance(60)
        wait_for_states(outbox, expired=1)
    assert (only(outbox, receipt.id).attempts, only(outbox, receipt.id).code) == (2, 450)


def test_expires_at_is_tested_in_the_flight_record(outbox: Outbox, clock: SteppedClock) -> None:
    stop = Stop()
    transport = ScriptedTransport(before_dot=stop)
    with outbox.worker(transport):
        receipt = outbox.send(letter(), expires_at=timedelta(minutes=1))
        stop.wait_until_reached()
        clock.advance(60)
        stop.open()
        wait_for_states(outbox, expired=1)
    assert transport.sent == []
    assert kinds(only(outbox, receipt.id)) == ["queued", "expired"]


def test_scheduled_mail_leaves_when_it_is_due(outbox: Outbox, clock: SteppedClock) -> None:
    transport = MemoryTransport()
    with outbox.worker(transport):
        outbox.send(letter("later@b.example"), send_at=timedelta(hours=1))
        outbox.send(letter("now@b.example"))
        wait_for_states(outbox, scheduled=1, sent=1)
        clock.advance(3600)
        wait_for_states(outbox, sent=2)


def test_a_retry_after_is_honoured(outbox: Outbox, clock: SteppedClock) -> None:
    transport = ScriptedTransport(
        instead=lambda attempt: Throttled("slow down", retry_after=3600.0) if attempt == 1 else None
    )
    with outbox.worker(transport):
        receipt = outbox.send(letter())
        wait_until(lambda: only(outbox, receipt.id).history or None, "the first try")
        due = only(outbox, receipt.id).due_at
        assert due is not None
        assert due.timestamp() == clock.now() + 3600
        clock.advance(3600)
        wait_for_states(outbox, sent=1)


@pytest.mark.parametrize("error", [ConnectError("down"), Disconnected("gone")], ids=lambda one: one.slug)
def test_a_host_that_is_down_defers(outbox: Outbox, error: PostroadError) -> None:
    receipt = outbox.send(letter())
    outbox.worker(ScriptedTransport(instead=lambda attempt: error)).drain()
    delivery = only(outbox, receipt.id)
    assert (delivery.state, delivery.attempts, delivery.text) == ("ready", 1, error.message)


def test_a_message_that_cannot_go_this_way_is_refused(outbox: Outbox) -> None:
    receipt = outbox.send(letter())
    outbox.worker(ScriptedTransport(instead=lambda attempt: MessageError("larger than the server takes"))).drain()
    assert (only(outbox, receipt.id).state, only(outbox, receipt.id).text) == (
        "refused",
        "larger than the server takes",
    )


def test_a_reply_that_cannot_be_classified_is_written_all_the_same(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def defect(*_: object) -> None:
        raise RuntimeError("a defect of ours")

    monkeypatch.setattr("postroad.outbox.record.classify_reply", defect)
    receipt = outbox.send(letter())
    outbox.worker(ScriptedTransport(at_rcpt=lambda recipient, attempt: "550 5.1.1 no such user")).drain()
    delivery = only(outbox, receipt.id)
    assert (delivery.state, delivery.code, delivery.history[0].bounce_class) == ("refused", 550, None)
    assert "could not be classified" in caplog.text


class Defective(ScriptedTransport):
    """Fails in ways that no transport should."""

    async def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> SendReport:
        after_the_dot = "after" in mail.envelope.recipients[0].local
        if after_the_dot and before_commit is not None:
            await before_commit(mail.envelope.recipients)
        raise ZeroDivisionError("defect")


def test_a_defect_of_a_transport_ends_neither_worker_nor_message(
    outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    before, after = outbox.send(letter("before@b.example")), outbox.send(letter("after@b.example"))
    outbox.worker(Defective()).drain()
    assert (only(outbox, before.id).state, only(outbox, before.id).uncertain_ever) == ("ready", False)
    assert (only(outbox, after.id).state, only(outbox, after.id).uncertain_ever) == ("ready", True)
    assert "ZeroDivisionError: defect" in str(only(outbox, before.id).text)
    assert "the transport scripted:// failed" in caplog.text


# ── no answer to the dot ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("policy", "state", "events"),
    [
        (UncertainPolicy.RETRY, "ready", ["queued", "uncertain", "retried"]),
        (UncertainPolicy.HOLD, "uncertain", ["queued", "uncertain"]),
        (UncertainPolicy.ASSUME_SENT, "sent", ["queued", "uncertain", "sent"]),
    ],
)
def test_no_answer_is_uncertain_and_goes_by_the_policy(
    tmp_path: Path, policy: UncertainPolicy, state: str, events: list[str]
) -> None:
    lost = OutcomeUnknown("dropped after the dot", phase=Phase.DOT)
    stream = Stream("transactional", uncertain=policy)
    with Outbox(f"sqlite:///{tmp_path / 'mail.db'}", streams=[stream]) as outbox:
        receipt = outbox.send(letter())
        outbox.worker(ScriptedTransport(at_dot=lambda recipient, attempt: lost)).drain()
        delivery = only(outbox, receipt.id)
        assert (delivery.state, kinds(delivery), delivery.uncertain_ever) == (state, events, True)
        assert delivery.assumed == (policy is UncertainPolicy.ASSUME_SENT)
        assert [attempt.result for attempt in delivery.history] == ["unknown"]
        assert outbox.stats().uncertain_ever == 1


# ── the route ─────────────────────────────────────────────────────────────────────────────────────────────────────────

ROUTE_FAULTS = [
    AuthenticationError("535 no", reply=reply("535 5.7.8 no")),
    TlsError("expired"),
    ConfigurationError("no"),
]


@pytest.mark.parametrize("fault", ROUTE_FAULTS, ids=lambda one: one.slug)
def test_a_faulty_route_rests_and_spends_nobodys_attempt(
    outbox: Outbox, clock: SteppedClock, fault: PostroadError
) -> None:
    working = threading.Event()
    transport = ScriptedTransport(instead=lambda attempt: None if working.is_set() else fault)
    receipts = [outbox.send(letter(f"{number}@b.example")) for number in range(50)]
    with outbox.worker(transport):
        (suspension,) = wait_until(lambda: outbox.stats().suspensions or None, "the suspension")
        wait_for_states(outbox, ready=50)
        assert (suspension.scope, suspension.key, suspension.who) == ("route", "scripted://", "worker")
        assert fault.slug in suspension.why
        assert suspension.until is not None
        assert suspension.until.timestamp() == clock.now() + REST
        assert {(only(outbox, one.id).attempts, len(only(outbox, one.id).history)) for one in receipts} == {(0, 0)}
        tried = len(transport.tried)
        assert tried <= transport.concurrency
        clock.advance(REST - 1)
        assert len(transport.tried) == tried
        working.set()
        clock.advance(1)
        wait_for_states(outbox, sent=50)
        wait_until(lambda: not outbox.stats().suspensions or None, "the end of the suspension")


@pytest.mark.parametrize("fault", ROUTE_FAULTS, ids=lambda one: one.slug)
def test_a_drain_raises_the_fault_of_the_route(outbox: Outbox, fault: PostroadError) -> None:
    receipt = outbox.send(letter())
    with pytest.raises(type(fault)) as caught:
        outbox.worker(ScriptedTransport(instead=lambda attempt: fault)).drain()
    assert caught.value is fault
    assert (only(outbox, receipt.id).state, only(outbox, receipt.id).attempts) == ("ready", 0)


class Misconfigured(ScriptedTransport):
    async def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> SendReport:
        raise ConfigurationError("the password file is missing")


def test_a_configuration_error_that_a_transport_raises_is_the_routes(outbox: Outbox) -> None:
    outbox.send(letter())
    with pytest.raises(ConfigurationError, match="password file"):
        outbox.worker(Misconfigured()).drain()


def test_a_new_worker_tries_the_route_at_once(outbox: Outbox) -> None:
    outbox.send(letter())
    with pytest.raises(TlsError):
        outbox.worker(ScriptedTransport(instead=lambda attempt: TlsError("expired"))).drain()
    outbox.worker(ScriptedTransport()).drain()
    assert outbox.stats().states["sent"] == 1
    assert outbox.stats().suspensions == ()


# ── cancel and retry beside a worker ──────────────────────────────────────────────────────────────────────────────────


def test_a_lease_may_be_cancelled_until_the_flight_record(outbox: Outbox) -> None:
    stop = Stop()
    transport = ScriptedTransport(before_dot=stop)
    with outbox.worker(transport):
        receipt = outbox.send(letter())
        stop.wait_until_reached()
        assert [one.result for one in outbox.cancel(receipt.id)] == ["done"]
        stop.open()
        later = outbox.send(letter("ann@b.example"))
        wait_for_states(outbox, sent=1, cancelled=1)
    assert transport.sent == [("ann@b.example",)]
    assert kinds(only(outbox, receipt.id)) == ["queued", "cancelled"]
    assert only(outbox, later.id).state == "sent"


def test_one_recipient_more_or_less_does_not_change_the_others(outbox: Outbox) -> None:
    stop = Stop()
    transport = ScriptedTransport(before_dot=stop)
    with outbox.worker(transport):
        both = outbox.send(letter("ann@b.example", "bob@b.example"))
        stop.wait_until_reached()
        outbox.cancel(both.id)
        stop.open()
        wait_for_states(outbox, cancelled=2)
    assert transport.sent == []


def test_what_is_in_flight_cannot_be_cancelled(outbox: Outbox) -> None:
    stop = Stop()
    with outbox.worker(ScriptedTransport(after_dot=stop)):
        receipt = outbox.send(letter())
        stop.wait_until_reached()
        assert [one.result for one in outbox.cancel(receipt.id)] == ["too_late"]
        assert [one.result for one in outbox.retry(receipt.id)] == ["too_late"]
        stop.open()
        wait_for_states(outbox, sent=1)


def test_a_retry_makes_the_deferred_due_now(outbox: Outbox) -> None:
    transport = ScriptedTransport(at_rcpt=lambda recipient, attempt: "450 4.2.0 later" if attempt == 1 else None)
    with outbox.worker(transport):
        receipt = outbox.send(letter())
        wait_until(lambda: only(outbox, receipt.id).history or None, "the first try")
        outbox.retry(receipt.id)
        wait_for_states(outbox, sent=1)
    assert kinds(only(outbox, receipt.id)) == ["queued", "deferred", "retried", "sent"]


# ── stopping ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_stopping_waits_for_dots_in_flight_and_gives_the_rest_back(outbox: Outbox) -> None:
    for number in range(20):
        outbox.send(letter(f"{number}@b.example"))
    stop = Stop()
    transport = ScriptedTransport(after_dot=stop, concurrency=4)
    worker = outbox.worker(transport)
    with worker:
        for _ in range(4):
            stop.wait_until_reached()
        worker.stop()
        stop.open()
    states = outbox.stats().states
    assert (states["sent"], states["ready"], states["leased"], states["uncertain"]) == (4, 16, 0, 0)
    assert {entry.attempts for entry in outbox.find(state="ready")} == {0}
    outbox.worker(ScriptedTransport()).drain()
    assert outbox.stats().states["sent"] == 20


def test_stopping_takes_back_what_has_not_reached_its_dot(outbox: Outbox) -> None:
    outbox.send(letter())
    stop = Stop()  # never opened: a server that does not answer
    with outbox.worker(ScriptedTransport(before_dot=stop)):
        stop.wait_until_reached()
    (entry,) = outbox.find()
    assert (entry.state, entry.attempts) == ("ready", 0)


def test_a_worker_that_is_cancelled_in_flight_leaves_an_uncertain_delivery(tmp_path: Path) -> None:
    async def cancelled() -> None:
        stop = Stop()
        async with AsyncOutbox(f"sqlite:///{tmp_path / 'mail.db'}") as outbox:
            receipt = await outbox.send(letter())
            running = asyncio.create_task(outbox.worker(ScriptedTransport(after_dot=stop)).run())
            await asyncio.to_thread(stop.wait_until_reached)
            running.cancel()  # asks it to stop …
            await let_others_run(5)
            running.cancel()  # … and insists
            with pytest.raises(asyncio.CancelledError):
                await running
            stop.open()
            (delivery,) = (await outbox.status(receipt.id)).recipients
            assert (delivery.state, delivery.uncertain_ever) == ("ready", True)

    asyncio.run(cancelled())


def test_entering_a_worker_never_waits_and_a_second_one_takes_its_turn(
    in_file: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "postroad.outbox")
    first, second = MemoryTransport(), MemoryTransport()
    with Outbox(in_file.url) as elsewhere:
        with in_file.worker(first):
            in_file.send(letter("ann@b.example"))
            wait_for_states(in_file, sent=1)
            waiting = elsewhere.worker(second)
            with waiting:
                named = f"another worker (process {os.getpid()} on {socket.gethostname()}) delivers"
                wait_until(lambda: named in caplog.text or None, "the log line")
                in_file.send(letter("bob@b.example"))
                wait_for_states(in_file, sent=2)
            # the second one left without ever having worked
            taking_over = elsewhere.worker(second)
            taking_over.__enter__()
        try:
            in_file.send(letter("cem@b.example"))
            wait_for_states(in_file, sent=3)
        finally:
            taking_over.__exit__(None, None, None)
    assert len(first.messages) == 2
    assert len(second.messages) == 1


def test_draining_what_is_due_leaves_what_is_not(outbox: Outbox) -> None:
    outbox.send(letter("now@b.example"))
    outbox.send(letter("later@b.example"), send_at=timedelta(hours=1))
    outbox.send(letter("greylisted@b.example"))
    transport = ScriptedTransport(at_rcpt=lambda recipient, attempt: "450 later" if "grey" in recipient else None)
    outbox.worker(transport).drain()
    states = outbox.stats().states
    assert (states["sent"], states["scheduled"], states["ready"]) == (1, 1, 1)
    outbox.worker(transport).drain()
    assert len(transport.tried) == 2  # nothing was due


def test_draining_an_empty_outbox_ends(outbox: Outbox) -> None:
    outbox.worker(MemoryTransport()).drain()


def test_run_ends_with_stop(in_file: Outbox) -> None:
    worker = in_file.worker(MemoryTransport())
    running = threading.Thread(target=worker.run)
    running.start()
    in_file.send(letter())
    wait_for_states(in_file, sent=1)
    worker.stop()
    running.join(20)
    assert not running.is_alive()


def test_closing_the_outbox_stops_its_workers(tmp_path: Path) -> None:
    stop = Stop()
    transport = ScriptedTransport(after_dot=stop)
    outbox = Outbox(f"sqlite:///{tmp_path / 'mail.db'}")
    outbox.worker(transport).__enter__()
    receipt = outbox.send(letter())
    stop.wait_until_reached()
    stop.open()
    outbox.close()
    with Outbox(outbox.url) as again:
        assert only(again, receipt.id).state == "sent"


def test_closing_an_asynchronous_outbox_stops_its_workers(tmp_path: Path) -> None:
    async def left_open() -> str:
        stop = Stop()
        outbox = AsyncOutbox(f"sqlite:///{tmp_path / 'mail.db'}")
        await outbox.worker(ScriptedTransport(after_dot=stop)).begin()
        receipt = await outbox.send(letter())
        await asyncio.to_thread(stop.wait_until_reached)
        stop.open()
        await outbox.aclose()
        return receipt.id

    id_ = asyncio.run(left_open())
    with Outbox(f"sqlite:///{tmp_path / 'mail.db'}") as again:
        assert only(again, id_).state == "sent"


def test_a_cancelled_worker_ends_when_its_dot_is_answered(tmp_path: Path) -> None:
    async def cancelled() -> str:
        stop = Stop()
        async with AsyncOutbox(f"sqlite:///{tmp_path / 'mail.db'}") as outbox:
            receipt = await outbox.send(letter())
            running = asyncio.create_task(outbox.worker(ScriptedTransport(after_dot=stop)).run())
            await asyncio.to_thread(stop.wait_until_reached)
            running.cancel()
            stop.open()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(running, PATIENCE)
            return str((await outbox.status(receipt.id)).recipients[0].state)

    assert asyncio.run(cancelled()) == "sent"


def test_a_worker_that_dies_in_the_background_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def defect(_worker: Worker, _watch: object) -> None:
        raise RuntimeError("a defect of ours")

    async def died() -> None:
        async with AsyncOutbox(f"sqlite:///{tmp_path / 'mail.db'}") as outbox:
            worker = outbox.worker(ScriptedTransport())
            await worker.begin()
            with pytest.raises(RuntimeError, match="a defect of ours"):
                await worker.finished()

    monkeypatch.setattr(Worker, "_feed", defect)
    asyncio.run(died())
    assert "the worker has ended: a defect of ours" in caplog.text


def test_ctrl_c_ends_a_run_in_order(tmp_path: Path) -> None:
    program = """
import os, signal, sys
from postroad import Outbox
from tests.outbox.letters import letter
from tests.outbox.scripted_transport import ScriptedTransport

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that it is ignored

class Interrupted(ScriptedTransport):
    async def deliver(self, mail, *, before_commit=None):
        report = await super().deliver(mail, before_commit=before_commit)
        os.kill(os.getpid(), signal.SIGINT)
        return report

with Outbox(sys.argv[1]) as outbox:
    outbox.send(letter())
    getattr(outbox.worker(Interrupted()), sys.argv[2])()
"""
    for number, verb in enumerate(("run", "drain"), start=1):
        command = [sys.executable, "-W", "error", "-c", program, f"sqlite:///{tmp_path / 'mail.db'}", verb]
        done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, timeout=120, check=False)
        assert done.returncode == -signal.SIGINT, done.stderr.decode()
        with Outbox(f"sqlite:///{tmp_path / 'mail.db'}") as outbox:
            assert outbox.stats().states["sent"] == number


def test_a_worker_is_written_down_while_it_lives(outbox: Outbox, clock: SteppedClock) -> None:
    def workers() -> list[tuple[str, float]]:
        from sqlalchemy import text

        sql = text("SELECT id, heartbeat_at FROM postroad_worker")
        return outbox._store.database.read(
            lambda connection: [(one.id, one.heartbeat_at) for one in connection.execute(sql)]
        )

    with outbox.worker(MemoryTransport()) as worker:
        wait_until(lambda: workers() or None, "the worker's row")
        ((id_, first),) = workers()
        assert id_ == worker.id

        def beaten() -> bool | None:
            """Its heart may have begun to beat at any time since its row was there."""
            clock.advance(10)
            return workers()[0][1] > first or None

        wait_until(beaten, "a heartbeat")
    assert workers() == []


# ── routes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_worker_takes_a_url_a_transport_or_a_mailer(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    shared = MemoryTransport()
    with Outbox("sqlite://") as outbox, Mailer(shared) as mailer:
        for route in (f"file://{folder}", mailer, shared):
            outbox.send(letter())
            outbox.worker(route).drain()
        assert outbox.stats().states["sent"] == 3
    assert len(shared.messages) == 2
    assert len(list(folder.rglob("*.eml"))) == 1


@pytest.mark.parametrize("make", [lambda box: box.worker("gopher://x"), lambda box: box.worker(7)])
def test_what_is_no_route_is_refused_at_once(outbox: Outbox, make: Callable[[Outbox], object]) -> None:
    with pytest.raises(ConfigurationError):
        make(outbox)


def test_concurrency_is_positive_and_kept(outbox: Outbox) -> None:
    with pytest.raises(ConfigurationError, match="concurrency is 1 or more"):
        outbox.worker(MemoryTransport(), concurrency=0)
    stop = Stop()
    transport = ScriptedTransport(before_dot=stop)
    for number in range(10):
        outbox.send(letter(f"{number}@b.example"))
    with outbox.worker(transport, concurrency=3):
        for _ in range(3):
            stop.wait_until_reached()
        wait_for_states(outbox, leased=10)
        assert len(transport.tried) == 3
        stop.open()
        wait_for_states(outbox, sent=10)


def test_a_route_without_envelopes_tries_a_message_again_for_all_at_once(outbox: Outbox, clock: SteppedClock) -> None:
    refused = ScriptedTransport(
        at_rcpt=lambda recipient, attempt: "451 later" if attempt == 1 else None, abilities=frozenset({Ability.REMOTE})
    )
    id_ = outbox.send(letter("ann@b.example", "bob@c.example", "cem@d.example")).id
    with outbox.worker(refused):
        wait_until(lambda: len(outbox.status(id_).recipients[2].history) or None, "the first try")
        assert len({one.due_at for one in outbox.status(id_).recipients}) == 1
        clock.advance(90)
        wait_for_states(outbox, sent=3)
    assert refused.tried == [("ann@b.example", "bob@c.example", "cem@d.example")] * 2
