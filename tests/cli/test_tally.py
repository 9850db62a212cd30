"""The worker's progress: what counts, and what does not because it was not tried."""

import pytest

from postroad.address import Address
from postroad.cli.tally import Tally
from postroad.errors import Abandoned, AuthenticationError, ConnectError, OutcomeUnknown, PostroadError
from postroad.outcome import Outcome, Result, SendReport, failed
from postroad.reply import Phase

ANN = Address("ann@example.com")


@pytest.mark.parametrize(
    "fault", [Abandoned("the worker was stopped", phase=Phase.DATA), AuthenticationError("535 No")]
)
def test_who_is_back_in_the_queue_untouched_is_not_counted(fault: PostroadError) -> None:
    tally = Tally()
    tally.add(failed((ANN,), fault))
    assert tally == Tally()


def test_who_was_tried_is_counted() -> None:
    tally = Tally()
    tally.add(failed((ANN,), ConnectError("nobody answers", phase=Phase.CONNECT)))
    tally.add(SendReport((Outcome(ANN, Result.ACCEPTED, Phase.DOT),)))
    unknown = OutcomeUnknown("no answer", phase=Phase.DOT)
    tally.add(SendReport((Outcome(ANN, Result.UNKNOWN, Phase.DOT, None, unknown),)))
    assert tally == Tally(sent=1, deferred=1, unknown=1)
