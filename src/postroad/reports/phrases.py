"""Phrases by which the rules know what was said, and thousands of them looked for at once.

A phrase stands for words in a row; ``…`` in it for some others in between, ``{a|b}`` for either.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from postroad.reports.words import folded

_GAP: Final = "…"
_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_GRAM: Final = 4  # characters by which phrases are indexed
_SHORT_GRAM: Final = 2  # the same for shorter phrases, as Chinese has many
_WIDTH: Final = 80  # characters that a gap may have
_TRIES: Final = 20  # beginnings of a phrase that are followed; a refusal that says one more often is made to cost time

_Rest = tuple[tuple[str, ...], ...]  # behind each gap, one of several


@dataclass(frozen=True, slots=True)
class Phrase:
    """``start`` is looked for first; one of each of ``rest`` follows it, where the phrase has gaps."""

    start: str
    rest: _Rest

    @classmethod
    def of(cls, text: str) -> "list[Phrase]":
        """Read one from the file: as many as it has beginnings."""
        if any(_GAP in group for group in _BRACES.findall(text)):
            raise ValueError(f"{text}: no gap may stand within braces")
        start, *rest = [_alternatives(folded(piece)) for piece in text.split(_GAP)]
        return [cls(one, tuple(rest)) for one in start]

    def stands_in(self, words: str) -> bool:
        """Whether the words hold the phrase."""
        return any(_follow(self.rest, words, end) for end in _ends(self.start, words))


def _ends(start: str, words: str) -> Iterator[int]:
    """Where the beginning of a phrase ends, each time that it stands there."""
    position = -1
    for _ in range(_TRIES):
        position = words.find(start, position + 1)
        if position < 0:
            return
        yield position + len(start)


def _follow(rest: _Rest, words: str, position: int) -> bool:
    if not rest:
        return True
    for piece in rest[0]:
        found = words.find(piece, position, position + _WIDTH + len(piece))
        if found >= 0 and _follow(rest[1:], words, found + len(piece)):
            return True
    return False


def _alternatives(piece: str) -> tuple[str, ...]:
    """``{a|b} c`` is ``a c`` or ``b c``."""
    texts = [""]
    for number, part in enumerate(_BRACES.split(piece)):
        choices = part.split("|") if number % 2 else [part]
        texts = [text + choice for text in texts for choice in choices]
    return tuple(texts)


@dataclass(frozen=True, slots=True)
class _Beginning:
    """A beginning that phrases share: who says no more than that, and who goes on in which way."""

    start: str
    alone: frozenset[str]
    longer: tuple[tuple[str, _Rest], ...]

    def said_by(self, words: str) -> Iterable[str]:
        """The rules and providers one of whose phrases begins so, and stands in the words."""
        if self.start not in words:
            return ()
        ends = tuple(_ends(self.start, words)) if self.longer else ()
        going_on = {name for name, rest in self.longer if any(_follow(rest, words, end) for end in ends)}
        return self.alone | going_on


@dataclass(frozen=True, slots=True)
class PhraseIndex:
    """Thousands of phrases, each with the name of who says it, under four of their letters.

    ``_short`` are the keys with fewer letters that are in ASCII.
    """

    _beginnings: Mapping[str, Sequence[_Beginning]]
    _short: frozenset[str]

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, Phrase]]) -> "PhraseIndex":
        """The beginnings of all phrases, under those of their letters that the fewest others have."""
        by_start: dict[str, list[tuple[str, _Rest]]] = {}
        for name, phrase in pairs:
            by_start.setdefault(phrase.start, []).append((name, phrase.rest))
        count = Counter(gram for start in by_start for gram in _grams(start))
        found: dict[str, list[_Beginning]] = {}
        for start, said in by_start.items():
            alone = frozenset(name for name, rest in said if not rest)
            longer = tuple((name, rest) for name, rest in said if rest and name not in alone)
            found.setdefault(min(_grams(start), key=count.__getitem__), []).append(_Beginning(start, alone, longer))
        return cls(found, frozenset(gram for gram in found if len(gram) < _GRAM and gram.isascii()))

    def said_in(self, words: str) -> set[str]:
        """The names of those one of whose phrases is there. Of thousands, a refusal holds letters of a few."""
        grams = {words[position : position + _GRAM] for position in range(len(words) - _GRAM + 1)}
        if words.isascii():
            grams |= self._short  # few: looked for one by one
        else:
            grams |= {words[position : position + _SHORT_GRAM] for position in range(len(words) - 1)}
        said: set[str] = set()
        for gram in grams & self._beginnings.keys():
            for beginning in self._beginnings[gram]:
                said.update(beginning.said_by(words))
        return said


def _grams(start: str) -> list[str]:
    length = _GRAM if len(start) >= _GRAM else _SHORT_GRAM
    return [start[position : position + length] for position in range(len(start) - length + 1)]
