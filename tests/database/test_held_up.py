"""Somebody else's open transaction holds up who needs what it holds, and nobody else."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Iterator

import psycopg
import pytest

from postroad.database import held_up
from postroad.database.group import Item
from postroad.database.held_up import AGAIN_AFTER, PATIENCE, HeldUp
from postroad.errors import DatabaseError
from postroad.outbox.blocking import Outbox
from postroad.outbox.job import Receipt
from postroad.outbox.outbox import AsyncOutbox
from tests.outbox.letters import letter
from tests.peers.waiting import wait_until

KEY = "order 1"


@pytest.fixture
def outbox(server_database: str) -> Iterator[Outbox]:
    with Outbox(server_database) as opened:
        yield opened


@pytest.fixture
def shop(outbox: Outbox, server_database: str) -> Iterator[psycopg.Connection]:
    """An application's connection in whose open transaction the key stands."""
    with psycopg.connect(server_database) as connection:
        outbox.send(letter(), connection=connection, idempotency_key=KEY)
        yield connection
        connection.rollback()


class Sending(threading.Thread):
    """Sends with the key that is taken."""

    def __init__(self, outbox: Outbox) -> None:
        super().__init__()
        self._outbox = outbox
        self.receipt: Receipt | None = None
        self.error: DatabaseError | None = None
        self.start()
        wait_until(self._waits, "the writer to set it aside")

    def _waits(self) -> bool | None:
        return len(self._outbox._store.database._opened().writer._held_up._pieces) > 0 or None

    def run(self) -> None:
        try:
            self.receipt = self._outbox.send(letter(), idempotency_key=KEY)
        except DatabaseError as error:
            self.error = error


def test_others_go_on_while_one_waits_for_a_key(outbox: Outbox, shop: psycopg.Connection) -> None:
    waiting = Sending(outbox)
    for number in range(20):
        outbox.send(letter(f"{number}@b.example"), idempotency_key=f"order {100 + number}")
        outbox.send(letter(f"{number}@b.example"))
    assert waiting.is_alive()  # the others took less time than its patience lasts
    assert outbox.stats().states["ready"] == 40
    shop.commit()
    waiting.join()
    assert waiting.receipt is not None
    assert waiting.receipt.duplicate


def test_a_key_whose_transaction_is_rolled_back_is_free(outbox: Outbox, shop: psycopg.Connection) -> None:
    waiting = Sending(outbox)
    shop.rollback()
    waiting.join()
    assert waiting.receipt is not None
    assert not waiting.receipt.duplicate


def test_of_one_group_the_others_are_written(server_database: str, shop: psycopg.Connection) -> None:
    async def through() -> None:
        async with AsyncOutbox(server_database) as outbox:
            keys = [KEY, *(f"order {number}" for number in range(2, 60)), KEY, None, None]
            sending = [asyncio.ensure_future(outbox.send(letter(), idempotency_key=key)) for key in keys]
            held_up = [one for one, key in zip(sending, keys, strict=True) if key == KEY]
            others = [one for one, key in zip(sending, keys, strict=True) if key != KEY]
            assert not any(receipt.duplicate for receipt in await asyncio.gather(*others))
            assert not any(one.done() for one in held_up)
            await asyncio.to_thread(shop.commit)
            assert all(receipt.duplicate for receipt in await asyncio.gather(*held_up))

    asyncio.run(through())


def test_a_key_that_is_never_free_ends_in_an_error(
    outbox: Outbox, shop: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_up, "PATIENCE", 0.3)
    waiting = Sending(outbox)
    waiting.join()
    assert waiting.error is not None
    assert "stayed open" in waiting.error.message
    assert "committed or rolled back" in waiting.error.advice
    outbox.send(letter())
    shop.rollback()
    assert not outbox.send(letter(), idempotency_key=KEY).duplicate


def test_closing_waits_for_what_was_set_aside(server_database: str, shop: psycopg.Connection) -> None:
    outbox = Outbox(server_database)
    waiting = Sending(outbox)
    closing = threading.Thread(target=outbox.close)
    closing.start()
    shop.rollback()
    waiting.join()
    closing.join()
    assert waiting.receipt is not None


# ── whose turn it is ──────────────────────────────────────────────────────────────────────────────────────────────────


def items(number: int) -> list[Item[None, None]]:
    return [Item(lambda _, them: list(them), None, 0, concurrent.futures.Future()) for _ in range(number)]


def test_a_group_comes_back_in_halves_until_it_is_known_who_waits() -> None:
    aside, group = HeldUp(), items(5)
    assert aside.put(group, 0.0)
    assert aside.next(0.0, others=False) == group[:2]
    assert aside.put(group[:2], 0.0)
    assert [aside.next(0.0, others=False) for _ in range(3)] == [[group[0]], [group[1]], group[2:]]
    assert aside.due_in(0.0) is None


def test_who_waits_is_tried_again_later_and_in_the_end_given_up() -> None:
    aside, (item,) = HeldUp(), items(1)
    now = 100.0
    while aside.put([item], now):
        assert aside.next(now, others=False) is None
        assert aside.due_in(now) == pytest.approx(AGAIN_AFTER)
        now += AGAIN_AFTER + 0.1
        assert aside.next(now, others=False) == [item]
    assert PATIENCE <= now - 100 < PATIENCE + 1


def test_where_nobody_gets_on_a_group_is_given_up_as_a_whole() -> None:
    """As while somebody else has a whole table locked: to try each alone would take many times as long."""
    aside, group = HeldUp(), items(64)
    assert aside.put(group, 0.0)
    assert not aside.put(group[:32], PATIENCE)
    assert aside.put(items(2), PATIENCE)  # who came later is not


def test_turns_are_taken_where_others_wait_too() -> None:
    aside, group = HeldUp(), items(4)
    aside.put(group, 0.0)
    turns = [aside.next(0.0, others=True) for _ in range(5)]
    assert turns == [group[:2], None, group[2:], None, None]
