"""Backlogs that may not go hold nobody up; what is urgent overtakes, and what is not still moves; plans are kept to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from postroad.outbox.blocking import Outbox
from postroad.outbox.shaping.rules import Rules
from postroad.outbox.shaping.rules_file import rules_in
from postroad.outbox.worker import PUT_OFF
from postroad.transport.to_memory import MemoryTransport
from tests.cli.command import run_inside
from tests.fakes import START
from tests.outbox.letters import copy_first, letter, wait_for_states
from tests.outbox.stepped_clock import SteppedClock
from tests.peers.waiting import wait_until

DAY = 86_400
DEEP = 50_000
SLOW = '[domain."slow.example"]\nrate = "1/min"\n'


def recipients(transport: MemoryTransport) -> list[str]:
    return [one.addr_spec for mail in transport.messages for one in mail.envelope.recipients]


def sent_meanwhile(outbox: Outbox, clock: SteppedClock, number: int) -> None:
    """So many are sent, while hardly any time goes by."""

    def sent() -> bool | None:
        clock.advance(0.03)
        return outbox.stats().states["sent"] >= number or None

    wait_until(sent, f"{number} sent")


def own(text: str) -> Rules:
    return rules_in(text.encode(), "own rules")


@pytest.fixture
def deep(tmp_path: Path, clock: SteppedClock) -> Iterator[Outbox]:
    """An outbox with a deep backlog for a slow domain and one for a domain that rests."""
    url = f"sqlite:///{tmp_path / 'mail.db'}"
    with Outbox(url, clock=clock) as outbox:
        outbox.send(letter("first@slow.example"))
        copy_first(url, DEEP, "slow.example")
        copy_first(url, 1000, "resting.example")
        outbox.pause(domain="resting.example")
        yield outbox


def test_a_fresh_mail_leaves_beside_backlogs_that_may_not_go(deep: Outbox) -> None:
    transport = MemoryTransport()
    with deep.worker(transport, limits=own(SLOW), concurrency=2):
        wait_until(lambda: recipients(transport) or None, "the first of the backlog")
        for number in range(20):
            deep.send(letter(f"{number}@fresh.example"))
            wait_for_states(deep, sent=number + 2)
    assert recipients(transport)[1:] == [f"{number}@fresh.example" for number in range(20)]


def test_a_deep_backlog_is_explained_without_counting_it(deep: Outbox) -> None:
    explained = deep.explain("slow.example")
    assert not explained.counted_all
    assert 10_000 < sum(explained.counts.values()) < DEEP
    assert len(explained.deliveries) == 20
    assert deep.explain("resting.example").counts == {"ready": 1000}
    assert deep.explain("resting.example").counted_all
    said = run_inside("outbox", "explain", "slow.example", "--db", deep.url)
    assert "More than 10000 wait or are under way; 20 of them are shown" in said.stdout


def test_many_slow_destinations_take_nobody_elses_room(clock: SteppedClock) -> None:
    slow = "".join(f'[domain."slow{number}.example"]\nrate = "100/min"\n' for number in range(20))
    transport = MemoryTransport()
    with Outbox("sqlite://", clock=clock) as outbox:
        for number in range(400):
            outbox.send(letter(f"{number}@slow{number % 20}.example"))
        with outbox.worker(transport, limits=own(slow), concurrency=2):
            sent_meanwhile(outbox, clock, 20)
            outbox.send(letter("fresh@b.example"))

            def there() -> bool | None:
                clock.advance(0.003)
                return "fresh@b.example" in recipients(transport) or None

            wait_until(there, "the fresh mail")
    assert len(recipients(transport)) < 200


def test_an_account_with_few_connections_is_kept_busy(clock: SteppedClock) -> None:
    """Nobody advances the clock: what follows a full hand is claimed because the hand is emptier, not because of it."""
    transport = MemoryTransport()
    with Outbox("sqlite://", clock=clock) as outbox:
        for number in range(100):
            outbox.send(letter(f"{number}@b.example"))
        with outbox.worker(transport, limits=own('[site."b.example"]\nconnections = 1\n')):
            wait_for_states(outbox, sent=100)


PLAN = '[[warm_up]]\nsender = "a.example"\nstart = 2023-11-14\nplan = [[1, 5], [2, 8]]\n'


def test_a_plan_of_five_a_day_across_a_restart(outbox: Outbox, clock: SteppedClock) -> None:
    assert START // DAY == 19675  # the 14th of November 2023
    transport = MemoryTransport()
    for number in range(3):
        outbox.send(letter(f"{number}@{number}.example"))
    with outbox.worker(transport, limits=own(PLAN)):
        sent_meanwhile(outbox, clock, 3)
    for number in range(3, 10):
        outbox.send(letter(f"{number}@{number}.example"))
    with outbox.worker(transport, limits=own(PLAN)):
        sent_meanwhile(outbox, clock, 5)
    assert len(transport.messages) == 5
    assert {entry.attempts for entry in outbox.find(state="ready")} == {0}
    clock.advance(DAY)
    with outbox.worker(transport, limits=own(PLAN)):
        sent_meanwhile(outbox, clock, 10)
    assert len(transport.messages) == 10


def test_a_sender_whose_day_is_used_up_stands_in_nobodys_way(outbox: Outbox, clock: SteppedClock) -> None:
    transport = MemoryTransport()
    with outbox.worker(transport, limits=own(PLAN)):
        for number in range(6):
            outbox.send(letter(f"{number}@b.example"))
        sent_meanwhile(outbox, clock, 5)
        late = letter("late@b.example")
        outbox.send(late)
        outbox.send(late.replace(from_="other@elsewhere.example", to=["other@b.example"]))
        sent_meanwhile(outbox, clock, 6)
    assert recipients(transport)[-1] == "other@b.example"


def test_what_was_put_off_goes_soon_after_its_limit_is_raised(outbox: Outbox, clock: SteppedClock) -> None:
    transport = MemoryTransport()
    with outbox.worker(transport, limits=own(PLAN)):
        for number in range(8):
            outbox.send(letter(f"{number}@b.example"))
        sent_meanwhile(outbox, clock, 5)
        wait_until(lambda: not outbox.stats().states["leased"] or None, "the others to be put off")
    clock.advance(PUT_OFF)
    assert clock.now() // DAY == START // DAY
    with outbox.worker(transport):
        sent_meanwhile(outbox, clock, 8)


def test_two_workers_keep_to_one_plan_together(server_database: str) -> None:
    clock = SteppedClock(START // DAY * DAY)  # the whole day is ahead
    first, second = MemoryTransport(), MemoryTransport()
    with Outbox(server_database, clock=clock) as here, Outbox(server_database, clock=clock) as there:
        for number in range(40):
            here.send(letter(f"{number}@{number}.example"))

        def all_sent() -> bool | None:
            """One may have taken a portion for which it has no mail: that goes when what the other put off is due."""
            clock.advance(PUT_OFF / 400)
            return here.stats().states["sent"] >= 5 or None

        with here.worker(first, limits=own(PLAN)), there.worker(second, limits=own(PLAN)):
            wait_until(all_sent, "the day's ceiling")
    assert clock.now() // DAY == START // DAY
    assert len(first.messages) + len(second.messages) == 5
