"""Chance, handed in: the only module that draws random numbers.

Jitter takes a ``Chance``, so that a test can fix it. Identifiers that must not be guessed come from the operating
system's generator and need no such door.
"""

import random
from collections.abc import Callable

Chance = Callable[[], float]
"""Returns a number in [0, 1)."""

SYSTEM_CHANCE: Chance = random.random
