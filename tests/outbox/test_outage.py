"""The database goes away and comes back while a worker delivers: nobody has to lend a hand."""

import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from postroad.address import Address
from postroad.errors import DatabaseError, OutcomeUnknown
from postroad.outbox.blocking import Outbox
from postroad.outbox.lease import Lease
from postroad.outbox.settle import Settled, lost_sight
from postroad.outbox.stream import Stream, UncertainPolicy
from postroad.outbox.supply import Supply
from postroad.outbox.worker import SURVEY_SHARED, TROUBLE
from postroad.outcome import Outcome, Result
from postroad.reply import Phase
from postroad.transport.to_memory import MemoryTransport
from tests.fakes import START, middle
from tests.outbox.letters import letter, wait_for_states
from tests.outbox.stepped_clock import SteppedClock
from tests.outbox.test_queue import answered, job, land, leases, leave, one, put, take
from tests.peers.waiting import wait_until


def failing_once(question: Callable[..., Awaitable[Any]], trouble: threading.Event) -> Callable[..., Awaitable[Any]]:
    """The question, failing the first time that it is asked in trouble."""

    async def ask(*arguments: Any) -> Any:
        if trouble.is_set():
            trouble.clear()
            raise DatabaseError("the database is away")
        return await question(*arguments)

    return ask


@pytest.mark.parametrize("question", ["survey", "learn", "claim"])
def test_what_could_not_be_learnt_is_learnt_after_the_trouble(
    question: str, shared_database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, transport, trouble = SteppedClock(), MemoryTransport(), threading.Event()
    monkeypatch.setattr(Supply, question, failing_once(getattr(Supply, question), trouble))
    if question != "learn":  # which is asked when the first survey is over
        trouble.set()
    with Outbox(shared_database, clock=clock) as outbox, outbox.worker(transport):
        outbox.send(letter("ann@b.example"))
        if question == "learn":
            wait_for_states(outbox, sent=1)
            trouble.set()
            outbox.send(letter("bob@b.example"))
        wait_until(lambda: "cannot be read now" in caplog.text or None, "the trouble")
        assert TROUBLE < SURVEY_SHARED
        clock.advance(TROUBLE)
        wait_for_states(outbox, sent=2 if question == "learn" else 1)
    assert caplog.text.count("cannot be read now") == 1


@pytest.mark.parametrize("said", ["250 ok", "450 later", "550 no", None])
def test_a_result_that_is_written_again_is_one_attempt(any_database: str, said: str | None) -> None:
    """The answer to a commit may be lost, and what was committed is committed again."""
    with Outbox(any_database) as outbox:
        database = outbox._store.database
        (id_,) = put(database, job())
        (lease,) = leases(take(database))
        assert leave(database, lease)
        settled = unanswered(lease) if said is None else answered(lease, said)
        land(database, settled)
        before = one(database, id_)
        land(database, settled)
        assert one(database, id_) == before
        assert len(before.history) == 1


def unanswered(lease: Lease) -> Settled:
    """Under the policy that leaves it uncertain."""
    careful = Stream("careful", uncertain=UncertainPolicy.HOLD)
    outcome = Outcome(Address(lease.recipient), Result.UNKNOWN, Phase.DOT, None, OutcomeUnknown("?", phase=Phase.DOT))
    return Settled(lease, lost_sight(lease, careful, START, middle), outcome)
