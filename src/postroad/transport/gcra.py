"""So many messages in so long, by the generic cell rate algorithm (ITU-T I.371, annex A). Pure.

The state is one number, the theoretical arrival time: when the next message would be due if all came evenly spaced. So
it is cheap to keep and easy to share. Unlike a counter that is reset each minute, it never lets twice the rate through
around a boundary.
"""

import math
import re
from dataclasses import dataclass
from typing import Final

from postroad.errors import ConfigurationError

UNITS: Final = {"s": 1.0, "min": 60.0, "h": 3600.0, "day": 86400.0}  # seconds
MAX_COUNT: Final = 10**9  # messages; more is no limit any more
_TEXT: Final = re.compile(r"([0-9]{1,10})/(s|min|h|day)")


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``messages`` in ``seconds``, evenly spaced but for ``burst``, which may go at once after a pause.

    In any window of ``seconds`` at most ``messages + burst - 1`` begin: with the default burst of 1 exactly what a
    provider allows.

    Raises:
        ConfigurationError: a number is not above zero.
    """

    messages: int
    seconds: float = 1.0
    burst: int = 1

    def __post_init__(self) -> None:
        for name in ("messages", "burst"):
            if not 1 <= getattr(self, name) <= MAX_COUNT:
                raise ConfigurationError(f"rate: {name} must be at least 1, not {getattr(self, name)}", setting="rate")
        if not 0 < self.seconds < math.inf:
            raise ConfigurationError(f"rate: seconds must be above 0, not {self.seconds}", setting="rate")

    @classmethod
    def read(cls, text: str, *, burst: int = 1) -> "Rate":
        """A rate as it is written: ``10/s``, ``100/min``, ``500/h``, ``10000/day``.

        Raises:
            ConfigurationError: it is none.
        """
        match = _TEXT.fullmatch(text)
        if match is None or int(match[1]) == 0:
            raise ConfigurationError(
                f"rate={text[:40]!a} is no rate",
                setting="rate",
                advice="Write it as 10/s, 100/min, 500/h or 10000/day.",
            )
        return cls(int(match[1]), UNITS[match[2]], burst)

    @property
    def interval(self) -> float:
        """Seconds from one message to the next, in the long run."""
        return self.seconds / self.messages

    def reserve(self, due: float, now: float) -> tuple[float, float]:
        """Seconds until the next message may go, and the state once it has been promised that it may.

        ``due`` is the state, minus infinity at first.
        """
        early = (self.burst - 1) * self.interval
        return max(0.0, due - early - now), max(due, now) + self.interval

    def __str__(self) -> str:
        unit = next((name for name, seconds in UNITS.items() if seconds == self.seconds), f"{self.seconds:g}s")
        return f"{self.messages}/{unit}"
