"""The two faces of the outbox: what they take, what they answer, and that they are the same."""

import asyncio
import inspect
import os
import pickle
import re
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from postroad.errors import (
    ConfigurationError,
    IdempotencyConflict,
    MessageError,
    NotFound,
)
from postroad.message.email import Email
from postroad.message.raw import RawMessage
from postroad.outbox.blocking import Outbox
from postroad.outbox.job import Receipt
from postroad.outbox.outbox import AsyncOutbox
from postroad.outbox.states import DeliveryState
from postroad.testing import capture
from postroad.transport.to_memory import MemoryTransport
from tests.outbox.letters import letter, only, wait_for_states


@pytest.fixture
def url(shared_database: str) -> str:
    return shared_database


# ── two faces ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def public(face: type) -> dict[str, object]:
    return {name: value for name, value in vars(face).items() if not name.startswith("_")}


def test_both_faces_have_the_same_verbs_with_the_same_parameters() -> None:
    blocking, asynchronous = public(Outbox), public(AsyncOutbox)
    asynchronous["close"] = asynchronous.pop("aclose")
    assert blocking.keys() == asynchronous.keys()
    for name, method in blocking.items():
        if callable(method):
            ours, theirs = inspect.signature(method), inspect.signature(asynchronous[name])  # type: ignore[arg-type]  # a method
            assert ours.parameters == theirs.parameters, name
    assert inspect.signature(Outbox).parameters == inspect.signature(AsyncOutbox).parameters


def test_everything_that_waits_is_a_coroutine_there() -> None:
    for name in (
        "send",
        "status",
        "find",
        "stats",
        "explain",
        "overrides",
        "cancel_override",
        "cancel",
        "retry",
        "aclose",
    ):
        assert inspect.iscoroutinefunction(getattr(AsyncOutbox, name)), name


def test_the_asynchronous_face_works(url: str) -> None:
    async def through() -> None:
        transport = MemoryTransport()
        async with AsyncOutbox(url) as outbox:
            receipts = await asyncio.gather(*(outbox.send(letter(f"{n}@b.example")) for n in range(20)))
            held = await outbox.send(letter("later@b.example"), send_at=timedelta(hours=1))
            async with outbox.worker(transport) as worker:
                while (await outbox.stats()).states["sent"] < 20:
                    await asyncio.to_thread(threading.Event().wait, 0.005)
                worker.stop()
            assert {mail.message_id for mail in transport.messages} == {one.message_id for one in receipts}
            (cancelled,) = await outbox.cancel(held.id)
            assert (cancelled.result, cancelled.state) == ("done", "cancelled")
            assert [entry.id for entry in await outbox.find(state="cancelled")] == [held.id]
            assert (await outbox.status(held.id)).recipients[0].state == "cancelled"
            await outbox.worker(transport).drain()

    asyncio.run(through())


def test_one_outbox_serves_several_event_loops_and_threads(url: str) -> None:
    with Outbox(url) as blocking:
        outbox = AsyncOutbox(url)

        def from_a_loop(number: int) -> None:
            asyncio.run(outbox.send(letter(f"{number}@loop.example")))

        threads = [threading.Thread(target=from_a_loop, args=(number,)) for number in range(5)]
        threads += [
            threading.Thread(target=blocking.send, args=(letter(f"{number}@thread.example"),)) for number in range(5)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        asyncio.run(outbox.aclose())
        assert blocking.stats().states["ready"] == 10


@pytest.mark.parametrize("face", [Outbox, AsyncOutbox])
def test_an_outbox_is_not_picklable_and_says_where_it_is(face: type[Outbox | AsyncOutbox], url: str) -> None:
    outbox = face(url)
    with pytest.raises(TypeError, match="pass its URL"):
        pickle.dumps(outbox)
    shown = re.sub(":[^:@]*@", "@", url)  # a password is not
    assert repr(outbox) == f"{face.__name__}({shown!r})"
    outbox._store.database.close()


# ── sending ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_receipt(url: str) -> None:
    with Outbox(url) as outbox:
        receipt = outbox.send(letter("Ann <ann@b.example>", "bob@c.example"))
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", receipt.id)
        assert receipt.message_id is not None
        assert receipt.message_id.endswith("@a.example>")
        assert [one.addr_spec for one in receipt.recipients] == ["ann@b.example", "bob@c.example"]
        assert not receipt.duplicate
        assert str(receipt) == receipt.id
        assert outbox.status(receipt.id).message_id == receipt.message_id


def test_everything_that_can_be_sent(url: str) -> None:
    standard = EmailMessage()
    standard["From"], standard["To"], standard["Subject"] = "ann@a.example", "bob@b.example", "Grüße"
    standard["Bcc"] = "cem@c.example"
    standard.set_content("hello")
    raw = RawMessage(
        b"From: ann@a.example\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n\nh\xc3\xb6\n",
        envelope_from="", recipients="bob@b.example",
    )  # fmt: skip
    email = letter(subject="Grüße").replace(tags=["a", "b"], metadata={"order": "1"}, return_path="bounce@a.example")
    with Outbox(url) as outbox:
        of_email, of_raw, of_standard = (outbox.status(outbox.send(one).id) for one in (email, raw, standard))
        assert {of_email.subject, of_raw.subject, of_standard.subject} == {"Grüße"}
        assert (of_email.mail_from, of_raw.mail_from) == ("bounce@a.example", None)
        assert (of_email.tags, dict(of_email.metadata)) == (("a", "b"), {"order": "1"})
        assert [one.recipient for one in of_standard.recipients] == ["bob@b.example", "cem@c.example"]
        transport = MemoryTransport()
        outbox.worker(transport).drain()
    contents = [mail.content for mail in transport.messages]
    assert raw.content in contents
    assert not any(b"cem@c.example" in content for content in contents)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"send_at": timedelta(days=4_000_000)}, "send_at"),
        ({"expires_at": timedelta.max}, "expires_at"),
        ({"send_at": datetime(2030, 1, 1)}, "send_at"),  # noqa: DTZ001  # the mistake itself
        ({"expires_at": datetime(2030, 1, 1)}, "expires_at"),  # noqa: DTZ001
        ({"expires_at": timedelta(seconds=-1)}, "expires_at"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"idempotency_key": "x" * 300}, "idempotency_key"),
        ({"stream": ""}, "stream"),
        ({"stream": "two words"}, "stream"),
        ({"stream": None}, "stream"),
    ],
)
def test_a_wrong_argument_is_named_and_nothing_is_queued(url: str, arguments: dict[str, object], field: str) -> None:
    with Outbox(url) as outbox:
        with pytest.raises(MessageError, match=field) as caught:
            outbox.send(letter(), **arguments)  # type: ignore[arg-type]  # the mistakes
        assert caught.value.field == field
        assert sum(outbox.stats().states.values()) == 0


def test_what_is_no_message_or_too_large_is_refused(url: str) -> None:
    with Outbox(url, max_size=10_000) as outbox:
        with pytest.raises(MessageError, match="a str is no message"):
            outbox.send("hello")  # type: ignore[arg-type]  # the mistake
        with pytest.raises(MessageError, match="size"):
            outbox.send(letter(text="x" * 20_000))
        assert sum(outbox.stats().states.values()) == 0


def test_the_streams_priority_and_any_name(url: str) -> None:
    with Outbox(url) as outbox:
        receipt = outbox.send(letter(), stream="welcome-mails")
        assert outbox.status(receipt.id).stream == "welcome-mails"
        assert [entry.stream for entry in outbox.find(stream="welcome-mails")] == ["welcome-mails"]


def test_capture_keeps_mail_out_of_the_outbox(url: str) -> None:
    with Outbox(url) as outbox:
        with capture() as mails:
            receipt = outbox.send(letter())
        assert isinstance(receipt, Receipt)
        assert len(mails) == 1
        assert sum(outbox.stats().states.values()) == 0


# ── idempotency ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_repeated_key_returns_the_first_receipt(url: str) -> None:
    with Outbox(url) as outbox:
        first = outbox.send(letter(), idempotency_key="order-1")
        again = outbox.send(letter(), idempotency_key="order-1", send_at=timedelta(hours=1))  # times do not count
        assert (again.id, again.message_id, again.duplicate) == (first.id, first.message_id, True)
        assert outbox.status(first.id).idempotency_key == "order-1"
        assert outbox.stats().states["ready"] == 1


@pytest.mark.parametrize(
    ("other", "stream"),
    [(letter(text="other"), "transactional"), (letter("ann@b.example"), "transactional"), (letter(), "bulk")],
)
def test_a_key_with_another_payload_is_a_conflict(url: str, other: Email, stream: str) -> None:
    with Outbox(url) as outbox:
        first = outbox.send(letter(), idempotency_key="order-1")
        with pytest.raises(IdempotencyConflict, match=first.id):
            outbox.send(other, idempotency_key="order-1", stream=stream)
        assert outbox.stats().states["ready"] == 1


def test_fifty_identical_calls_at_once_are_one_message(url: str) -> None:
    with Outbox(url) as outbox, Outbox(url) as elsewhere:
        receipts: list[Receipt] = []
        start = threading.Barrier(50)

        def call(number: int) -> None:
            start.wait()
            receipts.append((outbox if number % 2 else elsewhere).send(letter(), idempotency_key="order-1"))

        threads = [threading.Thread(target=call, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({(one.id, one.message_id) for one in receipts}) == 1
        assert sum(not one.duplicate for one in receipts) == 1
        assert outbox.stats().states["ready"] == 1


def test_a_key_is_good_after_its_message_was_sent(url: str) -> None:
    with Outbox(url) as outbox:
        first = outbox.send(letter(), idempotency_key="order-1")
        outbox.worker(MemoryTransport()).drain()
        assert outbox.send(letter(), idempotency_key="order-1").id == first.id
        assert outbox.stats().states["ready"] == 0


# ── cancel and retry ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_waits_can_be_cancelled_and_what_ended_cannot(url: str) -> None:
    with Outbox(url) as outbox:
        sent = outbox.send(letter("sent@b.example"))
        outbox.worker(MemoryTransport()).drain()
        ready = outbox.send(letter("ready@b.example", "too@b.example"))
        scheduled = outbox.send(letter("scheduled@b.example"), send_at=timedelta(hours=1))
        answers = outbox.cancel(sent.id, ready.id, scheduled.id)
        assert [(one.recipient, str(one.result), str(one.state)) for one in answers] == [
            ("sent@b.example", "too_late", "sent"),
            ("ready@b.example", "done", "cancelled"),
            ("too@b.example", "done", "cancelled"),
            ("scheduled@b.example", "done", "cancelled"),
        ]
        assert [str(one.result) for one in outbox.cancel(ready.id)] == ["nothing_to_do"] * 2
        assert answers[0].as_dict() == {
            "id": sent.id, "recipient": "sent@b.example", "result": "too_late", "state": "sent",
        }  # fmt: skip


def test_a_retry_of_a_final_delivery_is_a_new_one(url: str) -> None:
    words = {"b@b.example": "550 5.1.1 no such user"}
    from tests.outbox.scripted_transport import ScriptedTransport

    transport = ScriptedTransport(at_rcpt=lambda recipient, attempt: words.get(recipient))
    with Outbox(url) as outbox:
        receipt = outbox.send(letter("a@b.example", "b@b.example"), expires_at=timedelta(hours=1))
        outbox.worker(transport).drain()
        results = [(str(one.result), str(one.state)) for one in outbox.retry(receipt.id)]
        assert results == [("too_late", "sent"), ("done", "ready")]
        assert [str(one.result) for one in outbox.retry(receipt.id)] == ["too_late", "nothing_to_do", "done"]
        words.clear()
        outbox.worker(transport).drain()
        first, refused, again = outbox.status(receipt.id).recipients
        assert (str(first.state), str(refused.state), str(again.state)) == ("sent", "refused", "sent")
        assert (again.number, again.retry_of, again.recipient) == (2, 1, "b@b.example")
        assert [str(event.kind) for event in again.events] == ["retried", "retried", "sent"]
    assert [mail.message_id for mail in transport.mails] == [receipt.message_id] * 2
    assert transport.mails[0].content == transport.mails[1].content


def test_scheduled_and_cancelled_mail_is_not_retried(url: str) -> None:
    with Outbox(url) as outbox:
        scheduled = outbox.send(letter(), send_at=timedelta(hours=1))
        cancelled = outbox.send(letter())
        outbox.cancel(cancelled.id)
        answers = outbox.retry(scheduled.id, cancelled.id)
        assert [str(one.result) for one in answers] == ["nothing_to_do", "nothing_to_do"]
        assert only(outbox, scheduled.id).state is DeliveryState.SCHEDULED


def test_an_unknown_id_is_not_found_and_nothing_is_changed(url: str) -> None:
    with Outbox(url) as outbox:
        receipt = outbox.send(letter())
        for ask in (outbox.cancel, outbox.retry):
            with pytest.raises(NotFound, match="no message 'nonsense'"):
                ask(receipt.id, "nonsense")
        with pytest.raises(NotFound):
            outbox.status("nonsense")
        assert only(outbox, receipt.id).state == "ready"


@pytest.mark.parametrize("verb", ["status", "cancel", "hold", "release", "retry"])
def test_a_receipt_is_no_id(url: str, verb: str) -> None:
    with Outbox(url) as outbox:
        receipt = outbox.send(letter())
        with pytest.raises(MessageError, match="a str, not Receipt") as caught:
            getattr(outbox, verb)(receipt)
        assert "receipt.id" in caught.value.advice


# ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_stats_name_every_state(url: str) -> None:
    with Outbox(url) as outbox:
        assert outbox.stats().as_dict() == {
            "states": {str(state): 0 for state in DeliveryState},
            "oldest_ready_seconds": None,
            "uncertain_ever": 0,
            "suspensions": [],
        }
        outbox.send(letter("a@b.example", "b@b.example"))
        outbox.send(letter(), send_at=timedelta(hours=1))
        stats = outbox.stats()
        assert (stats.states["ready"], stats.states["scheduled"]) == (2, 1)
        assert stats.oldest_ready_seconds is not None
        assert 0 <= stats.oldest_ready_seconds < 60


def test_find_by_everything_newest_first(url: str) -> None:
    with Outbox(url) as outbox:
        outbox.send(letter("Ann@b.example", subject="first"))
        outbox.send(letter("bob@b.example", "cem@c.example", subject="second"), stream="bulk")
        cancelled = outbox.send(letter("ann@b.example", subject="third"))
        outbox.cancel(cancelled.id)
        assert [(one.subject, one.recipient) for one in outbox.find()] == [
            ("third", "ann@b.example"),
            ("second", "cem@c.example"),
            ("second", "bob@b.example"),
            ("first", "Ann@b.example"),
        ]
        assert [one.subject for one in outbox.find(recipient="Ann <ANN@B.example>")] == ["third", "first"]
        assert [one.recipient for one in outbox.find(domain="C.example")] == ["cem@c.example"]
        assert [one.subject for one in outbox.find(state="cancelled")] == ["third"]
        assert [one.subject for one in outbox.find(state=DeliveryState.READY, recipient="ann@b.example")] == ["first"]
        assert [one.recipient for one in outbox.find(stream="bulk", limit=1)] == ["cem@c.example"]
        (entry,) = outbox.find(state="cancelled")
        assert entry.as_dict()["created_at"] == entry.created_at.isoformat()
        assert entry.created_at.tzinfo is UTC


def test_an_export_reads_on_where_it_stopped(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for face in ("blocking", "outbox"):
        monkeypatch.setattr(f"postroad.outbox.{face}.BATCH", 2)
    with Outbox(url) as outbox:
        for number in range(5):
            outbox.send(letter(f"{number}@b.example"), stream="news" if number % 2 else "bulk")
        newest_first = [f"{number}@b.example" for number in (4, 3, 2, 1, 0)]
        entries = outbox.export()
        found = [next(entries).recipient]
        outbox.send(letter("late@b.example"))
        assert [*found, *(one.recipient for one in entries)] == newest_first
        assert [one.recipient for one in outbox.export(stream="news")] == ["3@b.example", "1@b.example"]

    async def through() -> list[str]:
        async with AsyncOutbox(url) as outbox:
            return [one.recipient async for one in outbox.export()]

    assert asyncio.run(through()) == ["late@b.example", *newest_first]


def test_a_domain_is_found_as_people_write_it(url: str) -> None:
    with Outbox(url) as outbox:
        outbox.suppressions.add("ann@bücher.example")
        receipt = outbox.send(letter("bob@xn--bcher-kva.example"))
        for name in ("Bücher.example", "@BÜCHER.example", "XN--bcher-kva.example"):
            assert [one.id for one in outbox.find(domain=name)] == [receipt.id]
            assert [one.address for one in outbox.suppressions.list(domain=name)] == ["ann@xn--bcher-kva.example"]
        with pytest.raises(MessageError, match="this is an address"):
            outbox.suppressions.list(domain="ann@b.example")


@pytest.mark.parametrize("arguments", [{"state": "lost"}, {"recipient": "nobody"}, {"domain": "ann@b.example"}])
def test_a_wrong_question_is_refused(url: str, arguments: dict[str, str]) -> None:
    with Outbox(url) as outbox, pytest.raises((ConfigurationError, MessageError)):
        outbox.find(**arguments)  # type: ignore[arg-type]  # by name


def test_a_status_is_json(url: str) -> None:
    import json

    with Outbox(url) as outbox:
        receipt = outbox.send(letter(), expires_at=timedelta(hours=1), idempotency_key="k")
        outbox.worker(MemoryTransport()).drain()
        told = json.loads(json.dumps(outbox.status(receipt.id).as_dict()))
        assert told["recipients"][0]["state"] == "sent"
        assert told["recipients"][0]["history"][0]["result"] == "accepted"
        assert [event["kind"] for event in told["recipients"][0]["events"]] == ["queued", "sent"]


# ── where it is ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_environment_names_the_outbox(tmp_path: Path) -> None:
    with Outbox.from_env({"POSTROAD_DB": f"sqlite:///{tmp_path / 'named.db'}"}) as outbox:
        assert outbox.url == f"sqlite:///{tmp_path / 'named.db'}"
    (tmp_path / "url").write_text(f"sqlite:///{tmp_path / 'in-file.db'}\n")
    with Outbox.from_env({"POSTROAD_DB_FILE": str(tmp_path / "url")}) as outbox:
        assert outbox.url.endswith("in-file.db")


def test_else_it_is_in_the_users_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Outbox.from_env({"XDG_DATA_HOME": str(tmp_path / "data")}) as outbox:
        assert outbox.url == f"sqlite:///{tmp_path / 'data' / 'postroad' / 'postroad.db'}"
    assert (tmp_path / "data" / "postroad").stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv("HOME", str(tmp_path))
    with Outbox.from_env({"XDG_DATA_HOME": "relative/is/ignored"}) as outbox:
        assert outbox.url == f"sqlite:///{tmp_path / '.local/share/postroad/postroad.db'}"


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="data folder") as caught:
        Outbox.from_env({"XDG_DATA_HOME": str(tmp_path / "file")})
    assert caught.value.setting == "POSTROAD_DB"


# ── processes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_forked_child_sends_too_and_leaves_the_worker_to_its_parent(url: str) -> None:
    transport = MemoryTransport()
    with Outbox(url) as outbox, outbox.worker(transport) as worker:
        outbox.send(letter("before@b.example"))
        wait_for_states(outbox, sent=1)
        child = os.fork()
        if child == 0:
            try:
                outbox.send(letter("child@b.example"))
                worker.__exit__(None, None, None)  # as where the child leaves the block
                outbox.close()
                os._exit(0)
            except BaseException:  # noqa: BLE001  # the child must not go on with the test
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        outbox.send(letter("after@b.example"))
        wait_for_states(outbox, sent=3)


def test_sixteen_processes_enqueue_beside_a_worker(url: str) -> None:
    transport = MemoryTransport()
    program = str(Path(__file__).with_name("programs") / "enqueue_at_once.py")
    with Outbox(url) as outbox, outbox.worker(transport):
        others = subprocess.Popen(
            [sys.executable, "-W", "error", program, url, "16", "10"], stdout=subprocess.PIPE, text=True
        )
        for number in range(20):
            outbox.send(letter(f"own-{number}@b.example"))
        taken, _ = others.communicate(timeout=120)
        assert others.returncode == 0
        wait_for_states(outbox, sent=180)
    assert len(taken.split()) == 160
    received = [mail.envelope.recipients[0].addr_spec for mail in transport.messages]
    assert len(received) == len(set(received)) == 180


def test_nothing_is_left_behind(url: str) -> None:
    program = """
import sys, threading
from postroad import Email, Outbox
from postroad.transport.to_memory import MemoryTransport
outbox = Outbox(sys.argv[1])
worker = outbox.worker(MemoryTransport())
worker.__enter__()
outbox.send(Email(from_="a@a.example", to="b@b.example", text="hello"))
if sys.argv[2] == "tidy":
    worker.__exit__(None, None, None)
    outbox.close()
    assert threading.active_count() == 1, threading.enumerate()
"""
    for manner in ("tidy", "careless"):
        command = [sys.executable, "-X", "dev", "-W", "error", "-c", program, url, manner]
        done = subprocess.run(command, capture_output=True, timeout=120, check=False)
        # The development mode also tells of slow turns of the loop, which a busy machine has.
        complaints = [line for line in done.stderr.splitlines() if not line.startswith(b"Executing ")]
        assert (done.returncode, complaints) == (0, []), manner
