"""Whose turn it is: smooth weighted round robin, as nginx does it. Pure, and without chance.

Each turn every candidate gains its weight; the one that has most goes, and pays what all have gained. With 5, 1, 1 that
is a a b a c a a: no bursts, and exact shares over a round. Those who cannot go gain nothing meanwhile.
"""

from collections.abc import Sequence


class SmoothWeights:
    """Turns among so many candidates as there are weights, which are whole numbers of at least 1."""

    def __init__(self, weights: Sequence[int]) -> None:
        self._weights = tuple(weights)
        self._gained = [0] * len(self._weights)

    def next(self, candidates: Sequence[int]) -> int:
        """The index whose turn it is among ``candidates``, of which there is at least one."""
        for index in candidates:
            self._gained[index] += self._weights[index]
        chosen = max(candidates, key=lambda index: (self._gained[index], -index))
        self._gained[chosen] -= sum(self._weights[index] for index in candidates)
        return chosen
