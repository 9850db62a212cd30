"""Warm-up: a new source address or sender domain starts with few messages a day, and may send more as days go by.

Receivers give a sender that they do not know little credit; what is over a day's ceiling stays queued. Pure.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from postroad.errors import ConfigurationError
from postroad.outbox.shaping.limits import Scope

MAX_DAYS: Final = 366  # of a plan; the usual ones take 4 to 7 weeks

DAY: Final = 86_400  # seconds; days are those of UTC


@dataclass(frozen=True, slots=True)
class WarmUp:
    """A plan for one source address (``scope`` source) or one domain of senders (``scope`` sender).

    ``steps`` are pairs of a day, counted from 1 on ``start``, and the ceiling in messages from that day on. The day
    after ``last_day`` (by default that of the last step) it is over, and nothing is limited any more.

    Raises:
        ConfigurationError: days do not rise from 1, or a ceiling is below 1 or falls.
    """

    scope: Scope
    key: str
    start: date
    steps: tuple[tuple[int, int], ...]
    last_day: int = 0

    def __post_init__(self) -> None:
        name = f"warm-up of {self.key}"
        if self.scope not in (Scope.SOURCE, Scope.SENDER):
            raise ConfigurationError(f"{name}: a plan is for a source or a sender, not a {self.scope}", setting="scope")
        if not self.steps or self.steps[0][0] != 1:
            raise ConfigurationError(f"{name}: the plan begins with day 1", setting="plan")
        for (day, ceiling), (next_day, next_ceiling) in zip(self.steps, self.steps[1:], strict=False):
            if next_day <= day or next_ceiling < ceiling:
                raise ConfigurationError(
                    f"{name}: after day {day} with {ceiling} comes day {next_day} with {next_ceiling}; both only rise",
                    setting="plan",
                )
        if self.steps[0][1] < 1:
            raise ConfigurationError(f"{name}: the ceiling of day 1 is below 1", setting="plan")
        if not self.steps[-1][0] <= (self.last_day or self.steps[-1][0]) <= MAX_DAYS:
            raise ConfigurationError(
                f"{name}: its last day is from {self.steps[-1][0]} to {MAX_DAYS}", setting="last_day"
            )

    def day(self, now: float) -> int:
        """The day of the plan that this moment (seconds since the epoch) falls into; 0 and below: not begun."""
        return day_of(now) - (self.start - _EPOCH).days + 1

    def ceiling(self, now: float) -> int | None:
        """How many messages the day of this moment allows; ``None``: the plan is over. Before it has begun, none."""
        day = self.day(now)
        if day < 1:
            return 0
        if day > (self.last_day or self.steps[-1][0]):
            return None
        return next(ceiling for first, ceiling in reversed(self.steps) if first <= day)


def day_of(now: float) -> int:
    """The day of UTC that this moment falls into, counted from the epoch."""
    return int(now // DAY)


_EPOCH: Final = date(1970, 1, 1)
