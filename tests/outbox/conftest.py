"""An outbox in each kind of database, whose time stands still until the test sets it forward."""

from collections.abc import Iterator

import pytest

from postroad.outbox.blocking import Outbox
from tests.outbox.stepped_clock import SteppedClock


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def outbox(any_database: str, clock: SteppedClock) -> Iterator[Outbox]:
    with Outbox(any_database, clock=clock) as opened:
        yield opened
