"""Holding, releasing, pausing and resuming: what waits, what goes, and what it costs."""

import asyncio
from datetime import timedelta

import pytest

from postroad.errors import ConfigurationError, MessageError, NotFound, PostroadError, SendError
from postroad.outbox.blocking import Outbox
from postroad.outbox.deliver import REFUSED_FIRST
from postroad.outbox.outbox import AsyncOutbox
from postroad.outbox.shaping.rules import Rules, Site
from postroad.outbox.site_table import Learnt, learn_sites
from postroad.reply import Phase
from postroad.transport.contract import Ability
from postroad.transport.to_memory import MemoryTransport
from tests.outbox.letters import drained, kinds, letter, only, wait_for_states, wait_for_workers
from tests.outbox.scripted_transport import ScriptedTransport, Stop
from tests.outbox.stepped_clock import SteppedClock

# ── hold and release ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_held_waits_until_it_is_released(outbox: Outbox) -> None:
    id_ = outbox.send(letter()).id
    (held,) = outbox.hold(id_)
    assert (held.result, held.state) == ("done", "held")
    assert drained(outbox) == []
    assert outbox.hold(id_)[0].result == "nothing_to_do"
    (released,) = outbox.release(id_)
    assert (released.result, released.state) == ("done", "ready")
    assert drained(outbox) == ["bob@b.example"]
    assert kinds(only(outbox, id_)) == ["queued", "held", "released", "sent"]
    assert only(outbox, id_).attempts == 1
    assert outbox.release(id_)[0].result == "nothing_to_do"
    assert outbox.hold(id_)[0].result == "too_late"


def test_what_was_scheduled_is_scheduled_again(outbox: Outbox, clock: SteppedClock) -> None:
    early = outbox.send(letter(), send_at=timedelta(hours=1)).id
    late = outbox.send(letter(), send_at=timedelta(hours=1)).id
    outbox.hold(early, late)
    assert outbox.release(early)[0].state == "scheduled"
    clock.advance(3600)
    assert outbox.release(late)[0].state == "ready"
    assert len(drained(outbox)) == 2


def test_a_deferred_delivery_keeps_its_time(outbox: Outbox) -> None:
    id_ = outbox.send(letter()).id
    outbox.worker(ScriptedTransport(at_rcpt=lambda _recipient, _attempt: "450 4.2.1 later")).drain()
    due = only(outbox, id_).due_at
    outbox.hold(id_)
    assert outbox.release(id_)[0].state == "ready"
    assert only(outbox, id_).due_at == due
    assert drained(outbox) == []


def test_nobody_is_held_if_one_of_the_messages_is_not_there(outbox: Outbox) -> None:
    id_ = outbox.send(letter()).id
    for verb in (outbox.hold, outbox.release):
        with pytest.raises(NotFound):
            verb(id_, "nope")
    assert only(outbox, id_).state == "ready"


def test_what_is_leased_is_held_and_its_flight_refused(outbox: Outbox) -> None:
    stop = Stop()
    transport = ScriptedTransport(before_dot=stop)
    id_ = outbox.send(letter()).id
    with outbox.worker(transport):
        stop.wait_until_reached()
        (held,) = outbox.hold(id_)
        assert (held.result, held.state) == ("done", "held")
        stop.open()
    assert transport.sent == []
    assert (only(outbox, id_).state, only(outbox, id_).attempts) == ("held", 0)


def test_what_is_in_flight_is_out_of_reach(outbox: Outbox) -> None:
    stop = Stop()
    transport = ScriptedTransport(after_dot=stop)
    id_ = outbox.send(letter()).id
    with outbox.worker(transport):
        stop.wait_until_reached()
        assert outbox.hold(id_)[0].result == "too_late"
        assert outbox.cancel(id_)[0].result == "too_late"
        stop.open()
        wait_for_states(outbox, sent=1)


def test_what_is_held_expires_and_what_is_uncertain_does_not(outbox: Outbox, clock: SteppedClock) -> None:
    held = outbox.send(letter("ann@b.example"), expires_at=timedelta(hours=1)).id
    without_end = outbox.send(letter("cem@b.example")).id
    outbox.hold(held, without_end)
    clock.advance(3600)
    assert drained(outbox) == []
    assert (only(outbox, held).state, only(outbox, without_end).state) == ("expired", "held")
    assert kinds(only(outbox, held))[-1] == "expired"


# ── pause and resume ──────────────────────────────────────────────────────────────────────────────────────────────────

OTHERS = ["cem@c.example", "dan@d.example"]


def three(outbox: Outbox) -> dict[str, str]:
    return {
        "bob@b.example": outbox.send(letter("bob@b.example")).id,
        "cem@c.example": outbox.send(letter("cem@c.example")).id,
        "dan@d.example": outbox.send(letter("dan@d.example"), stream="news").id,
    }


@pytest.mark.parametrize(
    ("paused", "going"),
    [
        ({"domain": "b.example"}, ["cem@c.example", "dan@d.example"]),
        ({"site": "b.example"}, ["cem@c.example", "dan@d.example"]),
        ({"domain": "@B.Example"}, ["cem@c.example", "dan@d.example"]),
        ({"stream": "news"}, ["bob@b.example", "cem@c.example"]),
        ({"stream": "transactional"}, ["dan@d.example"]),
    ],
)
def test_what_is_paused_waits_and_the_others_go(outbox: Outbox, paused: dict[str, str], going: list[str]) -> None:
    ids = three(outbox)
    rest = outbox.pause(**paused, who="ann", why="they asked for it")  # type: ignore[arg-type]  # names of scopes
    assert (rest.scope, rest.until, rest.who, rest.why) == (next(iter(paused)), None, "ann", "they asked for it")
    assert drained(outbox) == going
    waiting = sorted(set(ids) - set(going))
    assert {only(outbox, ids[one]).state for one in waiting} == {"ready"}
    assert [one.key for one in outbox.stats().suspensions] == [rest.key]
    assert outbox.resume(**paused) == rest
    assert outbox.resume(**paused) is None
    assert drained(outbox) == waiting
    assert {only(outbox, id_).attempts for id_ in ids.values()} == {1}
    assert outbox.stats().suspensions == ()


@pytest.mark.parametrize("paused", [{"domain": "c.example"}, {"site": "c.example"}])
def test_a_message_for_two_goes_to_the_one_whose_site_does_not_rest(outbox: Outbox, paused: dict[str, str]) -> None:
    id_ = outbox.send(letter("bob@b.example", "ann@c.example")).id
    outbox.pause(**paused)  # type: ignore[arg-type]  # names of scopes
    assert drained(outbox) == ["bob@b.example"]
    assert [one.state for one in outbox.status(id_).recipients] == ["sent", "ready"]
    outbox.resume(**paused)
    assert drained(outbox) == ["ann@c.example"]


def test_a_pause_ends_by_itself(outbox: Outbox, clock: SteppedClock) -> None:
    three(outbox)
    for paused in ({"domain": "b.example"}, {"stream": "news"}, {"site": "c.example"}):
        outbox.pause(**paused, until=timedelta(hours=1))
    assert drained(outbox) == []
    clock.advance(3600)
    assert outbox.stats().suspensions == ()
    assert outbox.resume(domain="b.example") is None  # nothing rests that could go on
    assert "resumed" not in {str(one.kind) for one in outbox.events().entries}
    assert len(drained(outbox)) == 3


@pytest.mark.parametrize("paused", [{"domain": "b.example"}, {"site": "b.example"}, {"stream": "transactional"}])
def test_a_worker_that_runs_hears_of_it_and_of_the_end(any_database: str, paused: dict[str, str]) -> None:
    transport = MemoryTransport()
    with Outbox(any_database) as outbox, outbox.worker(transport):
        outbox.pause(**paused)  # type: ignore[arg-type]  # names of scopes
        outbox.send(letter("bob@b.example"))
        outbox.send(letter("dan@d.example"), stream="news")
        wait_for_states(outbox, sent=1, ready=1)
        outbox.send(letter("eve@b.example"))
        outbox.send(letter("fay@d.example"), stream="news")
        wait_for_states(outbox, sent=2, ready=2)
        outbox.resume(**paused)
        wait_for_states(outbox, sent=4)


@pytest.mark.parametrize("paused", [{"domain": "b.example"}, {"site": "b.example"}, {"stream": "transactional"}])
def test_a_pause_of_another_process_holds_at_once(shared_database: str, paused: dict[str, str]) -> None:
    stop = Stop()
    transport = ScriptedTransport(before_dot=stop, concurrency=1)
    with Outbox(shared_database) as outbox, Outbox(shared_database) as other:
        ids = [outbox.send(letter(f"{number}@b.example")).id for number in range(5)]
        with outbox.worker(transport):
            stop.wait_until_reached()  # one is in the worker's hands, and the others behind it
            other.pause(**paused)  # type: ignore[arg-type]  # names of scopes
            stop.open()
            wait_for_states(outbox, ready=5)
            assert transport.sent == []
            other.resume(**paused)
            wait_for_states(outbox, sent=5)
        assert {only(outbox, id_).attempts for id_ in ids} == {1}


def test_a_backlog_that_rests_is_no_burden_on_its_lane(outbox: Outbox) -> None:
    for number in range(300):  # more than a claim takes
        outbox.send(letter(f"{number}@b.example"), stream="news")
    outbox.pause(stream="news")
    urgent = outbox.send(letter("ann@b.example"))
    assert drained(outbox) == ["ann@b.example"]
    assert only(outbox, urgent.id).state == "sent"
    assert outbox.stats().states["ready"] == 300


def test_everything_of_an_account_waits(any_database: str) -> None:
    transport = MemoryTransport()
    with Outbox(any_database) as outbox, outbox.worker(transport):
        outbox.pause(account=transport.name, why="unpaid")
        outbox.pause(account="another@relay.example:587")
        outbox.pause(source="2001:DB8::1")
        assert {one.key for one in outbox.stats().suspensions} >= {transport.name, "2001:db8::1"}
        three(outbox)
        wait_for_states(outbox, ready=3)
        assert not transport.messages
        outbox.resume(account=transport.name)
        wait_for_states(outbox, sent=3)


def test_pausing_again_says_anew_until_when(outbox: Outbox) -> None:
    outbox.pause(domain="b.example", why="first")
    outbox.pause(domain="b.example", why="second", until=timedelta(minutes=1))
    (rest,) = outbox.stats().suspensions
    assert rest.why == "second"
    assert rest.until is not None


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, ConfigurationError),
        ({"domain": "b.example", "stream": "news"}, ConfigurationError),
        ({"domain": "no domain"}, ConfigurationError),
        ({"domain": "bob@b.example"}, ConfigurationError),
        ({"stream": "no stream"}, MessageError),
        ({"account": ""}, ConfigurationError),
        ({"account": "a\x1b"}, ConfigurationError),
        ({"source": "b.example"}, ConfigurationError),
        ({"account": "ann@relay.example:587", "source": "203.0.113.7"}, ConfigurationError),
        ({"domain": "b.example", "until": timedelta(seconds=-1)}, ConfigurationError),
        ({"domain": "b.example", "why": "a\x1b"}, ConfigurationError),
    ],
)
def test_a_pause_that_makes_no_sense_is_refused(
    outbox: Outbox, arguments: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        outbox.pause(**arguments)  # type: ignore[arg-type]  # wrong on purpose
    assert outbox.stats().suspensions == ()


def test_pauses_stand_in_the_event_log(outbox: Outbox) -> None:
    outbox.pause(domain="b.example", who="ann", why="their wish")
    outbox.resume(domain="b.example")
    outbox.resume(domain="b.example")
    first, second = outbox.events().entries
    assert (str(first.kind), first.recipient) == ("paused", None)
    assert dict(first.detail) == {"scope": "domain", "key": "b.example", "who": "ann", "why": "their wish"}
    assert (str(second.kind), dict(second.detail)) == ("resumed", {"scope": "domain", "key": "b.example"})


def test_the_end_of_a_pause_is_a_time_like_all_others_in_json(outbox: Outbox) -> None:
    rest = outbox.pause(domain="b.example", until=timedelta(hours=2))
    (entry,) = outbox.events().entries
    assert rest.until is not None
    assert entry.as_dict()["detail"]["until"] == rest.until.isoformat()


def test_the_asynchronous_face_has_the_same_verbs(any_database: str) -> None:
    async def through() -> None:
        async with AsyncOutbox(any_database) as outbox:
            id_ = (await outbox.send(letter())).id
            assert (await outbox.hold(id_))[0].state == "held"
            assert (await outbox.release(id_))[0].state == "ready"
            rest = await outbox.pause(stream="transactional")
            transport = MemoryTransport()
            await outbox.worker(transport).drain()
            assert not transport.messages
            assert await outbox.resume(stream="transactional") == rest
            await outbox.worker(transport).drain()
            assert len(transport.messages) == 1

    asyncio.run(through())


# ── a route that has no envelopes of its own ──────────────────────────────────────────────────────────────────────────


def test_a_message_that_goes_whole_waits_for_all_and_keeps_nobody_back(outbox: Outbox, clock: SteppedClock) -> None:
    for number in range(10):
        outbox.send(letter(f"one{number}@b.example", f"two{number}@c.example"))
    outbox.send(letter("alone@b.example"))
    outbox.pause(domain="c.example", until=timedelta(seconds=90))
    for waited, gone in ((0, 1), (61, 1), (30, 11)):  # it is looked at again once a minute, or at the end of the pause
        clock.advance(waited)
        transport = ScriptedTransport(abilities=frozenset({Ability.REMOTE}))
        outbox.worker(transport).drain()
        assert all(len(one) == 2 or one == ("alone@b.example",) for one in transport.sent)
        assert len(outbox.find(state="sent")) == 2 * gone - 1
    assert {one.attempts for one in outbox.find()} == {1}


# ── sites that are on record and are not so any more ──────────────────────────────────────────────────────────────────

OURS = Rules(sites={"our-partner": Site("our-partner", domains=frozenset({"b.example"}))})


def test_a_site_of_an_earlier_worker_is_mended_and_its_pause_holds_nothing_up(outbox: Outbox) -> None:
    outbox.send(letter())
    outbox.worker(MemoryTransport(), limits=OURS).drain()
    assert outbox.explain("b.example").site == "our-partner"
    outbox.pause(site="our-partner")
    outbox.send(letter("ann@b.example"))
    transport = ScriptedTransport()
    outbox.worker(transport).drain()
    assert transport.sent == [("ann@b.example",)]
    assert transport.tried == transport.sent
    assert outbox.explain("b.example").site == "b.example"


def test_a_flight_record_that_is_refused_again_and_again_is_no_storm(outbox: Outbox, clock: SteppedClock) -> None:
    def gainsaid(attempt: int) -> PostroadError | None:
        """Another worker goes by other rules, and has just said so."""
        outbox._store.database.write(learn_sites, Learnt({"b.example": "our-partner"}, clock.now()))
        return SendError("tried too often", phase=Phase.CONNECT) if attempt > 10 else None

    transport = ScriptedTransport(instead=gainsaid)
    id_ = outbox.send(letter()).id
    outbox.pause(site="our-partner")
    outbox.worker(transport).drain()
    assert len(transport.tried) == 1
    clock.advance(REFUSED_FIRST)
    outbox.worker(transport).drain()
    assert len(transport.tried) == 2
    assert transport.sent == []
    assert (only(outbox, id_).state, only(outbox, id_).attempts) == ("ready", 0)


# ── names that nobody goes by ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_domain_that_is_named_as_a_site_stands_for_its_site(outbox: Outbox) -> None:
    outbox.send(letter("ann@gmail.com"))
    outbox.send(letter("bob@googlemail.com"))
    rest = outbox.pause(site="Gmail.com")
    assert (rest.key, rest.note) == ("google", "mail to gmail.com is of the site google: all domains of it rest")
    assert drained(outbox) == []
    assert outbox.resume(site="gmail.com") == rest
    assert len(drained(outbox)) == 2


def test_what_a_worker_has_found_out_comes_before_the_shipped_rules(outbox: Outbox) -> None:
    outbox.send(letter())
    outbox.worker(MemoryTransport(), limits=OURS).drain()
    assert outbox.pause(site="b.example").key == "our-partner"
    assert outbox.pause(site="our-partner").note == ""


@pytest.mark.parametrize(
    ("paused", "note"),
    [
        ({"site": "googel"}, "neither the workers nor the shipped rules know a site of this name"),
        ({"site": "google"}, ""),
        ({"site": "c.example"}, "no mail to it waits now"),
        ({"site": "b.example"}, ""),
        ({"domain": "c.example"}, "no mail to it waits now"),
        ({"domain": "b.example"}, ""),
        ({"stream": "newz"}, "no stream of this name is declared, and no mail of it waits now"),
        ({"stream": "news"}, ""),
        ({"stream": "transactional"}, ""),
        ({"account": "127.0.0.1"}, "no worker that is known sends through this account"),
        ({"source": "203.0.113.7"}, "no worker that is known sends from this address"),
    ],
)
def test_a_name_that_nobody_goes_by_is_noted(outbox: Outbox, paused: dict[str, str], note: str) -> None:
    outbox.send(letter(), stream="news")
    rest = outbox.pause(**paused)  # type: ignore[arg-type]  # names of scopes
    assert rest.note == note
    assert rest.as_dict().get("note", "") == note


def test_the_accounts_of_workers_are_named_to_who_has_named_another(outbox: Outbox) -> None:
    transport = MemoryTransport()
    with outbox.worker(transport):
        wait_for_workers(outbox, 1)
        note = outbox.pause(account="another").note
        assert note == f"no worker that is known sends through this account; there is {transport.name}"
        assert outbox.pause(account=transport.name).note == ""
