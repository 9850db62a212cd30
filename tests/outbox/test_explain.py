"""``explain`` names the true reason and the next try, for each thing that can keep a mail."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, insert

from postroad.clock import as_datetime
from postroad.database.tables import worker
from postroad.errors import AddressError, AuthenticationError, ConnectError, OutcomeUnknown
from postroad.outbox.blocking import Outbox
from postroad.outbox.explanation import Explained
from postroad.outbox.outbox import AsyncOutbox
from postroad.outbox.override import Override, set_overrides
from postroad.outbox.shaping.limits import Limits, Scope
from postroad.outbox.shaping.rules import NO_RULES, Rules
from postroad.outbox.shaping.warm_up import DAY, WarmUp
from postroad.outbox.sites import lanes_of, survey
from postroad.outbox.stream import Stream, UncertainPolicy
from postroad.reply import Phase
from postroad.suppression.reasons import Reason as WhyListed
from postroad.transport.breaker import BreakerSettings
from postroad.transport.contract import Transport
from postroad.transport.failover import ComposedTransport
from postroad.transport.gcra import Rate
from postroad.transport.to_memory import MemoryTransport
from tests.fakes import START
from tests.outbox.letters import drained, letter
from tests.outbox.scripted_transport import ScriptedTransport, Stop
from tests.outbox.stepped_clock import SteppedClock
from tests.peers.waiting import wait_until

WHO = "bob@b.example"


def first(outbox: Outbox, subject: str = WHO) -> Explained:
    return outbox.explain(subject).deliveries[0]


def reason(outbox: Outbox, subject: str = WHO) -> str:
    return first(outbox, subject).reason


def next_in(outbox: Outbox, clock: SteppedClock, subject: str = WHO) -> float | None:
    next_try = first(outbox, subject).next_try
    return None if next_try is None else (next_try - as_datetime(clock.now())).total_seconds()


def wait_for_reason(outbox: Outbox, word: str, clock: SteppedClock, subject: str = WHO) -> Explained:
    """Wait until a worker has told how it stands; it does so once a second of its clock, which goes on now and then."""
    looks = itertools.count()

    def told() -> Explained | None:
        if next(looks) % 10 == 0:
            clock.advance(1.0)
        return next((one for one in outbox.explain(subject).deliveries if one.reason == word), None)

    return wait_until(told, f"the reason {word}")


def wait_for_sent(outbox: Outbox, clock: SteppedClock, number: int) -> None:
    """Wait until so many were sent; a worker looks around as its clock goes on."""

    def sent() -> bool | None:
        clock.advance(0.03)
        return outbox.stats().states["sent"] == number or None

    wait_until(sent, f"{number} sent")


@contextmanager
def working(outbox: Outbox, transport: Transport | None = None, rules: Rules = NO_RULES) -> Iterator[None]:
    with outbox.worker(transport or MemoryTransport(), limits=rules):
        wait_until(lambda: outbox.explain(WHO).workers or None, "a worker")
        yield


def sign_on(outbox: Outbox, heartbeat_at: float) -> None:
    """Write a worker down that was last heard of then."""
    row = {"id": "me", "host": "here", "pid": 1, "route": "smtp://relay", "started_at": 0.0, "epoch": 1}

    def add(connection: Connection, payloads: Sequence[None]) -> list[Exception | None]:
        connection.execute(insert(worker).values(heartbeat_at=heartbeat_at, **row))
        return [None] * len(payloads)

    outbox._store.database.write(add, None)


# ── what waits ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_delivers(outbox: Outbox) -> None:
    outbox.send(letter())
    one = first(outbox)
    assert (one.reason, one.next_try, one.state) == ("no_worker", None, "ready")
    assert "no worker runs" in one.sentence


def test_a_dead_worker_does_not_count(tmp_path: object, clock: SteppedClock) -> None:
    with Outbox(f"sqlite:///{tmp_path}/mail.db", clock=clock) as outbox:
        outbox.send(letter())
        sign_on(outbox, START)
        assert [one.id for one in outbox.explain(WHO).workers] == ["me"]
        assert reason(outbox) == "due"
        clock.advance(31.0)
        assert (outbox.explain(WHO).workers, reason(outbox)) == ((), "no_worker")


def test_it_is_scheduled(outbox: Outbox, clock: SteppedClock) -> None:
    outbox.send(letter(), send_at=timedelta(hours=2))
    assert (reason(outbox), next_in(outbox, clock)) == ("scheduled", 7200)
    assert "No worker runs now" in first(outbox).sentence
    clock.advance(7200)
    assert reason(outbox) == "no_worker"


def test_it_is_tried_again(outbox: Outbox) -> None:
    outbox.send(letter())
    outbox.worker(ScriptedTransport(at_rcpt=lambda *_: "450 4.2.1 later")).drain()
    one = first(outbox)
    assert (one.reason, one.attempts, one.code) == ("retry", 1, 450)
    assert "450 4.2.1" in one.sentence
    assert one.next_try == outbox.find(recipient=WHO)[0].due_at


@pytest.mark.parametrize("scope", ["domain", "site", "stream"])
def test_it_is_paused(outbox: Outbox, clock: SteppedClock, scope: str) -> None:
    outbox.send(letter())
    outbox.pause(**{scope: "transactional" if scope == "stream" else "b.example"}, who="ann", why="moving")  # type: ignore[arg-type]  # a scope
    one = first(outbox)
    assert (one.reason, one.next_try) == ("paused", None)
    assert f"The {scope} " in one.sentence
    assert "by ann until somebody resumes it: moving" in one.sentence
    assert [rest.scope for rest in outbox.explain("b.example").suspensions] == [scope]


def test_the_reason_is_what_keeps_it_longest(outbox: Outbox, clock: SteppedClock) -> None:
    outbox.send(letter(), send_at=timedelta(hours=3))
    outbox.pause(domain="b.example", until=timedelta(hours=1))
    assert (reason(outbox), next_in(outbox, clock)) == ("scheduled", 3 * 3600)
    outbox.pause(domain="b.example", until=timedelta(hours=5))
    assert (reason(outbox), next_in(outbox, clock)) == ("paused", 5 * 3600)


def test_the_account_of_the_worker_is_paused(outbox: Outbox, clock: SteppedClock) -> None:
    transport = MemoryTransport()
    with working(outbox, transport):
        outbox.pause(account=transport.name, until=timedelta(hours=1), who="ann", why="unpaid")
        outbox.send(letter())
        one = wait_for_reason(outbox, "paused", clock)
        assert f"The account {transport.name} is paused by ann" in one.sentence
        assert not transport.messages
        outbox.resume(account=transport.name)
        wait_for_sent(outbox, clock, 1)


def test_the_route_is_at_fault(outbox: Outbox, clock: SteppedClock) -> None:
    outbox.send(letter())
    transport = ScriptedTransport(instead=lambda _: AuthenticationError("535 wrong password", phase=Phase.AUTH))
    with outbox.worker(transport):
        one = wait_for_reason(outbox, "route_suspended", clock)
        assert "535 wrong password" in one.sentence
        assert one.attempts == 0
        assert one.next_try is not None
        assert one.next_try <= as_datetime(clock.now() + 300)


def test_every_road_is_kept_out(outbox: Outbox, clock: SteppedClock) -> None:
    down = [
        ScriptedTransport(name=name, instead=lambda _: ConnectError("refused", phase=Phase.CONNECT))
        for name in ("smtp://one", "smtp://two")
    ]
    outbox.send(letter())
    with outbox.worker(ComposedTransport("failover", down, breaker=BreakerSettings(failures=1), clock=clock)):
        one = wait_for_reason(outbox, "breaker_open", clock)
        assert "smtp://one: refused, smtp://two: refused" in one.sentence
        assert one.next_try == outbox.find(recipient=WHO)[0].due_at
        assert [road.breaker for road in outbox.explain(WHO).workers[0].roads] == ["open", "open"]


# ── limits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def of_site(limits: Limits) -> Rules:
    return replace(NO_RULES, domains={"b.example": limits})


def test_a_rate_is_the_reason(outbox: Outbox, clock: SteppedClock) -> None:
    for number in range(3):
        outbox.send(letter(f"{number}@b.example"))
    with outbox.worker(MemoryTransport(), limits=of_site(Limits(rate=Rate(1, 3600.0)))):
        wait_for_sent(outbox, clock, 1)
        one = wait_for_reason(outbox, "limit_rate", clock, "2@b.example")
        assert "domain b.example is at its limit of 1/h" in one.sentence
        assert one.next_try is not None
        assert as_datetime(clock.now()) < one.next_try <= as_datetime(START + 3660)
        (limit,) = outbox.explain("b.example").limits
        assert (limit.scope, limit.key, limit.limits, limit.why) == ("domain", "b.example", "1/h", "rate")


def test_a_domain_has_the_lanes_that_a_look_at_everything_finds(any_database: str) -> None:
    with Outbox(any_database) as outbox:
        for domain, stream in itertools.product(("a.example", "b.example", "b.example.c.example"), ("news", "codes")):
            for number in range(3):
                outbox.send(letter(f"{number}@{domain}"), stream=stream)
        outbox.send(letter("later@b.example"), send_at=timedelta(hours=1))
        read = outbox._store.database.read
        everything = {lane for lane, _ in read(lambda connection: survey(connection, START)).lanes}
        found = read(lambda connection: lanes_of(connection, "b.example"))
        assert set(found) == {lane for lane in everything if lane.domain == "b.example"}
        assert len(found) == 3
        assert read(lambda connection: lanes_of(connection, "nobody.example")) == ()


def test_connections_are_the_reason(outbox: Outbox, clock: SteppedClock) -> None:
    stop = Stop()
    for number in range(4):
        outbox.send(letter(f"{number}@b.example"))
    with outbox.worker(ScriptedTransport(before_dot=stop), limits=of_site(Limits(connections=1))):
        stop.wait_until_reached()
        one = wait_for_reason(outbox, "limit_connections", clock, "3@b.example")
        assert one.next_try is None
        assert reason(outbox, "0@b.example") == "leased"
        stop.open()
        wait_for_sent(outbox, clock, 4)


def learnt(outbox: Outbox, clock: SteppedClock, limits: Limits) -> None:
    now = clock.now()
    one = Override(Scope.DOMAIN, "b.example", now, now + 7200, limits, "rule slow", "421 4.7.0 too many")
    outbox._store.database.write(set_overrides, one, news=True)


def test_what_was_learnt_from_a_reply_is_the_reason(outbox: Outbox, clock: SteppedClock) -> None:
    learnt(outbox, clock, Limits(rate=Rate(1, 3600.0)))
    for number in range(2):
        outbox.send(letter(f"{number}@b.example"))
    with outbox.worker(MemoryTransport(), limits=NO_RULES):
        wait_for_sent(outbox, clock, 1)
        one = wait_for_reason(outbox, "override", clock, "1@b.example")
        assert "is held to 1/h until" in one.sentence
        assert "by rule slow: 421 4.7.0 too many" in one.sentence
        (shown,) = outbox.explain("b.example").overrides
        assert shown.why == "421 4.7.0 too many"
        assert outbox.overrides() == (shown,)
        assert outbox.cancel_override("domain", "b.example")
        assert not outbox.cancel_override("domain", "b.example")
        wait_for_sent(outbox, clock, 2)  # the worker hears of it


def test_a_warm_up_is_the_reason(outbox: Outbox, clock: SteppedClock) -> None:
    today = as_datetime(clock.now()).date()
    plan = WarmUp(Scope.SENDER, "a.example", today, ((1, 1), (2, 100)))
    for number in range(2):
        outbox.send(letter(f"{number}@b.example"))
    with outbox.worker(MemoryTransport(), limits=replace(NO_RULES, warm_ups=(plan,))):
        wait_for_sent(outbox, clock, 1)
        one = wait_for_reason(outbox, "warm_up", clock, "b.example")
        midnight = clock.now() // DAY * DAY + DAY
        assert "a.example is warmed up: today's 1 are used up" in one.sentence
        assert one.next_try is not None
        assert midnight <= one.next_try.timestamp() < midnight + 60


def test_a_days_allowance_is_the_reason(outbox: Outbox, clock: SteppedClock) -> None:
    for number in range(2):
        outbox.send(letter(f"{number}@b.example"))
    with outbox.worker(MemoryTransport(), limits=of_site(Limits(per_day=1))):
        wait_for_sent(outbox, clock, 1)
        one = wait_for_reason(outbox, "allowance", clock, "b.example")
        assert "may send a day (1) is used up" in one.sentence
        assert one.next_try is not None
        assert one.next_try.date() == as_datetime(clock.now()).date() + timedelta(days=1)


def test_the_part_of_another_worker_is_the_reason(server_database: str) -> None:
    rules = replace(NO_RULES, streams={"transactional": Limits(connections=1)})
    stop = Stop()
    with Outbox(server_database) as one, Outbox(server_database) as other:
        first_one, second = ScriptedTransport(before_dot=stop), MemoryTransport()
        one.send(letter("0@b.example"))
        with one.worker(first_one, limits=rules):
            stop.wait_until_reached()  # before there is anybody else who could take it
            with other.worker(second, limits=rules):
                explained = wait_until(
                    lambda: [limit for limit in one.explain("b.example").limits if limit.why == "share"] or None,
                    "a worker without a part",
                )
                assert explained[0].scope == "stream"
                one.send(letter("1@b.example"))
                words = {"share", "limit_connections"}  # of whichever worker can be first
                wait_until(lambda: reason(one, "1@b.example") in words or None, "what keeps it")
                stop.open()
                wait_until(lambda: one.stats().states["sent"] == 2 or None, "two sent")


# ── in somebody's hands, or settled ───────────────────────────────────────────────────────────────────────────────────


def test_it_is_being_tried_and_then_in_flight(outbox: Outbox, clock: SteppedClock) -> None:
    before, after = Stop(), Stop()
    outbox.send(letter())
    with outbox.worker(ScriptedTransport(before_dot=before, after_dot=after)):
        before.wait_until_reached()
        one = first(outbox)
        assert (one.reason, one.next_try) == ("leased", None)
        assert outbox.explain(WHO).workers[0].id in one.sentence
        before.open()
        after.wait_until_reached()
        one = first(outbox)
        assert (one.reason, one.next_try) == ("in_flight", None)
        assert "final dot" in one.sentence
        after.open()
        wait_for_sent(outbox, clock, 1)
    assert reason(outbox) == "sent"


def test_it_is_uncertain(any_database: str) -> None:
    with Outbox(any_database, streams=[Stream("once", uncertain=UncertainPolicy.HOLD)]) as outbox:
        outbox.send(letter(), stream="once")
        outbox.worker(ScriptedTransport(at_dot=lambda *_: OutcomeUnknown("cut off", phase=Phase.DOT))).drain()
        one = first(outbox)
        assert (one.reason, one.next_try) == ("uncertain", None)
        assert "is hold" in one.sentence
        assert reason(outbox, "b.example") == "uncertain"


def test_it_is_held(outbox: Outbox) -> None:
    outbox.hold(outbox.send(letter(), expires_at=timedelta(hours=1)).id)
    one = first(outbox)
    assert (one.reason, one.next_try) == ("held", None)
    assert "it expires at" in one.sentence
    assert outbox.explain("b.example").counts == {"held": 1}


def test_what_ended_says_how(outbox: Outbox, clock: SteppedClock) -> None:
    words = {"ann": "550 5.1.1 nobody here", "bob": None}
    for name in words:
        outbox.send(letter(f"{name}@b.example"))
    outbox.worker(ScriptedTransport(at_rcpt=lambda who, _: words[who.partition("@")[0]])).drain()
    refused, sent = first(outbox, "ann@b.example"), first(outbox, "bob@b.example")
    assert (refused.reason, refused.next_try, sent.reason, sent.next_try) == ("refused", None, "sent", None)
    assert "550 5.1.1 nobody here" in refused.sentence
    outbox.cancel(outbox.send(letter("cem@b.example")).id)
    assert reason(outbox, "cem@b.example") == "cancelled"
    outbox.send(letter("dan@b.example"), expires_at=timedelta(minutes=1))
    clock.advance(60)
    drained(outbox)
    assert reason(outbox, "dan@b.example") == "expired"
    ends = [one.reason for one in outbox.explain("b.example").deliveries]
    assert sorted(ends) == ["cancelled", "expired", "refused", "sent"]


def test_its_recipient_is_on_the_list(outbox: Outbox) -> None:
    outbox.send(letter())
    outbox.suppressions.add(WHO, reason=WhyListed.COMPLAINT)
    explained = outbox.explain(WHO)
    assert [one.reason for one in explained.deliveries] == ["suppressed"]
    assert "(complaint)" in explained.deliveries[0].sentence
    assert [one.reason for one in explained.suppressions] == ["complaint"]


def test_it_is_due_and_the_number_before_it_is_told(outbox: Outbox, clock: SteppedClock) -> None:
    sign_on(outbox, 9e9)
    for number in range(3):
        outbox.send(letter(f"{number}@b.example"))
        clock.advance(1)
    one = first(outbox, "2@b.example")
    assert (one.reason, next_in(outbox, clock, "2@b.example")) == ("due", 0)
    assert "2 of its lane are before it" in one.sentence


# ── a domain ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_domain_is_explained_in_parts(outbox: Outbox, clock: SteppedClock) -> None:
    for number in range(30):
        outbox.send(letter(f"{number}@b.example"), stream="bulk")
        clock.advance(1)
    outbox.send(letter("urgent@b.example"))
    outbox.send(letter("later@b.example"), send_at=timedelta(hours=1))
    outbox.send(letter("other@c.example"))
    explained = outbox.explain("@B.Example")
    assert (explained.subject, explained.domain, explained.site) == ("b.example", "b.example", "b.example")
    assert explained.counts == {"ready": 31, "scheduled": 1}
    assert len(explained.deliveries) == 20
    assert explained.deliveries[0].recipient == "0@b.example"
    assert explained.as_dict()["deliveries"][0]["reason"] == "no_worker"


@pytest.mark.parametrize("subject", ["", "no domain", "ann@", "@"])
def test_what_is_no_address_and_no_domain_is_refused(outbox: Outbox, subject: str) -> None:
    with pytest.raises(AddressError):
        outbox.explain(subject)


def test_nothing_is_known(outbox: Outbox) -> None:
    explained = outbox.explain("nobody@nowhere.example")
    assert (explained.deliveries, explained.counts, explained.workers) == ((), {}, ())


def test_the_asynchronous_face_explains_too(any_database: str) -> None:
    async def through() -> None:
        async with AsyncOutbox(any_database) as outbox:
            await outbox.send(letter())
            assert (await outbox.explain(WHO)).deliveries[0].reason == "no_worker"
            assert await outbox.overrides() == ()
            assert not await outbox.cancel_override("site", "b.example")
            sites = (await outbox.stats(by_site=True)).sites
            assert sites is not None
            assert [one.site for one in sites] == ["b.example"]

    asyncio.run(through())


# ── numbers by site ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_waits_for_each_site(outbox: Outbox, clock: SteppedClock) -> None:
    for number in range(2):
        outbox.send(letter(f"{number}@b.example"))
    outbox.send(letter("ann@c.example"), send_at=timedelta(hours=1))
    outbox.pause(site="b.example", why="their wish")
    clock.advance(5)
    assert outbox.stats().sites is None
    numbers = outbox.stats(by_site=True)
    assert numbers.sites is not None
    busy, idle = numbers.sites
    assert (busy.site, busy.ready, busy.scheduled, busy.oldest_ready_seconds) == ("b.example", 2, 0, 5)
    assert busy.suspension is not None
    assert (idle.site, idle.ready, idle.scheduled, idle.oldest_ready_seconds) == ("c.example", 0, 1, None)
    assert idle.as_dict()["suspended"] is False
    assert [one["site"] for one in numbers.as_dict()["sites"]] == ["b.example", "c.example"]


def test_what_was_deferred_is_ready_and_not_due_before_its_next_try(outbox: Outbox, clock: SteppedClock) -> None:
    outbox.send(letter(WHO))
    outbox.worker(ScriptedTransport(at_rcpt=lambda *_: "450 4.2.1 later")).drain()
    later = outbox.stats(by_site=True)
    assert (later.states["ready"], later.oldest_ready_seconds) == (1, None)
    assert later.sites is not None
    assert [one.oldest_ready_seconds for one in later.sites] == [None]
    clock.advance(3600.0)
    due = outbox.stats().oldest_ready_seconds
    assert due is not None
    assert 0 < due < 3600
