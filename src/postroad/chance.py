"""Chance, handed in: the only module that draws random numbers.

Jitter takes a ``Chance``, so that a test can fix it. What must not be guessed is made of ``random_bytes``.
"""

import os
import threading
from collections.abc import Callable
from typing import Final, TypeAlias

Chance: TypeAlias = Callable[[], float]
"""Returns a number in [0, 1)."""


def SYSTEM_CHANCE() -> float:  # noqa: N802 - stands beside SYSTEM_CLOCK
    """The machine's dice."""
    from random import random  # late: it loads hashlib, and most programs never wait

    return random()


_BLOCK: Final = 4096  # octets asked for at once


class _Octets:
    """The operating system's generator, asked for a block at a time.

    Asking gives up the interpreter lock, and a busy process then waits for a turn of another thread to get it back:
    that was measured at 130 µs a message.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._block = b""
        self._given = 0

    def draw(self, count: int) -> bytes:
        with self._lock:
            if self._given + count > len(self._block):
                self._block, self._given = os.urandom(max(count, _BLOCK)), 0
            octets = self._block[self._given : self._given + count]
            self._given += count
        return octets


_octets = _Octets()


def random_bytes(count: int) -> bytes:
    """That many octets of the operating system's generator, given out once. Thread-safe and fork-safe."""
    return _octets.draw(count)


def _begin_anew() -> None:
    global _octets  # noqa: PLW0603 - the process has one generator
    _octets = _Octets()  # a forked child must not give out what its parent does


os.register_at_fork(after_in_child=_begin_anew)
