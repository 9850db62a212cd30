"""Mail in the transaction of its order, through every driver: the mail exists exactly if the order does."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from postroad.errors import IdempotencyConflict
from postroad.outbox.blocking import Outbox
from postroad.outbox.suppress import Suppress, suppress
from postroad.suppression.entry import Suppression
from postroad.suppression.reasons import Reason
from postroad.transport.to_memory import MemoryTransport
from tests.outbox.letters import kinds, letter, only, wait_for_states
from tests.outbox.shops import FILE, SERVER, Shop, opened, prepare

Open = Callable[[], Shop]


@pytest.fixture(params=[*FILE, *SERVER])
def driver(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def url(request: pytest.FixtureRequest, driver: str, tmp_path: Path) -> str:
    where: str = f"sqlite:///{tmp_path / 'shop.db'}" if driver in FILE else request.getfixturevalue("server_database")
    prepare(where)
    return where


@pytest.fixture
def open_shop(driver: str, url: str) -> Iterator[Open]:
    shops: list[Shop] = []

    def open_one() -> Shop:
        shops.append(opened(driver, url))
        return shops[-1]

    yield open_one
    for one in shops:
        one.close()


@pytest.fixture
def shop(open_shop: Open) -> Shop:
    return open_shop()


@pytest.fixture
def outbox(url: str) -> Iterator[Outbox]:
    """Another process's, as it were: it sees what is committed."""
    with Outbox(url) as one:
        yield one


def order(shop: Shop, number: int = 1) -> None:
    shop.execute(f"INSERT INTO orders VALUES ({number})")


def orders(shop: Shop) -> list[int]:
    return [number for (number,) in shop.execute("SELECT number FROM orders ORDER BY number")]


# ── together or not at all ────────────────────────────────────────────────────────────────────────────────────────────


def test_order_and_mail_are_committed_together(shop: Shop, outbox: Outbox) -> None:
    order(shop)
    receipt = shop.send(letter("ann@b.example", "bob@b.example", subject="thanks"))
    assert outbox.stats().states["ready"] == 0
    shop.commit()
    status = outbox.status(receipt.id)
    assert (status.message_id, status.subject) == (receipt.message_id, "thanks")
    assert [one.recipient for one in status.recipients] == ["ann@b.example", "bob@b.example"]
    assert [kinds(one) for one in status.recipients] == [["queued"], ["queued"]]
    assert outbox.stats().states["ready"] == 2
    assert orders(shop) == [1]


def test_order_and_mail_are_rolled_back_together(shop: Shop, outbox: Outbox) -> None:
    order(shop)
    shop.send(letter())
    shop.rollback()
    assert orders(shop) == []
    assert sum(outbox.stats().states.values()) == 0
    assert outbox.find() == ()


def test_mail_may_come_before_the_order(shop: Shop, outbox: Outbox) -> None:
    receipt = shop.send(letter())
    order(shop)
    shop.rollback()
    shop.send(letter(), idempotency_key="a key")
    order(shop, 2)
    shop.commit()
    assert orders(shop) == [2]
    assert [entry.id for entry in outbox.find()] != [receipt.id]
    assert outbox.stats().states["ready"] == 1


def test_a_savepoint_takes_its_mail_back(shop: Shop, outbox: Outbox) -> None:
    order(shop)
    kept = shop.send(letter())
    shop.execute("SAVEPOINT mine")
    order(shop, 2)
    shop.send(letter(), idempotency_key="taken back")
    shop.execute("ROLLBACK TO SAVEPOINT mine")
    again = shop.send(letter(), idempotency_key="taken back")
    assert not again.duplicate
    shop.commit()
    assert orders(shop) == [1]
    assert {entry.id for entry in outbox.find()} == {kept.id, again.id}


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_repeated_key_returns_the_first_receipt_and_the_transaction_goes_on(shop: Shop, outbox: Outbox) -> None:
    first = outbox.send(letter(), idempotency_key="order-1")
    order(shop)
    again = shop.send(letter(), idempotency_key="order-1")
    assert (again, again.duplicate) == (type(first)(first.id, first.message_id, first.recipients, duplicate=True), True)
    within = shop.send(letter(), idempotency_key="order-2")
    assert shop.send(letter(), idempotency_key="order-2").id == within.id
    order(shop, 2)
    shop.commit()
    assert orders(shop) == [1, 2]
    assert {entry.id for entry in outbox.find()} == {first.id, within.id}


def test_a_key_with_another_message_is_refused_and_the_transaction_goes_on(shop: Shop, outbox: Outbox) -> None:
    first = outbox.send(letter(), idempotency_key="order-1")
    order(shop)
    with pytest.raises(IdempotencyConflict, match=f"'order-1' is in use for another message \\({first.id}\\)"):
        shop.send(letter(subject="another"), idempotency_key="order-1")
    second = shop.send(letter(subject="another"), idempotency_key="order-2")
    shop.commit()
    assert orders(shop) == [1]
    assert {entry.id for entry in outbox.find()} == {first.id, second.id}


def test_who_repeats_a_key_in_another_transaction_waits_for_the_first(
    open_shop: Open, shop: Shop, outbox: Outbox
) -> None:
    order(shop)
    first = shop.send(letter(), idempotency_key="order-1")
    other, answers = open_shop(), []
    began = threading.Event()

    def repeat() -> None:
        began.set()
        answers.append(other.send(letter(), idempotency_key="order-1"))
        order(other, 2)
        other.commit()

    thread = threading.Thread(target=repeat)
    thread.start()
    began.wait()
    thread.join(0.05)
    assert thread.is_alive()
    shop.commit()
    thread.join()
    assert [(one.id, one.duplicate) for one in answers] == [(first.id, True)]
    assert orders(shop) == [1, 2]
    assert outbox.stats().states["ready"] == 1


def test_who_repeats_a_key_of_a_transaction_that_is_rolled_back_is_the_first(
    open_shop: Open, shop: Shop, outbox: Outbox
) -> None:
    first = shop.send(letter(), idempotency_key="order-1")
    other, answers = open_shop(), []

    def repeat() -> None:
        answers.append(other.send(letter(), idempotency_key="order-1"))
        other.commit()

    thread = threading.Thread(target=repeat)
    thread.start()
    shop.rollback()
    thread.join()
    assert [one.duplicate for one in answers] == [False]
    assert answers[0].id != first.id
    assert [entry.id for entry in outbox.find()] == [answers[0].id]


# ── the list of those who get nothing ─────────────────────────────────────────────────────────────────────────────────


def test_who_is_on_the_suppression_list_gets_nothing(shop: Shop, outbox: Outbox) -> None:
    now = outbox._store.clock.now()
    entry = Suppression("ann@b.example", Reason.COMPLAINT)
    outbox._store.database.write(suppress, Suppress((entry,), now))
    receipt = shop.send(letter("Ann@b.example", "bob@b.example"), idempotency_key="a key")
    again = shop.send(letter("Ann@b.example", "bob@b.example"), idempotency_key="a key")
    shop.commit()
    assert [one.addr_spec for one in receipt.suppressed] == ["Ann@b.example"]
    assert again.suppressed == receipt.suppressed
    ann, bob = outbox.status(receipt.id).recipients
    assert (ann.state, kinds(ann)) == ("suppressed", ["queued", "suppressed"])
    assert (bob.state, kinds(bob)) == ("ready", ["queued"])


# ── other databases, and the worker ───────────────────────────────────────────────────────────────────────────────────


def test_a_worker_delivers_what_was_committed_and_nothing_else(shop: Shop, outbox: Outbox) -> None:
    transport = MemoryTransport()
    with outbox.worker(transport):
        shop.send(letter(subject="never"))
        shop.rollback()
        sent = [shop.send(letter(subject=f"{number}")) for number in range(3)]
        assert transport.messages == []
        shop.commit()
        sent[0].wake()
        wait_for_states(outbox, sent=3)
    assert {mail.message_id for mail in transport.messages} == {one.message_id for one in sent}
    assert only(outbox, sent[0].id).state == "sent"
    assert sum(outbox.stats().states.values()) == 3
