"""Phrases by which the rules know what was said, and thousands of them looked for at once.

A phrase stands for words in a row; ``…`` in it for some others in between, ``{a|b}`` for either.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from postroad.reports.words import folded

_GAP: Final = "…"
_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_GRAM: Final = 4  # characters by which phrases are indexed
_SHORT_GRAM: Final = 2  # the same for shorter phrases, as Chinese has many
_WIDTH: Final = 80  # characters that a gap may have
_KEPT: Final = 4_096  # refusals whose phrases are remembered; a campaign meets the same few again and again
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

    def pieces(self) -> Iterator[str]:
        """What it may say, piece by piece."""
        yield self.start
        for group in self.rest:
            yield from group

    def stands_in(self, words: str) -> bool:
        """Whether the words hold the phrase."""
        if not self.rest:
            return self.start in words
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


class PhraseIndex:
    """Thousands of phrases, each with the name of who says it, under four of their letters."""

    def __init__(self, pairs: Iterable[tuple[str, Phrase]]) -> None:
        speakers: dict[Phrase, set[str]] = {}
        for name, phrase in pairs:
            speakers.setdefault(phrase, set()).add(name)
        shared = Counter(gram for phrase in speakers for piece in phrase.pieces() for gram in set(_grams(piece)))
        self._under: dict[str, list[tuple[Phrase, set[str]]]] = {}
        for phrase, names in speakers.items():
            for gram in _rarest(phrase, shared):
                self._under.setdefault(gram, []).append((phrase, names))
        # Those with fewer letters that are in ASCII are few: they are looked for one by one.
        self._short = frozenset(gram for gram in self._under if _is_short(gram))
        self.said_in = lru_cache(maxsize=_KEPT)(self._said_in)

    def _said_in(self, words: str) -> frozenset[str]:
        """The names of those one of whose phrases is there. Of thousands, a refusal holds letters of a few."""
        grams = {words[position : position + _GRAM] for position in range(len(words) - _GRAM + 1)}
        if words.isascii():
            grams |= self._short
        else:
            grams |= {words[position : position + _SHORT_GRAM] for position in range(len(words) - 1)}
        said: set[str] = set()
        for gram in grams & self._under.keys():
            for phrase, names in self._under[gram]:
                if phrase.start in words and phrase.stands_in(words):
                    said |= names
        return frozenset(said)


def _rarest(phrase: Phrase, shared: Mapping[str, int]) -> set[str]:
    """Letters without which the phrase is not there: of the piece of which the fewest others have the like, and of each
    of its alternatives."""

    def rarity(gram: str) -> tuple[bool, int]:
        return _is_short(gram), shared[gram]

    def worth(grams: set[str]) -> tuple[bool, int]:
        return any(map(_is_short, grams)), sum(shared[gram] for gram in grams)

    wholes = [[phrase.start], *([*group] for group in phrase.rest if min(map(len, group)) >= _SHORT_GRAM)]
    return min(({min(_grams(piece), key=rarity) for piece in group} for group in wholes), key=worth)


def _is_short(gram: str) -> bool:
    return len(gram) < _GRAM and gram.isascii()


def _grams(piece: str) -> list[str]:
    length = _GRAM if len(piece) >= _GRAM else _SHORT_GRAM
    return [piece[position : position + length] for position in range(len(piece) - length + 1)]
