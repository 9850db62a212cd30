"""Work that waits for somebody else's open transaction, beside work that does not.

Where an application writes mail in a transaction of its own, the idempotency keys in it are locked for as long as that
stays open. Whoever sends one of them again has to wait, and nobody else: so the writer waits for a moment only, and
tries the group again in halves, until it knows who it is. Those are tried again and again until their time is over.
"""

from collections import deque
from typing import Any, Final

from postroad.database.faults import sqlstate
from postroad.database.group import Item
from postroad.database.location import Location
from postroad.errors import DatabaseError

MOMENT: Final = 0.1  # seconds for a lock; a commit elsewhere, for which many wait, takes some hundredths
AGAIN_AFTER: Final = 0.2  # seconds between tries of one item; the others wait for it a third of the time at most
PATIENCE: Final = 10.0  # seconds until an item is given up; an application's transaction should take less

_LOCK_NOT_AVAILABLE: Final = "55P03"  # postgresql.org/docs/current/errcodes-appendix.html

Piece = list[Item[Any, Any]]


def waited_in_vain(fault: BaseException) -> bool:
    """Whether a lock was not to be had in time."""
    return sqlstate(fault) == _LOCK_NOT_AVAILABLE


class HeldUp:
    """The pieces of groups that are to be tried again. Times are by the monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[float, Piece]] = deque()
        self._served = False  # the last turn was theirs

    def put(self, group: Piece, now: float) -> bool:
        """Keep a group that was held up, if its time is not over."""
        since = [now if item.held_up_since is None else item.held_up_since for item in group]
        if now - min(since) >= PATIENCE:
            return False
        for item, first in zip(group, since, strict=True):
            item.held_up_since = first
        if len(group) == 1:
            self._pieces.append((now + AGAIN_AFTER, group))
        else:
            middle = len(group) // 2
            self._pieces.extendleft([(now, group[middle:]), (now, group[:middle])])
        return True

    def due_in(self, now: float) -> float | None:
        """Seconds until a piece is to be tried; ``None`` where there is none."""
        return max(0.0, self._pieces[0][0] - now) if self._pieces else None

    def next(self, now: float, *, others: bool) -> Piece | None:
        """A piece that is to be tried now; where others wait too, at every second turn."""
        if (self._served and others) or self.due_in(now) != 0:
            self._served = False
            return None
        self._served = True
        return self._pieces.popleft()[1]


def given_up(location: Location) -> DatabaseError:
    """What to say to those whose time is over."""
    return DatabaseError(
        f"{location.name}: somebody else's transaction has stayed open for {PATIENCE:.0f} s; nothing was written",
        advice="Look for what was sent with the same idempotency key through a connection of the application: "
        "its transaction has to be committed or rolled back.",
    )
