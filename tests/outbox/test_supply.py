"""What a worker has in its hands is never lost, whatever interrupts the taking."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection

from postroad.clock import SYSTEM_CLOCK
from postroad.outbox.outbox import AsyncOutbox
from postroad.outbox.supply import Supply
from tests.fakes import let_others_run
from tests.outbox.letters import letter


def test_a_claim_that_is_cancelled_is_in_hand_all_the_same(tmp_path: Path) -> None:
    reached, opened = threading.Event(), threading.Event()

    def hold(connection: Connection, payloads: Sequence[None]) -> list[Exception | None]:
        reached.set()
        opened.wait(20)
        return [None] * len(payloads)

    async def interrupted() -> None:
        async with AsyncOutbox(f"sqlite:///{tmp_path / 'mail.db'}") as outbox:
            await outbox.send(letter())
            database = outbox._store.database
            supply = Supply(database, "me", 4, clock=SYSTEM_CLOCK, next_try=lambda lease, now: now)
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
