"""Fifty who call at the same time with one key: one message, one receipt."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg

from postroad.outbox.blocking import Outbox
from postroad.outbox.job import Receipt
from postroad.outbox.outbox import AsyncOutbox
from tests.outbox.letters import letter

CALLERS = 50


def together(call: Callable[[], Receipt]) -> list[Receipt]:
    """What each of the callers got who were let go at the same time."""
    ready = threading.Barrier(CALLERS, timeout=120)

    def one() -> Receipt:
        ready.wait()
        return call()

    with ThreadPoolExecutor(CALLERS) as pool:
        return [future.result() for future in [pool.submit(one) for _ in range(CALLERS)]]


def assert_one(receipts: list[Receipt], outbox: Outbox) -> None:
    assert len({one.id for one in receipts}) == 1
    assert sum(not one.duplicate for one in receipts) == 1
    assert [entry.id for entry in outbox.find()] == [receipts[0].id]


def test_fifty_threads_with_one_key_have_one_message(any_database: str) -> None:
    with Outbox(any_database) as outbox:
        assert_one(together(lambda: outbox.send(letter(), idempotency_key="a key")), outbox)


def test_fifty_tasks_with_one_key_have_one_message(any_database: str) -> None:
    async def through() -> None:
        async with AsyncOutbox(any_database) as outbox:
            calls = [outbox.send(letter(), idempotency_key="a key") for _ in range(CALLERS)]
            receipts = await asyncio.gather(*calls)
            assert len({one.id for one in receipts}) == 1
            assert sum(not one.duplicate for one in receipts) == 1
            assert [entry.id for entry in await outbox.find()] == [receipts[0].id]

    asyncio.run(through())


def test_fifty_transactions_with_one_key_have_one_message(shared_database: str) -> None:
    with Outbox(shared_database) as outbox:

        def call() -> Receipt:
            shop: sqlite3.Connection | psycopg.Connection
            if shared_database.startswith("sqlite"):
                shop = sqlite3.connect(shared_database.removeprefix("sqlite:///"), timeout=120)
            else:
                shop = psycopg.connect(shared_database)
            receipt = outbox.send(letter(), connection=shop, idempotency_key="a key")
            shop.commit()
            shop.close()
            return receipt

        assert_one(together(call), outbox)
