"""Chance, handed in: the only module that draws random numbers.

Jitter takes a ``Chance``, so that a test can fix it. Identifiers that must not be guessed come from the operating
system's generator and need no such door.
"""

from collections.abc import Callable
from typing import TypeAlias

Chance: TypeAlias = Callable[[], float]
"""Returns a number in [0, 1)."""


def SYSTEM_CHANCE() -> float:  # noqa: N802 - stands beside SYSTEM_CLOCK
    """The machine's dice."""
    from random import random  # late: it loads hashlib, and most programs never wait

    return random()
