"""How many connections at a time a destination can take, learnt from trouble with connections. Pure.

After Postfix's scheduler (SCHEDULER_README): each success lets one more in, each failed connection one fewer; when as
many have failed in a row as the window is wide, the destination is dead, and rests. Only connections count: what a
server that answers says of a message is no trouble with it.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

FIRST_REST: Final = 60.0  # seconds; doubled with each death in a row
LONGEST_REST: Final = 900.0  # seconds: an hour's outage costs at most a quarter of one more


@dataclass(frozen=True, slots=True)
class Window:
    """``size`` connections now, ``most`` of them ever; ``succeed`` and ``fail`` give the next."""

    size: float
    most: float
    failed: float = 0.0  # in a row, as shares of the window
    deaths: int = 0  # in a row
    since: float = -math.inf  # the last failure that counted

    def succeed(self) -> "Window":
        """A connection was made and served."""
        if not self.failed and not self.deaths and self.size >= self.most:
            return self
        return Window(min(self.most, self.size + 1 / max(1.0, self.size)), self.most, since=self.since)

    def fail(self, began: float, now: float) -> "Window":
        """A connection that ``began`` then could not be made, or broke before it served."""
        # Many that meet one trouble together are one failure; one in the future is of a clock that was set back.
        if began < self.since <= now:
            return self
        failed = self.failed + 1 / max(1.0, math.floor(self.size))
        return replace(self, size=max(1.0, self.size - 1), failed=failed, since=now)

    @property
    def dead(self) -> bool:
        """As many have failed in a row as there were let in."""
        return self.failed >= 1 or (self.failed > 0 and self.deaths > 0)

    @property
    def on_trial(self) -> bool:
        """It has died and nothing has come of it since: one connection is enough to find out."""
        return self.deaths > 0

    def bury(self) -> tuple["Window", float]:
        """The window after a death, and for how many seconds nobody goes there."""
        rest = min(LONGEST_REST, FIRST_REST * 2**self.deaths)
        return replace(self, failed=0.0, deaths=min(self.deaths + 1, 10)), rest
