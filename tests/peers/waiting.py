"""The one place where a test looks again and again, for what another process does and no event tells."""

from collections.abc import Callable
from threading import Event
from time import perf_counter
from typing import TypeVar

Answer = TypeVar("Answer")

STEP = 0.005  # seconds between two looks: short beside the 30 ms that the quickest peer needs to start
PATIENCE = 120.0  # seconds before a wait fails: only ever reached when the peer is broken


def wait_until(look: Callable[[], Answer | None], what: str | Callable[[], str], patience: float = PATIENCE) -> Answer:
    """Call ``look`` until it returns something other than None, and return that.

    ``what`` may be a function, called in the end, that says what there is instead.

    Raises:
        TimeoutError: nothing came within ``patience`` seconds; names ``what`` was waited for.
    """
    deadline = perf_counter() + patience
    while (answer := look()) is None:
        if perf_counter() > deadline:
            raise TimeoutError(f"waited {patience:g} s in vain for {what if isinstance(what, str) else what()}")
        Event().wait(STEP)
    return answer
