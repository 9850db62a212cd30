"""The database goes away and comes back while a worker delivers: nobody has to lend a hand."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from postroad.errors import DatabaseError
from postroad.outbox.blocking import Outbox
from postroad.outbox.supply import Supply
from postroad.outbox.worker import SURVEY_SHARED, TROUBLE
from postroad.transport.to_memory import MemoryTransport
from tests.outbox.letters import letter, wait_for_states
from tests.outbox.stepped_clock import SteppedClock
from tests.peers.waiting import wait_until


def failing_once(question: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    failed: list[bool] = []

    async def ask(*arguments: Any) -> Any:
        if not failed:
            failed.append(True)
            raise DatabaseError("the database is away")
        return await question(*arguments)

    return ask


@pytest.mark.parametrize("question", ["survey", "learn", "claim"])
def test_what_could_not_be_learnt_is_learnt_after_the_trouble(
    question: str, shared_database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, transport = SteppedClock(), MemoryTransport()
    monkeypatch.setattr(Supply, question, failing_once(getattr(Supply, question)))
    with Outbox(shared_database, clock=clock) as outbox, outbox.worker(transport):
        if question == "learn":  # which is asked when the first survey is over
            wait_until(lambda: clock._sleepers or None, "the worker to rest")
        outbox.send(letter())
        wait_until(lambda: "cannot be read now" in caplog.text or None, "the trouble")
        assert TROUBLE < SURVEY_SHARED
        clock.advance(TROUBLE)
        wait_for_states(outbox, sent=1)
    assert caplog.text.count("cannot be read now") == 1
