"""What goes wrong at a server, drawn by seeded chance: at which point of a conversation, and how."""

import random  # noqa: TID251 - seeded, so that what went wrong goes wrong again
from enum import Enum, auto

PATIENCE = 0.4  # seconds that the client of the soak waits for any answer
LATE = (0.001, 0.02)  # seconds: late, and within its patience
TOO_LATE = PATIENCE * 1.5  # seconds: the answer comes when nobody can be waiting for it any more


class Misfortune(Enum):
    """How a server behaves badly instead of answering, or beside it."""

    HANG_UP = auto()
    RESET = auto()  # the connection is torn down: the client's next read or write fails
    CLOSING = auto()  # 421 instead of the answer, then the end (RFC 5321 §3.8)
    CLOSING_WITHOUT_END = auto()  # 421 instead of the answer, and the connection stays open
    LATE_ANSWER = auto()
    ANSWER_TOO_LATE = auto()
    HALF_ANSWER = auto()  # then the end
    GARBAGE = auto()


_AT_AN_ANSWER = (
    (Misfortune.HANG_UP, 4),
    (Misfortune.RESET, 2),
    (Misfortune.CLOSING, 4),
    (Misfortune.CLOSING_WITHOUT_END, 1),
    (Misfortune.LATE_ANSWER, 12),
    (Misfortune.ANSWER_TOO_LATE, 1),
    (Misfortune.HALF_ANSWER, 2),
    (Misfortune.GARBAGE, 1),
)
_IDLE_IN_PEACE = 0.4
_WHILE_IDLE = (
    (Misfortune.CLOSING, 25),
    (Misfortune.HANG_UP, 15),
    (Misfortune.CLOSING_WITHOUT_END, 10),
    (Misfortune.GARBAGE, 10),
)
# How many answers of a thousand are none, or come late; the others are as common as MAIL.
_PER_THOUSAND = {"GREETING": 20, "EHLO": 10, "DATA": 6, "CONTENT": 8, "DOT": 12, "AFTER": 8}
_PER_THOUSAND_ELSEWHERE = 5


class Fate:
    """What happens to one session. The same seed and number give the same draws."""

    def __init__(self, seed: int, session: int) -> None:
        self._random = random.Random(f"{seed}/{session}")
        self.pipelining = self.happens(0.8)
        self.chunking = self.happens(0.4)
        self.most_recipients = self._random.choice((None, None, None, 2, 3))  # RFC 9422's RCPTMAX, where one is told

    def happens(self, chance: float) -> bool:
        return self._random.random() < chance

    def between(self, least: float, most: float) -> float:
        return self._random.uniform(least, most)

    def misfortune(self, point: str) -> Misfortune | None:
        """What goes wrong with the answer at this point, mostly nothing."""
        if not self.happens(_PER_THOUSAND.get(point, _PER_THOUSAND_ELSEWHERE) / 1000):
            return None
        return self._one_of(_AT_AN_ANSWER)

    def while_idle(self) -> Misfortune | None:
        return None if self.happens(_IDLE_IN_PEACE) else self._one_of(_WHILE_IDLE)

    def _one_of(self, weighted: tuple[tuple[Misfortune, int], ...]) -> Misfortune:
        return self._random.choices([kind for kind, _ in weighted], [weight for _, weight in weighted])[0]

    def cuts(self, length: int) -> list[int]:
        """Where a write is cut into pieces: mostly nowhere, now and then at one to four odd places."""
        if length < 2 or not self.happens(0.15):
            return []
        return sorted({self._random.randrange(1, length) for _ in range(self._random.randint(1, 4))})

    def refusal(self) -> str | None:
        """A code and its enhanced code for a recipient that is not taken; mostly none."""
        if not self.happens(0.06):
            return None
        return self._random.choice(("550 5.1.1", "450 4.2.1", "451 4.3.0", "452 4.5.3", "553 5.1.3"))
