"""Words by which a mail shows what kind it is, in the languages of the servers that write it."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

_REPLY_PREFIXES: Final = ("re:", "fw:", "fwd:", "aw:", "wg:", "tr:", "rv:", "sv:", "vs:", "antw:", "odp:", "ha:")
_MARKS: Final = re.compile(r"(?:(?:\[[^\]]{0,80}\]|\{[^}]{0,80}\}|\*+[^*]{1,80}\*+)\s*)+")  # [EXTERNAL], ***SPAM***
# What may be left of a label, of which the list has the stem, and the colon or the end behind it.
_LABEL_ENDS: Final = re.compile(r"\w{0,5}\s*(?:[:：]|$)")
# Servers write their languages with accents, without them, or lose them on the way: none is left to look at. Kana and
# Hangul keep their marks, which are letters of their own there.
_ACCENTS: Final = re.compile("[\u0300-\u036f]+")
_PLAIN: Final = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe", "\u2018": "'", "\u2019": "'", "`": "'",
     "\u201c": '"', "\u201d": '"', "\u00b4": "'"}
)  # fmt: skip


def folded(text: str) -> str:
    """A text as words are looked up in it: lower case, plain quotes, no accents, no wide or narrow forms."""
    if text.isascii():
        return text.lower().replace("`", "'")
    plain = text.lower().translate(_PLAIN)
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", plain))
    return unicodedata.normalize("NFC", bare)


@cache
def notice_words() -> Mapping[str, tuple[str, ...]]:
    """The lists of ``notice_words.toml``, read once, and folded."""
    text = (files("postroad.reports") / "notice_words.toml").read_text(encoding="utf-8")
    return {name: tuple(dict.fromkeys(map(folded, words))) for name, words in tomllib.loads(text).items()}


class Beginnings:
    """Texts with one of which another may begin. They are hundreds, and looked for by their first letters."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._length = min(map(len, texts))
        self._under: dict[str, tuple[str, ...]] = {}
        for text in texts:
            start = text[: self._length]
            self._under[start] = (*self._under.get(start, ()), text)

    def begin(self, text: str) -> bool:
        """Whether the text begins with one of them."""
        return text.startswith(self._under.get(text[: self._length], ()))


def begins_like(subject: str, beginnings: tuple[str, ...]) -> bool:
    """Whether a subject begins with one of them, whatever stands in brackets before it."""
    text = " ".join(folded(subject[:500]).split())
    return _MARKS.sub("", text).startswith(beginnings)


def labelled(subject: str, labels: tuple[str, ...]) -> bool:
    """Whether one of them is all of a subject, or stands before the rest of it with a colon."""
    text = _MARKS.sub("", " ".join(folded(subject[:500]).split()))
    return any(_LABEL_ENDS.match(text, len(label)) is not None for label in labels if text.startswith(label))


def is_reply(subject: str) -> bool:
    """Whether a person's program put an answer's prefix before the subject."""
    return subject.lower().lstrip().startswith(_REPLY_PREFIXES)
