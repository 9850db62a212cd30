"""Who is on the suppression list gets no mail: not what is queued later, not what waits, not what is under way."""

import asyncio
import inspect
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from postroad.database.database import Database
from postroad.errors import AddressError, MessageError, Suppressed
from postroad.outbox.blocking import Outbox
from postroad.outbox.claim import Claim, claim
from postroad.outbox.enqueue import enqueue
from postroad.outbox.flight import Departure, depart
from postroad.outbox.job import Job
from postroad.outbox.lanes import Lane
from postroad.outbox.outbox import AsyncOutbox
from postroad.outbox.suppressions import AsyncSuppressions, Suppressions
from postroad.outbox.uuid7 import uuid7
from postroad.suppression.entry import Suppression
from postroad.suppression.list import add
from postroad.suppression.reasons import Reason
from tests.fakes import START
from tests.fakes import letter as sealed
from tests.outbox.letters import drained, kinds, letter, only, wait_for_states
from tests.outbox.scripted_transport import ScriptedTransport, Stop
from tests.outbox.stepped_clock import SteppedClock

# ── at enqueue ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_receipt_names_those_who_get_nothing(outbox: Outbox) -> None:
    outbox.suppressions.add("Ann@B.example", reason=Reason.COMPLAINT)
    receipt = outbox.send(letter("ann@b.example", "bob@b.example"))
    assert [one.addr_spec for one in receipt.suppressed] == ["ann@b.example"]
    with pytest.raises(Suppressed, match=r"on the suppression list: ann@b\.example"):
        receipt.raise_for_suppressed()
    first, second = outbox.status(receipt.id).recipients
    assert (first.state, first.attempts, kinds(first)) == ("suppressed", 0, ["queued", "suppressed"])
    assert dict(first.events[1].detail) == {"reason": "complaint"}
    assert second.state == "ready"
    assert drained(outbox) == ["bob@b.example"]


def test_there_is_a_receipt_also_if_nobody_gets_anything(outbox: Outbox) -> None:
    outbox.suppressions.add("ann@b.example")
    receipt = outbox.send(letter("ann@b.example"), send_at=timedelta(hours=1))
    assert receipt.suppressed == receipt.recipients
    assert outbox.stats().states["suppressed"] == 1
    assert outbox.stats().states["scheduled"] == 0


def test_nobody_is_named_where_nobody_is_on_the_list(outbox: Outbox) -> None:
    outbox.suppressions.add("cem@b.example")
    receipt = outbox.send(letter("ann@b.example"))
    assert receipt.suppressed == ()
    receipt.raise_for_suppressed()


def test_a_repeated_key_names_them_again(outbox: Outbox) -> None:
    outbox.suppressions.add("ann@b.example")
    first = outbox.send(letter("ann@b.example", "bob@b.example"), idempotency_key="one")
    again = outbox.send(letter("ann@b.example", "bob@b.example"), idempotency_key="one")
    assert (again.duplicate, again.suppressed) == (True, first.suppressed)


def test_an_entry_may_hold_for_one_stream(outbox: Outbox) -> None:
    outbox.suppressions.add("ann@b.example", reason=Reason.UNSUBSCRIBE, stream="news")
    assert outbox.send(letter("ann@b.example"), stream="news").suppressed
    assert not outbox.send(letter("ann@b.example")).suppressed


def test_an_entry_may_expire(outbox: Outbox, clock: SteppedClock) -> None:
    outbox.suppressions.add("ann@b.example", expires_at=timedelta(hours=1))
    assert outbox.send(letter("ann@b.example")).suppressed
    clock.advance(3600)
    assert not outbox.send(letter("ann@b.example")).suppressed
    assert outbox.suppressions.find("ann@b.example") == ()
    assert list(outbox.suppressions.export()) == []


# ── after enqueue ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_waits_for_an_address_ends_when_it_is_put_on_the_list(outbox: Outbox) -> None:
    waiting = outbox.send(letter("Ann@b.example")).id
    later = outbox.send(letter("ann@b.example"), send_at=timedelta(hours=1)).id
    held = outbox.send(letter("ann@b.example")).id
    outbox.hold(held)
    of_the_news = outbox.send(letter("ann@b.example"), stream="news").id
    outbox.suppressions.add("ann@b.example", stream="transactional", reason=Reason.HARD_BOUNCE)
    for id_ in (waiting, later, held):
        assert (only(outbox, id_).state, kinds(only(outbox, id_))[-1]) == ("suppressed", "suppressed")
    assert only(outbox, of_the_news).state == "ready"
    outbox.suppressions.remove("ann@b.example", stream="transactional")
    assert only(outbox, waiting).state == "suppressed"  # final
    assert len(drained(outbox)) == 1


def test_what_is_leased_is_not_mailed(any_database: str) -> None:
    stop = Stop()
    transport = ScriptedTransport(before_dot=stop)
    with Outbox(any_database) as outbox:
        id_ = outbox.send(letter("ann@b.example", "bob@b.example")).id
        with outbox.worker(transport):
            stop.wait_until_reached()
            outbox.suppressions.add("ann@b.example")
            stop.open()
            wait_for_states(outbox, suppressed=1, sent=1)
        first, second = outbox.status(id_).recipients
    assert transport.sent == [("bob@b.example",)]
    assert (first.state, first.attempts, second.attempts) == ("suppressed", 0, 1)


def test_what_is_in_flight_is_settled_by_its_answer(any_database: str) -> None:
    stop = Stop()
    with Outbox(any_database) as outbox:
        id_ = outbox.send(letter("ann@b.example")).id
        with outbox.worker(ScriptedTransport(after_dot=stop)):
            stop.wait_until_reached()
            outbox.suppressions.add("ann@b.example")
            assert only(outbox, id_).state == "leased"
            stop.open()
            wait_for_states(outbox, sent=1)


def test_claim_and_flight_record_look_for_themselves(any_database: str) -> None:
    """As where an entry is written in the same moment as the message, or as the lease."""

    def list_only(connection: Connection, addresses: Sequence[str]) -> list[object]:
        return [add(connection, [Suppression(one)], START) for one in addresses]

    database = Database(any_database)
    lane = Claim(uuid7(START), START, {Lane("b.example", 10, "transactional"): 10}, lambda _lease, now: now + 60)
    job = Job(uuid7(START), sealed("hi", "ann@b.example", "bob@b.example"), "transactional", 10, START)
    database.write(enqueue, job)
    database.write(list_only, "ann@b.example")
    (parcel,) = database.write(claim, lane).parcels
    assert [lease.recipient for lease in parcel.leases] == ["bob@b.example"]
    database.write(list_only, "BOB@b.example")
    assert database.write(depart, Departure(parcel.leases, START)) is False
    database.close()


def test_a_retry_of_somebody_on_the_list_is_suppressed(outbox: Outbox) -> None:
    id_ = outbox.send(letter("ann@b.example")).id
    outbox.worker(ScriptedTransport(at_rcpt=lambda _recipient, _attempt: "550 5.1.1 no such user")).drain()
    outbox.suppressions.add("ann@b.example", reason=Reason.HARD_BOUNCE, source="event 1")
    outbox.retry(id_)
    assert drained(outbox) == []
    assert [one.state for one in outbox.status(id_).recipients] == ["refused", "suppressed"]


# ── the list ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_entry_comes_back_as_it_was_given(outbox: Outbox, clock: SteppedClock) -> None:
    added = outbox.suppressions.add(
        "Ann@B.example", reason="complaint", stream="news", source="report 7", note="by phone",
        expires_at=timedelta(days=1),
    )  # fmt: skip
    now = datetime.fromtimestamp(clock.now(), UTC)
    assert added == Suppression(
        "Ann@b.example", Reason.COMPLAINT, "news", "report 7", "by phone", now, now + timedelta(days=1)
    )
    assert outbox.suppressions.find("aNN@b.example") == (added,)
    assert outbox.suppressions.remove("ann@b.example") is None  # that for all streams
    assert outbox.suppressions.remove("ann@b.example", stream="news") == added
    assert outbox.suppressions.find("ann@b.example") == ()


def test_the_entry_that_lasts_longer_stands(outbox: Outbox) -> None:
    listed = outbox.suppressions
    assert listed.add("ann@b.example", expires_at=timedelta(days=1)).expires_at is not None
    assert listed.add("ann@b.example", reason=Reason.COMPLAINT).expires_at is None
    assert listed.add("ann@b.example", expires_at=timedelta(days=9)).reason is Reason.COMPLAINT
    assert listed.add("ann@b.example", reason=Reason.HARD_BOUNCE).reason is Reason.COMPLAINT


def test_many_entries_at_once(outbox: Outbox) -> None:
    waiting = outbox.send(letter("700@b.example")).id
    entries = [Suppression(f"{number}@b.example", stream="news" if number % 2 else None) for number in range(1200)]
    assert outbox.suppressions.add_many([*entries, entries[0]]) == 1200
    assert outbox.suppressions.add_many(iter(entries)) == 0
    assert only(outbox, waiting).state == "suppressed"
    exported = list(outbox.suppressions.export())
    assert {one.address for one in exported} == {one.address for one in entries}
    assert [one.key for one in exported] == [one.key for one in exported if one.created_at is not None]


def test_the_list_is_filtered_and_comes_in_parts(outbox: Outbox) -> None:
    listed = outbox.suppressions
    for name in ("ann@b.example", "bob@c.example", "cem@b.example"):
        listed.add(name)
    listed.add("ann@b.example", stream="news", reason=Reason.UNSUBSCRIBE)
    assert len(listed.list()) == 4
    assert [one.reason for one in listed.list(stream="news")] == ["unsubscribe"]
    assert [one.address for one in listed.list(reason="unsubscribe")] == ["ann@b.example"]
    assert [one.address for one in listed.list(domain="@C.example")] == ["bob@c.example"]
    first = listed.list(limit=2)
    assert [one.stream for one in first] == [None, "news"]
    assert [one.address for one in listed.list(after=first[-1])] == ["bob@c.example", "cem@b.example"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"address": "no address"}, AddressError),
        ({"address": "ann@b.example", "reason": "blocked"}, MessageError),
        ({"address": "ann@b.example", "stream": "two words"}, MessageError),
        ({"address": "ann@b.example", "note": "a\x1b[1m"}, MessageError),
        ({"address": "ann@b.example", "source": "x" * 501}, MessageError),
        ({"address": "ann@b.example", "expires_at": datetime(2030, 1, 1)}, MessageError),  # noqa: DTZ001  # the mistake
    ],
)
def test_a_wrong_entry_is_refused(outbox: Outbox, arguments: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        outbox.suppressions.add(**arguments)  # type: ignore[arg-type]  # wrong on purpose
    assert outbox.suppressions.list() == ()


# ── both faces ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_both_faces_have_the_same_verbs_with_the_same_parameters() -> None:
    verbs = [name for name in vars(Suppressions) if not name.startswith("_")]
    assert verbs == [name for name in vars(AsyncSuppressions) if not name.startswith("_")]
    for name in verbs:
        ours, theirs = (inspect.signature(getattr(face, name)) for face in (Suppressions, AsyncSuppressions))
        assert ours.parameters == theirs.parameters, name


def test_the_asynchronous_face_works(any_database: str) -> None:
    async def through() -> None:
        async with AsyncOutbox(any_database) as outbox:
            added = await outbox.suppressions.add("ann@b.example")
            assert await outbox.suppressions.add_many([Suppression("bob@b.example")]) == 1
            assert (await outbox.send(letter("ann@b.example"))).suppressed
            assert await outbox.suppressions.find("ann@b.example") == (added,)
            assert len(await outbox.suppressions.list()) == 2
            assert [one.address async for one in outbox.suppressions.export()] == ["ann@b.example", "bob@b.example"]
            assert await outbox.suppressions.remove("ann@b.example") == added

    asyncio.run(through())
