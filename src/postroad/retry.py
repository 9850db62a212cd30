"""When to try again: one pure schedule for the mailer and the outbox.

Exponential back-off with a little jitter. The jitter is ±15 %, not "full": a greylisting server that asked for five
minutes refuses a retry that full jitter put after one.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from postroad.chance import SYSTEM_CHANCE, Chance
from postroad.errors import Abandoned, PostroadError
from postroad.outcome import Outcome
from postroad.reply import Phase

JITTER: Final = 0.15  # fraction of the delay, to either side


@dataclass(frozen=True, slots=True)
class Schedule:
    """Delays in seconds after the first, second, … failed attempt; the last delay repeats if ``repeat``.

    ``max_attempts`` counts all tries, the first one included; ``max_age`` is in seconds since the first try was due.
    Either may be ``None`` for no bound, but a schedule that repeats needs one.
    """

    delays: tuple[float, ...]
    repeat: bool = False
    max_attempts: int | None = None
    max_age: float | None = None
    jitter: float = JITTER

    def __post_init__(self) -> None:
        if any(delay < 0 for delay in self.delays):
            raise ValueError("a retry delay is not negative")
        if not 0 <= self.jitter < 1:
            raise ValueError("jitter is a fraction from 0 to below 1")
        if self.repeat and self.max_attempts is None and self.max_age is None:
            raise ValueError("a schedule that repeats for ever needs max_attempts or max_age")

    def delay(self, attempts: int, age: float = 0.0, *, chance: Chance = SYSTEM_CHANCE) -> float | None:
        """Seconds to wait after ``attempts`` failed tries, ``age`` seconds after the first; ``None``: give up."""
        if self.max_attempts is not None and attempts >= self.max_attempts:
            return None
        if attempts > len(self.delays) and not self.repeat:
            return None
        if not self.delays:
            return None
        planned = self.delays[min(attempts, len(self.delays)) - 1]
        delay = planned * (1 + self.jitter * (2 * chance() - 1))
        if self.max_age is not None and age + delay > self.max_age:
            return None
        return delay


NO_RETRY: Final = Schedule(())


class Retry(Enum):
    """Instead of a schedule."""

    AS_SET = "as set when the mailer was made"


# One send() call waits a few seconds at the most: enough for a restarting server, never for greylisting (minutes).
WITHIN_CALL: Final = Schedule((0.5, 2.0))

_MINUTES = 60.0
_HOURS = 3600.0
_OUTBOX_DELAYS = (
    *(minutes * _MINUTES for minutes in (1, 5, 10, 20, 40, 80, 160)),
    4 * _HOURS,
)
TRANSACTIONAL: Final = Schedule(_OUTBOX_DELAYS, repeat=True, max_age=48 * _HOURS)
BULK: Final = Schedule(_OUTBOX_DELAYS, repeat=True, max_age=72 * _HOURS)


def may_retry(outcome: Outcome) -> bool:
    """Whether trying this recipient again can help and cannot double the mail.

    Retried: could not connect, dropped before the dot, 4yz replies. Never: 5yz replies, whatever went wrong while the
    password was asked for (accounts get locked by those who insist), certificates and TLS modes, a bad message, what
    the caller took back, and an unknown outcome.
    """
    return outcome.temporary and outcome.phase is not Phase.AUTH and not isinstance(outcome.error, Abandoned)


def wait_asked_for(error: PostroadError | None) -> float:
    """Seconds that the peer asked us to wait, 0 where it did not say."""
    if error is None or error.retry_after is None:
        return 0.0
    return max(0.0, error.retry_after)
