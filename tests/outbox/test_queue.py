"""The queue's transactions, one by one: enqueue, claim, depart, record, recover. No worker, no loop, a fake time."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Connection, text

from postroad.address import Address
from postroad.database.database import Database
from postroad.database.driver import execute
from postroad.errors import IdempotencyConflict, OutcomeUnknown
from postroad.message.dsn_request import Dsn
from postroad.message.envelope import MailObject
from postroad.outbox import claim as claiming
from postroad.outbox import settle, sites
from postroad.outbox.claim import Claim, Claimed, claim
from postroad.outbox.enqueue import Queued, enqueue, rows_of
from postroad.outbox.flight import Departure, depart
from postroad.outbox.inspect import message_status
from postroad.outbox.job import Job
from postroad.outbox.lanes import Lane, Lanes
from postroad.outbox.lease import Lease
from postroad.outbox.record import Landing, record
from postroad.outbox.recover import SUSPECT_AFTER, Arrival, Recovered, arrive
from postroad.outbox.settle import Settled, Verdict, given_back, judge
from postroad.outbox.sites import news, survey
from postroad.outbox.stats import stats
from postroad.outbox.status import DeliveryStatus, MessageStatus
from postroad.outbox.stream import Stream, UncertainPolicy
from postroad.outbox.stream_table import declare
from postroad.outbox.uuid7 import uuid7
from postroad.outcome import Outcome, Result
from postroad.reply import Phase
from tests.fakes import START, letter, middle
from tests.outbox.scripted_transport import reply

ME, OTHER = "0190a000-0000-7000-8000-00000000000a", "0190a000-0000-7000-8000-00000000000b"
USUAL = Stream("transactional")


def lane(domain: str, priority: int) -> Lane:
    return Lane(domain, priority, "transactional")


LANE = lane("b.example", 10)


@pytest.fixture
def database(any_database: str) -> Iterator[Database]:
    opened = Database(any_database)
    yield opened
    opened.close()


def job(*recipients: str, at: float = START, priority: int = 10, mail: MailObject | None = None, **more: object) -> Job:
    sealed = mail or letter("hello", *recipients)
    return Job(uuid7(at), sealed, "transactional", priority, at, **more)  # type: ignore[arg-type]  # names of a Job


def put(database: Database, *jobs: Job) -> list[str]:
    return [database.write(enqueue, one).id for one in jobs]


def take(
    database: Database, *lanes: Lane, at: float = START, most: int = 100, owner: str = ME, retry_in: float = 60.0
) -> Claimed:
    wish = Claim(owner, at, dict.fromkeys(lanes or (LANE,), most), lambda lease, now: now + retry_in)
    return database.write(claim, wish)


def leases(claimed: Claimed) -> list[Lease]:
    return [lease for parcel in claimed.parcels for lease in parcel.leases]


def leave(database: Database, *taken: Lease, at: float = START) -> bool:
    return database.write(depart, Departure(taken, at))


def land(database: Database, *settled: Settled, at: float = START) -> None:
    database.write(record, (Landing(settled, "smtp://relay", at - 1, at),))


def answered(lease: Lease, said: str, at: float = START) -> Settled:
    answer = reply(said)
    result = Result.ACCEPTED if answer.code.positive else Result.REFUSED
    outcome = Outcome(Address(lease.recipient), result, Phase.DOT, answer)
    return Settled(lease, judge(lease, outcome, USUAL, at, middle), outcome)


def status(database: Database, id_: str, at: float = START) -> MessageStatus:
    return database.read(lambda connection: message_status(connection, id_, at))


def one(database: Database, id_: str, at: float = START) -> DeliveryStatus:
    (delivery,) = status(database, id_, at).recipients
    return delivery


def counted(database: Database, table: str) -> int:
    sql = text(f"SELECT COUNT(*) FROM postroad_{table}")
    return database.read(lambda connection: int(connection.execute(sql).scalar_one()))


def worker(database: Database, id_: str = OTHER, at: float = START) -> Recovered:
    return database.write(arrive, Arrival(id_, "host", 1, 1, "smtp://new", at, middle))


# ── enqueue ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_rows_of_a_job_are_a_pure_function_of_it() -> None:
    queued = job("ann@x.example", "bob@y.example", send_at=START + 60, expires_at=START + 600)
    rows = rows_of(queued)
    assert rows == rows_of(queued)
    assert rows.content[:2] == (queued.id, queued.mail.content)
    assert [row[1:9] for row in rows.deliveries] == [
        (0, "ann@x.example", "x.example", "x.example", 10, "scheduled", START + 60, START + 60),
        (1, "bob@y.example", "y.example", "y.example", 10, "scheduled", START + 60, START + 60),
    ]


def test_a_group_of_jobs_is_written_whole(database: Database) -> None:
    jobs = [job(f"{number}@b.example", f"{number}@c.example") for number in range(300)]
    answers = database.write(lambda connection, batches: [enqueue(connection, batches[0])], jobs)
    assert answers == [Queued(one.id, one.mail.message_id, duplicate=False) for one in jobs]
    assert [counted(database, table) for table in ("content", "message", "delivery", "event")] == [300, 300, 600, 600]
    found = status(database, jobs[7].id)
    assert [one.recipient for one in found.recipients] == ["7@b.example", "7@c.example"]
    assert found.size == len(jobs[7].mail.content)


def test_a_message_for_very_many_recipients(database: Database) -> None:
    many = job(*(f"{number}@b.example" for number in range(5000)))  # more values than one statement takes
    (id_,) = put(database, many)
    assert counted(database, "delivery") == 5000
    (parcel,) = take(database, most=10).parcels  # all of them go in one transaction
    assert len(parcel.leases) == 5000
    assert leave(database, *parcel.leases)
    land(database, *(answered(lease, "250 ok") for lease in parcel.leases))
    assert database.read(lambda connection: stats(connection, START)).states["sent"] == 5000
    assert len(status(database, id_).recipients) == 5000


def test_a_key_returns_the_first_receipt_within_a_group_and_later(database: Database) -> None:
    first = job(idempotency_key="order-1", payload_hash="same")
    again = job(idempotency_key="order-1", payload_hash="same")
    other = job(idempotency_key="order-1", payload_hash="other")
    fresh = job(idempotency_key="order-2", payload_hash="same")

    def all_at_once(connection: Connection, batches: object) -> list[list[Queued | Exception]]:
        return [enqueue(connection, [first, again, other, fresh])]

    kept, repeated, conflict, second = database.write(all_at_once, None)
    assert kept == Queued(first.id, first.mail.message_id, duplicate=False)
    assert repeated == Queued(first.id, first.mail.message_id, duplicate=True)
    assert isinstance(conflict, IdempotencyConflict)
    assert first.id in str(conflict)
    assert second == Queued(fresh.id, fresh.mail.message_id, duplicate=False)
    assert database.write(enqueue, again) == repeated
    with pytest.raises(IdempotencyConflict):
        database.write(enqueue, other)
    assert counted(database, "message") == 2
    assert counted(database, "content") == 2


# ── claim ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_claim_commits_owner_epoch_attempt_and_next_retry(database: Database) -> None:
    (id_,) = put(database, job())
    claimed = take(database, at=START + 5)
    (lease,) = leases(claimed)
    assert (lease.owner, lease.epoch, lease.attempt, lease.due_at) == (ME, 1, 1, START)
    row = database.read(
        lambda connection: connection.execute(
            text("SELECT state, owner, epoch, attempts, due_at FROM postroad_delivery")
        ).one()
    )
    assert tuple(row) == ("leased", ME, 1, 1, START + 65)
    assert claimed.lanes == ((LANE, None),)
    assert one(database, id_).state == "leased"
    assert take(database, at=START + 100).parcels == ()


def test_a_parcel_is_the_message_as_it_was_sealed(database: Database) -> None:
    sealed = letter("hello", "ann@b.example", "jörg@c.example", sender=None, smtputf8=True)
    put(database, job(mail=sealed))
    (parcel,) = take(database).parcels
    assert parcel.mail(sealed.content) == replace(sealed, accepted_at=START)


@pytest.mark.parametrize(
    "dsn",
    [
        None,
        Dsn("never"),
        Dsn(["success", "failure"], ret="headers", envid="order 12=+3"),
        Dsn({"ANN@b.example": "delay", "jörg@b.example": "never"}, ret="full"),
    ],
)
def test_what_a_message_asks_of_its_way_is_kept(database: Database, dsn: Dsn | None) -> None:
    plain = letter("hello", "ann@b.example", "jörg@b.example", smtputf8=True)
    sealed = replace(plain, envelope=replace(plain.envelope, dsn=dsn, require_tls=dsn is not None))
    put(database, job(mail=sealed))
    (parcel,) = take(database).parcels
    assert parcel.mail(sealed.content) == replace(sealed, accepted_at=START)


def test_a_text_that_no_server_holds_is_kept_readable(database: Database) -> None:
    (id_,) = put(database, job(subject="nul \0 inside"))
    assert "inside" in status(database, id_).subject


def test_all_due_recipients_of_a_message_go_together(database: Database) -> None:
    put(database, job("ann@b.example", "bob@b.example", "cem@c.example"))
    (parcel,) = take(database, LANE, most=1).parcels
    assert [lease.recipient for lease in parcel.leases] == ["ann@b.example", "bob@b.example", "cem@c.example"]


def test_a_claim_looks_at_its_lanes_only(database: Database) -> None:
    put(database, job("a@b.example"), job("b@c.example"), job("c@b.example", priority=20))
    assert [lease.recipient for lease in leases(take(database, LANE))] == ["a@b.example"]
    assert [lease.recipient for lease in leases(take(database, lane("b.example", 20)))] == ["c@b.example"]


def test_a_claim_takes_the_longest_due_first_and_no_more_than_it_may(database: Database) -> None:
    ids = put(database, *(job(at=START + number) for number in (3, 1, 2, 4)))
    claimed = take(database, at=START + 10, most=2)
    assert [parcel.message_id for parcel in claimed.parcels] == [ids[1], ids[2]]
    assert claimed.lanes == ((LANE, START + 3),)


def test_urgent_mail_goes_before_bulk(database: Database) -> None:
    bulk, urgent = put(database, job(priority=20), job(at=START + 1))
    claimed = take(database, LANE, lane("b.example", 20), at=START + 1)
    assert [parcel.message_id for parcel in claimed.parcels] == [urgent, bulk]


def test_scheduled_mail_is_claimed_when_it_is_due_and_not_before(database: Database) -> None:
    (id_,) = put(database, job(send_at=START + 60))
    assert one(database, id_).state == "scheduled"
    assert take(database, at=START + 59).lanes == ((LANE, START + 60),)
    assert one(database, id_, START + 60).state == "ready"
    assert len(leases(take(database, at=START + 60))) == 1


def test_expired_mail_ends_at_the_claim(database: Database) -> None:
    late, good = put(database, job(expires_at=START + 60), job(expires_at=START + 61))
    claimed = take(database, at=START + 60)
    assert [parcel.message_id for parcel in claimed.parcels] == [good]
    assert one(database, late).state == "expired"
    assert [str(event.kind) for event in one(database, late).events] == ["queued", "expired"]


# ── the flight record ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lease_that_stands_may_depart(database: Database) -> None:
    put(database, job("ann@b.example", "bob@b.example"))
    assert leave(database, *leases(take(database)))
    assert counted(database, "flight") == 2


@pytest.mark.parametrize("wrong", ["owner", "epoch"])
def test_owner_and_epoch_are_the_fence(database: Database, wrong: str) -> None:
    put(database, job())
    (lease,) = leases(take(database))
    stale = lease._replace(owner=OTHER) if wrong == "owner" else lease._replace(epoch=lease.epoch - 1)
    assert not leave(database, stale)
    assert counted(database, "flight") == 0
    assert leave(database, lease)


def test_expired_mail_does_not_depart(database: Database) -> None:
    put(database, job(expires_at=START + 60))
    (lease,) = leases(take(database))
    assert not leave(database, lease, at=START + 60)
    assert leave(database, lease, at=START + 59)


def test_one_that_may_not_go_keeps_its_whole_transaction_back_and_no_other(database: Database) -> None:
    put(database, job("ann@b.example", "bob@b.example"), job("cem@b.example"))
    ann, bob, cem = leases(take(database))
    stale = bob._replace(epoch=99)
    together = [Departure((ann, stale), START), Departure((cem,), START)]
    answers = database.write(lambda connection, batches: [depart(connection, batches[0])], together)
    assert answers == [False, True]
    assert counted(database, "flight") == 1


# ── results ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_result_is_state_attempt_and_event_in_one(database: Database) -> None:
    (id_,) = put(database, job())
    (lease,) = leases(take(database))
    assert leave(database, lease)
    land(database, answered(lease, "250 2.0.0 queued as 42"), at=START + 3)
    delivery = one(database, id_)
    assert (delivery.state, delivery.attempts, delivery.due_at) == ("sent", 1, None)
    assert (delivery.code, delivery.enhanced, delivery.phase, delivery.text) == (250, "2.0.0", "dot", "queued as 42")
    (attempt,) = delivery.history
    assert (attempt.number, attempt.route, attempt.result) == (1, "smtp://relay", "accepted")
    assert (attempt.ended_at - attempt.started_at).total_seconds() == 1
    assert [str(event.kind) for event in delivery.events] == ["queued", "sent"]
    assert counted(database, "flight") == 0


def test_a_deferral_waits_and_is_claimed_again(database: Database) -> None:
    (id_,) = put(database, job())
    for number, wait in enumerate([60, 300, 600], start=1):
        now = one(database, id_).due_at
        assert now is not None
        at = now.timestamp()
        (lease,) = leases(take(database, at=at))
        assert (lease.attempt, lease.epoch) == (number, number)
        land(database, answered(lease, "450 4.2.0 greylisted", at), at=at)
        assert take(database, at=at + wait - 1).parcels == ()
        due = one(database, id_).due_at
        assert due is not None
        assert due.timestamp() == at + wait
    assert [str(event.kind) for event in one(database, id_).events] == ["queued", *["deferred"] * 3]


def test_an_untried_lease_goes_back_as_if_it_had_not_been_taken(database: Database) -> None:
    (id_,) = put(database, job())
    (lease,) = leases(take(database, at=START + 9))
    land(database, given_back(lease), at=START + 10)
    delivery = one(database, id_)
    assert (delivery.state, delivery.attempts) == ("ready", 0)
    assert delivery.due_at is not None
    assert delivery.due_at.timestamp() == START
    assert delivery.history == ()
    (again,) = leases(take(database, at=START + 10))
    assert (again.attempt, again.epoch) == (1, 2)


def test_a_result_that_comes_too_late_is_an_attempt_and_nothing_else(database: Database) -> None:
    (id_,) = put(database, job())
    (lease,) = leases(take(database))
    worker(database)  # another took over: the lease is void
    land(database, answered(lease, "550 5.1.1 no such user"))
    delivery = one(database, id_)
    assert delivery.state == "ready"
    assert [attempt.code for attempt in delivery.history] == [550]
    assert [str(event.kind) for event in delivery.events] == ["queued"]


# ── recovery ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_dead_workers_untried_leases_are_due_at_once(database: Database) -> None:
    (id_,) = put(database, job())
    (lease,) = leases(take(database))
    recovered = worker(database, at=START + 7)
    assert (recovered.leases, recovered.uncertain) == (1, 0)
    delivery = one(database, id_)
    assert delivery.state == "ready"
    assert delivery.due_at is not None
    assert delivery.due_at.timestamp() == START + 7
    assert delivery.attempts == 0
    assert not leave(database, lease)  # the dead cannot send


def test_what_may_be_killing_workers_waits_for_its_retry_time(database: Database) -> None:
    (id_,) = put(database, job())
    for death in range(1, SUSPECT_AFTER // 2 + 2):  # a lease and the loss of it count one each
        (lease,) = leases(take(database, at=START + death, retry_in=1000))
        assert (lease.attempt, lease.epoch) == (1, 2 * death - 1)
        worker(database, at=START + death)
    due = one(database, id_).due_at
    assert due is not None
    assert due.timestamp() == START + SUSPECT_AFTER // 2 + 1 + 1000


def test_what_was_in_flight_is_uncertain_and_tried_again_by_default(database: Database) -> None:
    (id_,) = put(database, job())
    (lease,) = leases(take(database))
    assert leave(database, lease)
    recovered = worker(database, at=START + 7)
    assert (recovered.leases, recovered.uncertain) == (1, 1)
    delivery = one(database, id_)
    assert (delivery.state, delivery.uncertain_ever, delivery.attempts) == ("ready", True, 1)
    assert delivery.due_at is not None
    assert delivery.due_at.timestamp() == START + 67  # by the schedule, not at once: the next hop may be at work still
    assert [(one.result, one.phase) for one in delivery.history] == [("unknown", "dot")]
    assert [str(event.kind) for event in delivery.events] == ["queued", "uncertain", "retried"]
    assert counted(database, "flight") == 0


def test_a_stream_may_hold_what_is_uncertain(database: Database) -> None:
    database.write(declare, (Stream("transactional", uncertain=UncertainPolicy.HOLD),))
    (id_,) = put(database, job())
    (lease,) = leases(take(database))
    assert leave(database, lease)
    worker(database)
    assert one(database, id_).state == "uncertain"
    land(database, answered(lease, "250 2.0.0 queued"))  # a late reply settles it
    assert one(database, id_).state == "sent"
    assert one(database, id_).uncertain_ever


@pytest.mark.parametrize(("said", "state"), [("550 no", "refused"), ("450 later", "ready")])
def test_late_replies_of_other_kinds_settle_it_too(database: Database, said: str, state: str) -> None:
    database.write(declare, (Stream("transactional", uncertain=UncertainPolicy.HOLD),))
    (id_,) = put(database, job())
    (lease,) = leases(take(database))
    assert leave(database, lease)
    worker(database)
    land(database, answered(lease, said))
    assert one(database, id_).state == state


def test_a_stream_may_assume_that_the_uncertain_was_sent(database: Database) -> None:
    database.write(declare, (Stream("transactional", uncertain=UncertainPolicy.ASSUME_SENT),))
    (id_,) = put(database, job())
    (lease,) = leases(take(database))
    assert leave(database, lease)
    worker(database)
    delivery = one(database, id_)
    assert (delivery.state, delivery.assumed, delivery.uncertain_ever) == ("sent", True, True)
    assert [attempt.result for attempt in delivery.history] == ["unknown"]


def test_a_recorded_result_is_not_recovered_again(database: Database) -> None:
    (id_,) = put(database, job())
    (lease,) = leases(take(database))
    assert leave(database, lease)
    land(database, answered(lease, "250 ok"))
    assert (worker(database).leases, one(database, id_).state) == (0, "sent")


def test_uncertain_at_run_time_goes_by_the_policy(database: Database) -> None:
    (id_,) = put(database, job())
    (lease,) = leases(take(database))
    assert leave(database, lease)
    error = OutcomeUnknown("dropped after the dot", phase=Phase.DOT)
    outcome = Outcome(Address(lease.recipient), Result.UNKNOWN, Phase.DOT, None, error)
    land(database, Settled(lease, judge(lease, outcome, USUAL, START, middle), outcome))
    delivery = one(database, id_)
    assert (delivery.state, delivery.uncertain_ever, delivery.text) == ("ready", True, "dropped after the dot")


def test_a_lease_is_settled_once(database: Database) -> None:
    (id_,) = put(database, job())
    (lease,) = leases(take(database))
    land(database, answered(lease, "250 ok"))
    land(database, Settled(lease, Verdict(settle.REFUSE, START), answered(lease, "550 no").outcome))
    assert one(database, id_).state == "sent"
    assert [str(event.kind) for event in one(database, id_).events] == ["queued", "sent"]


# ── what is known of sites ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_survey_finds_every_lane_with_its_first_due(database: Database) -> None:
    put(
        database,
        *(job(f"{n}@b.example", at=START + n) for n in (5, 3, 4)),
        job("x@b.example", priority=20, at=START + 1),
        job("x@a.example", send_at=START + 50),
        job("x@z.example", "y@z.example", at=START + 2),
    )
    take(database, lane("z.example", 10), at=START + 2)
    found = database.read(lambda connection: survey(connection, START))
    assert found.lanes == (
        (lane("a.example", 10), START + 50),
        (lane("b.example", 10), START + 3),
        (lane("b.example", 20), START + 1),
    )


def test_news_are_what_began_to_wait_since(database: Database) -> None:
    put(database, job("old@b.example"))
    before = database.read(lambda connection: survey(connection, START))
    assert database.read(lambda connection: news(connection, before.seen, START)).lanes == ()
    put(database, job("new@c.example", at=START + 1), job("new@b.example", at=START + 2))
    since = database.read(lambda connection: news(connection, before.seen, START))
    assert dict(since.lanes) == {
        lane("c.example", 10): START + 1,
        lane("b.example", 10): START + 2,
    }
    assert since.seen != before.seen
    (lease,) = leases(take(database, lane("c.example", 10), at=START + 1))
    land(database, answered(lease, "450 later", START + 1), at=START + 1)
    again = database.read(lambda connection: news(connection, since.seen, START))
    assert again.lanes == ((lane("c.example", 10), START + 61),)  # a deferral is news too


RUNNING_ALL_THE_TIME = ((claiming._DUE, [LANE]), (claiming._NEXT_DUE, [LANE]), (sites._EVERY_LANE, None))


def test_nobody_searches_a_file_for_what_is_due() -> None:
    # The statements that run all the time must find their rows by an index, however many others wait.
    def plan(connection: Connection) -> str:
        lines = []
        for query, given in RUNNING_ALL_THE_TIME:
            compiled = query._for(connection.dialect)
            sql = compiled.for_rows(given) if given else compiled.sql
            values = (START,) * sql.count("?")
            lines += [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
        return "\n".join(lines)

    database = Database("sqlite://")
    steps = database.read(plan)
    assert "SCAN postroad_delivery" not in steps
    assert "SCAN picked" not in steps
    assert "postroad_delivery_lane (site=? AND priority=? AND stream=? AND due_at<?)" in steps
    assert "postroad_delivery_lane ((site,priority,stream,due_at)>(?,?,?,?))" in steps
    database.close()


def test_nobody_searches_a_server_for_what_is_due(server_database: str) -> None:
    def plan(connection: Connection) -> str:
        execute(connection, "SET enable_seqscan = off")  # as in a table that is large
        lines = []
        for query, _ in RUNNING_ALL_THE_TIME:
            parts = re.split(r"%\(\w+\)s", query._for(connection.dialect).sql)
            sql = "".join(f"{part}${number}" for number, part in enumerate(parts[:-1], start=1)) + parts[-1]
            lines += [row[0] for row in execute(connection, f"EXPLAIN (GENERIC_PLAN) {sql}").fetchall()]
        return "\n".join(lines)

    database = Database(server_database)
    steps = database.read(plan)
    assert "Seq Scan on postroad_delivery" not in steps
    assert "Index Cond: ((site = (" in steps
    assert "Index Cond: (ROW(" in steps
    database.close()


def due(lanes: Lanes) -> tuple[Lane, ...]:
    return tuple(each for _, group in lanes.due(START) for each in group)


def test_lanes_take_turns_within_a_priority() -> None:
    lanes = Lanes()
    a, b, urgent = Lane("a", 20, "bulk"), Lane("b", 20, "bulk"), lane("z", 10)
    for each in (a, b, urgent):
        lanes.note(each, START)
    lanes.note(a, START + 9)  # what was known to be due before stays known
    assert due(lanes) == (urgent, a, b)
    lanes.settle([(a, START)])
    assert due(lanes) == (urgent, b, a)
    lanes.settle([(urgent, None), (b, START + 5)])
    assert due(lanes) == (a,)
    assert lanes.next_due(START) == START
    lanes.settle([(a, None)])
    assert lanes.next_due(START) == START + 5
