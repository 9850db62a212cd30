"""What a worker has in its hands is never lost, whatever interrupts the taking."""

import asyncio
import math
import threading
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection

from postroad.clock import SYSTEM_CLOCK
from postroad.database.driver import execute
from postroad.outbox.blocking import Outbox
from postroad.outbox.outbox import AsyncOutbox
from postroad.outbox.override import Override
from postroad.outbox.retention import Sweep, forget_contents
from postroad.outbox.shaping.limits import Limits
from postroad.outbox.shaping.shaper import NO_SHAPING, Road, Shaper
from postroad.outbox.supply import Supply
from postroad.transport.gcra import Rate
from postroad.transport.to_memory import MemoryTransport
from tests.fakes import let_others_run
from tests.outbox.letters import letter, only, wait_for_states
from tests.outbox.stepped_clock import SteppedClock


def shaper() -> Shaper:
    return Shaper(*NO_SHAPING, Road("smtp://relay"))


def test_a_claim_that_is_cancelled_is_in_hand_all_the_same(tmp_path: Path) -> None:
    reached, opened = threading.Event(), threading.Event()

    def hold(connection: Connection, payloads: Sequence[None]) -> list[Exception | None]:
        reached.set()
        opened.wait(60)
        return [None] * len(payloads)

    async def interrupted() -> None:
        async with AsyncOutbox(f"sqlite:///{tmp_path / 'mail.db'}") as outbox:
            await outbox.send(letter())
            database = outbox._store.database
            supply = Supply(database, "me", 4, shaper(), clock=SYSTEM_CLOCK, next_try=lambda lease, now: now)
            await supply.survey()
            busy = database.submit(hold, None)
            await asyncio.to_thread(reached.wait)
            claiming = asyncio.create_task(supply.claim())
            await let_others_run(3)
            claiming.cancel()
            await let_others_run(3)
            opened.set()
            with pytest.raises(asyncio.CancelledError):
                await claiming
            await busy
            assert (await outbox.stats()).states["leased"] == 1
            assert [lease.recipient for parcel in supply.empty_out() for lease in parcel.leases] == ["bob@b.example"]
            supply.close()

    asyncio.run(interrupted())


def test_what_was_forgotten_while_it_was_in_hand_is_passed_over(tmp_path: Path) -> None:
    async def passed_over() -> None:
        async with AsyncOutbox(f"sqlite:///{tmp_path / 'mail.db'}") as outbox:
            first = (await outbox.send(letter("ann@b.example"))).id
            second = (await outbox.send(letter("bob@b.example"))).id
            database = outbox._store.database
            supply = Supply(database, "me", 4, shaper(), clock=SYSTEM_CLOCK, next_try=lambda lease, now: now)
            await supply.survey()
            assert await supply.claim()
            await outbox.cancel(first)
            await database.submit(forget_contents, Sweep("", SYSTEM_CLOCK.now() + 1))
            assert [parcel.message_id for parcel in await supply.load()] == [first]
            assert (await supply.take()).item.parcel.message_id == second
            supply.close()

    asyncio.run(passed_over())


def test_a_claim_whose_commit_was_not_heard_of_comes_back(
    server_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut: list[str] = []

    def commit_and_cut(connection: Connection, sql: str) -> object:
        answer = execute(connection, sql)
        leased = execute(connection, "SELECT 1 FROM postroad_delivery WHERE state = 'leased'").fetchone()
        if sql == "COMMIT" and leased and not cut:
            cut.append(sql)
            connection.connection.dbapi_connection.close()  # type: ignore[union-attr]  # it has one
            raise psycopg.OperationalError("the connection is lost")
        return answer

    monkeypatch.setattr("postroad.database.group.execute", commit_and_cut)
    with Outbox(server_database) as outbox:
        id_ = outbox.send(letter()).id
        with outbox.worker(MemoryTransport()):
            wait_for_states(outbox, sent=1)
        assert cut
        assert only(outbox, id_).attempts == 1


def test_limits_that_are_learnt_later_bind_what_is_in_hand(tmp_path: Path) -> None:
    async def bound() -> None:
        clock = SteppedClock()
        async with AsyncOutbox(f"sqlite:///{tmp_path / 'mail.db'}", clock=clock) as outbox:
            for number in range(4):
                await outbox.send(letter(f"{number}@b.example"))
            ours, now = shaper(), clock.now()
            supply = Supply(outbox._store.database, "me", 4, ours, clock=clock, next_try=lambda lease, now: now)
            await supply.survey()
            await supply.claim()
            await supply.load()
            one_a_minute = Limits(rate=Rate.read("1/min"))
            ours.learn([Override("domain", "b.example", now, now + 600, one_a_minute, "ann", "slower")], now)
            supply.limits_changed()
            supply.done(await supply.take())
            waiting = asyncio.ensure_future(supply.take())
            await let_others_run(3)
            assert not waiting.done()
            clock.advance(60)
            supply.hand_out()
            assert (await waiting).item.parcel.leases[0].recipient == "1@b.example"
            ours.learn([], clock.now())
            supply.limits_changed()
            assert (await supply.take()).item.parcel.leases[0].recipient == "2@b.example"
            supply.close()

    asyncio.run(bound())


def test_while_everybody_delivers_there_is_nothing_to_look_for(tmp_path: Path) -> None:
    async def looked() -> float:
        async with AsyncOutbox(f"sqlite:///{tmp_path / 'mail.db'}") as outbox:
            for _ in range(2):
                await outbox.send(letter())
            database = outbox._store.database
            supply = Supply(database, "me", 4, shaper(), clock=SYSTEM_CLOCK, next_try=lambda lease, now: now)
            await supply.survey()
            await supply.claim()
            await supply.load()
            await supply.take()
            assert supply.in_hand == 1
            supply.close()
            return supply.next_look()

    assert asyncio.run(looked()) == math.inf
