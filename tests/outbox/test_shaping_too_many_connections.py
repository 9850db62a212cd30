"""A real server that says it gets too many connections sees fewer, and more again when that is over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from postroad.outbox.blocking import Outbox
from postroad.outbox.blocking_worker import BlockingWorker
from postroad.outbox.override import OverrideShown
from postroad.outbox.shaping.warm_up import DAY
from postroad.outbox.suspend import suspensions
from tests.outbox.letters import letter, wait_for_states
from tests.outbox.stepped_clock import SteppedClock
from tests.outbox.strict_server import StrictServer
from tests.peers.endpoint import free_endpoint
from tests.peers.waiting import wait_until

POOL = 8
OWN = """
[[reply]]
id = "own"
code = 421
text = "too many connections"
example = "421 4.7.0 too many connections"
for = "20 s"
halve = true
"""


@pytest.fixture
def server() -> Iterator[StrictServer]:
    with StrictServer() as running:
        yield running


@pytest.fixture
def outbox(clock: SteppedClock) -> Iterator[Outbox]:
    with Outbox("sqlite://", clock=clock) as opened:
        yield opened


def route(server: StrictServer, more: str = "") -> str:
    return f"smtp+insecure://{server.smtp}?pool={POOL}{more}"


def send(outbox: Outbox, count: int, name: str) -> None:
    for number in range(count):
        outbox.send(letter(f"{name}{number}@b.example"))


def learnt(outbox: Outbox) -> OverrideShown:
    (override,) = wait_until(lambda: outbox.overrides() or None, "an override")
    return override


def meet_trouble(outbox: Outbox, server: StrictServer, most: int) -> OverrideShown:
    """More mail than ``most`` connections may carry, none of which is through before the server has said so."""
    server.most = most
    server.gate.clear()
    send(outbox, 30, "early")
    override = learnt(outbox)
    server.gate.set()
    return override


def wait_for_fewer(worker: BlockingWorker, server: StrictServer, override: OverrideShown) -> None:
    """Both sides know of no more: a connection may have been on its way to the server when the limit was learnt."""
    restraint = worker._worker._restraint
    wait_until(lambda: (restraint.keeps_to(override.key) and server.open <= 4) or None, "fewer connections")


def suspended(outbox: Outbox) -> list[str]:
    """The scopes of what rests."""
    database, clock = outbox._store.database, outbox._store.clock
    return [one.scope for one in database.read(lambda connection: suspensions(connection, clock.now()))]


def all_delivered(outbox: Outbox, clock: SteppedClock, number: int) -> None:
    def sent() -> bool | None:
        clock.advance(5)
        return outbox.stats().states["sent"] == number or None

    wait_until(sent, lambda: f"{number} sent; there are {dict(outbox.stats().states)}")


@pytest.mark.parametrize("own", [False, True])
def test_fewer_connections_while_it_holds_and_more_again_later(
    server: StrictServer, outbox: Outbox, clock: SteppedClock, tmp_path: Path, own: bool
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(OWN)
    with outbox.worker(route(server), limits=rules if own else None) as worker:
        override = meet_trouble(outbox, server, most=4)
        assert override.scope == "account"
        assert override.who == ("rule own" if own else "rule too-many-connections")
        assert "421" in override.why
        assert (override.until - override.since).total_seconds() == (20 if own else 60)
        assert override.limits in {"2 connections", "3 connections", "4 connections"}
        wait_for_fewer(worker, server, override)
        server.widest = 0
        refused = server.refused
        send(outbox, 30, "late")
        server.wait_for(40)
        assert server.widest <= 4
        assert server.refused == refused
        all_delivered(outbox, clock, 60)
        clock.advance(60)
        wait_until(lambda: not outbox.overrides() or None, "the end of the override")
        server.most = 1000
        server.gate.clear()
        send(outbox, 30, "again")
        wait_until(lambda: server.held == POOL or None, f"{POOL} connections again")
        server.gate.set()
        wait_for_states(outbox, sent=90)
    attempts = [entry.attempts for entry in outbox.find(limit=1000)]
    assert max(attempts) <= 3
    assert sorted(server.recipients) == sorted(set(server.recipients))


def test_what_was_learnt_is_cancelled_at_once(server: StrictServer, outbox: Outbox) -> None:
    with outbox.worker(route(server)) as worker:
        override = meet_trouble(outbox, server, most=4)
        wait_for_fewer(worker, server, override)
        server.most = 1000
        assert outbox.cancel_override(override.scope, override.key)
        server.gate.clear()
        send(outbox, 30, "free")
        wait_until(lambda: server.held == POOL or None, f"{POOL} connections again")
        server.gate.set()
    assert outbox.overrides() == ()


def test_an_account_that_cannot_be_reached_rests_and_comes_back_by_itself(outbox: Outbox, clock: SteppedClock) -> None:
    address = free_endpoint()
    send(outbox, 100, "waiting")
    with outbox.worker(f"smtp+insecure://{address}?pool=2"):
        # The clock stands still meanwhile: no rest is over before it is seen.
        wait_until(lambda: "account" in suspended(outbox) or None, "the account's rest")
        untouched = [entry for entry in outbox.find(limit=1000) if entry.attempts == 0]
        assert len(untouched) >= 50  # at most what was at hand when it began (32), and what came while it was decided
        with StrictServer(port=address.port) as back:
            all_delivered(outbox, clock, 100)
            assert len(back.recipients) == 100
    assert max(entry.attempts for entry in outbox.find(limit=1000)) <= 8


def test_limits_of_a_source_address_hold_for_what_goes_from_it(
    server: StrictServer, outbox: Outbox, clock: SteppedClock, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[source."127.0.0.2"]\nconnections = 2\nmessages_per_connection = 3\nper_day = 20\n')
    send(outbox, 30, "someone")
    server.gate.clear()
    with outbox.worker(route(server, "&source=127.0.0.2"), limits=rules):
        wait_until(lambda: server.held == 2 or None, "two connections")
        server.gate.set()
        wait_until(lambda: len(server.arrived) == 20 or None, "the day's allowance")
        all_delivered(outbox, clock, 20)
        clock.advance(DAY)
        wait_for_states(outbox, sent=30)
    assert set(server.peers) == {"127.0.0.2"}
    assert server.widest == 2
    assert server.sessions >= 7
