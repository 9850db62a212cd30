"""What is looked for in a reply's text: a regular expression of a kind that no text can keep busy. Pure.

Whoever answers us chooses the text, and Python's engine tries one way after the other. So the ways in which a pattern
may match are counted when it is read, and a pattern with too many is refused: repetitions in repetitions, several
``.*``, back references. What is left is plenty for replies.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

LOOKED_AT: Final = 2048  # characters of a reply's text; the longest real ones have some hundred
MAX_LENGTH: Final = 300  # characters of a pattern
MAX_WAYS: Final = 20_000  # in which a pattern may match from one place: one ``.*`` and three ``?``
_CLASSES: Final = "dDwWsSbB"
_CONTROLS: Final = "nrt"
_SPECIAL: Final = frozenset("\\.^$*+?{}[]|()")
_PLAIN: Final = re.compile(r"[^\\.^$*+?{}\[\]|()]+(?![*+?{])")  # nothing to count: one way
_PRIVATE: Final = 0xE000  # where Unicode's private use area begins
_ESCAPED: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
_HIDDEN: Final = re.compile("[\ue000-\ue0ff]")
_COUNT: Final = re.compile(r"\{(\d{1,4})(,(\d{0,4}))?\}")


@dataclass(frozen=True, slots=True)
class ReplyPattern:
    """A regular expression; case does not matter.

    Raises:
        ValueError: it is none, or has too many ways to match; the message says what to write instead.
    """

    source: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.source) <= MAX_LENGTH:
            raise ValueError(f"a pattern has 1 to {MAX_LENGTH} characters")
        _Ways(self.source).check()

    def compile(self) -> re.Pattern[str]:
        """The compiled expression; made at first use, because most rules of a worker are never asked for.

        Raises:
            ValueError: Python's engine does not take it.
        """
        return _compiled(self.source)

    def found_in(self, text: str) -> bool:
        """Whether it stands anywhere in the first part of this text."""
        return self.compile().search(text[:LOOKED_AT]) is not None

    @property
    def literals(self) -> tuple[str, ...] | None:
        """The texts that it stands for, in lower case, where it is a plain text or a choice between plain texts."""
        # An escaped sign stands apart from one that means something: as a character that nobody uses.
        plain = _ESCAPED.sub(lambda match: chr(_PRIVATE + ord(match[1])), self.source)
        if _SPECIAL.intersection(plain) - {"|"}:
            return None
        return tuple(_HIDDEN.sub(lambda match: chr(ord(match[0]) - _PRIVATE), one).lower() for one in plain.split("|"))

    def covers(self, other: "ReplyPattern") -> bool:
        """Whether this one surely matches wherever the other does; a no may mean that it cannot be told."""
        if self == other:
            return True
        mine, others = self.literals, other.literals
        return bool(mine and others) and all(any(one in text for one in mine or ()) for text in others or ())


@lru_cache(maxsize=512)
def _compiled(source: str) -> re.Pattern[str]:
    try:
        return re.compile(source, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as fault:
        raise ValueError(f"not a regular expression: {fault}") from fault


class _Ways:
    """Counts the ways in which a pattern may match from one place, from left to right.

    One character is one way; what follows each other multiplies, alternatives add up.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0

    def check(self) -> None:
        self._choice()
        if self._at < len(self._source):
            raise ValueError("a ) without its (; write \\) for the character")

    def _choice(self) -> int:
        ways = self._sequence()
        while self._take("|"):
            ways += self._sequence()
        return ways

    def _sequence(self) -> int:
        ways = 1
        while self._skip_plain() and self._source[self._at] not in "|)":
            ways *= self._repeated(self._atom())
            if ways > MAX_WAYS:
                raise ValueError(
                    "too many ways to match, which makes it slow; write .{0,40} for .* and \\d{1,9} for \\d+"
                )
        return ways

    def _skip_plain(self) -> bool:
        if plain := _PLAIN.match(self._source, self._at):
            self._at = plain.end()
        return self._at < len(self._source)

    def _atom(self) -> int:
        character = self._next()
        if character == "(":
            return self._group()
        if character == "[":
            self._class()
        elif character == "\\":
            self._escape()
        elif character in "*+?{":
            raise ValueError(f"nothing stands before {character} to repeat; write \\{character} for the character")
        return 1

    def _group(self) -> int:
        if self._take("?") and not self._take(":"):
            raise ValueError("of groups only (…) and (?:…) are known; case never matters")
        ways = self._choice()
        if not self._take(")"):
            raise ValueError("a ( without its ); write \\( for the character")
        return ways

    def _class(self) -> None:
        self._take("^")
        first = True
        while first or not self._take("]"):
            first = False
            character = self._next()
            if character == "\\":
                self._escape()
            elif character == "[" or (character in "&~|-" and self._source.startswith(character, self._at)):
                raise ValueError(f"{character} within […] is written \\{character}")  # may come to mean sets of sets

    def _escape(self) -> None:
        character = self._next()
        if character.isalnum() and character not in _CLASSES + _CONTROLS:
            raise ValueError(f"\\{character} is not known; of letters only \\d \\w \\s \\b and their capitals are")

    def _repeated(self, ways: int) -> int:
        fewest, most = self._quantifier()
        if most == fewest:
            return _power(ways, most)
        if ways > 1 and most > 1:
            raise ValueError("a repetition of what may itself match in several ways; write […] for single characters")
        return 1 + ways if most == 1 else most - fewest + 1

    def _quantifier(self) -> tuple[int, int]:
        fewest, most = 1, 1
        if self._take("*"):
            fewest, most = 0, LOOKED_AT
        elif self._take("+"):
            fewest, most = 1, LOOKED_AT
        elif self._take("?"):
            fewest, most = 0, 1
        elif self._source[self._at : self._at + 1] == "{":
            fewest, most = self._counted()
        else:
            return fewest, most
        if not self._take("?"):  # lazy or possessive: no more ways
            self._take("+")
        return fewest, most

    def _counted(self) -> tuple[int, int]:
        match = _COUNT.match(self._source, self._at)
        if match is None:
            raise ValueError("{ does not begin a count such as {2} or {0,40}; write \\{ for the character")
        self._at = match.end()
        fewest = int(match[1])
        most = fewest if match[2] is None else int(match[3] or LOOKED_AT)
        if not fewest <= most:
            raise ValueError(f"{match[0]} counts downwards")
        return fewest, min(most, LOOKED_AT)

    def _next(self) -> str:
        if self._at >= len(self._source):
            raise ValueError("it ends too early, behind a [ or a backslash")
        self._at += 1
        return self._source[self._at - 1]

    def _take(self, wanted: str) -> bool:
        if self._source.startswith(wanted, self._at):
            self._at += 1
            return True
        return False


def _power(ways: int, times: int) -> int:
    if ways == 1:
        return 1
    return MAX_WAYS + 1 if times > 15 else ways**times
