"""Words by which a mail shows what kind it is, in the languages of the servers that write it."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

_REPLY_PREFIXES: Final = ("re:", "fw:", "fwd:", "aw:", "wg:", "tr:", "rv:", "sv:", "vs:", "antw:", "odp:", "ha:")
_MARKS: Final = re.compile(r"(?:(?:\[[^\]]{0,80}\]|\{[^}]{0,80}\}|\*+[^*]{1,80}\*+)\s*)+")  # [EXTERNAL], ***SPAM***


@cache
def notice_words() -> Mapping[str, tuple[str, ...]]:
    """The lists of ``notice_words.toml``, read once."""
    text = (files("postroad.reports") / "notice_words.toml").read_text(encoding="utf-8")
    return {name: tuple(dict.fromkeys(words)) for name, words in tomllib.loads(text).items()}


def begins_like(subject: str, beginnings: tuple[str, ...]) -> bool:
    """Whether a subject begins with one of them, whatever stands in brackets before it."""
    text = " ".join(subject[:500].lower().replace("\u2019", "'").split())
    return _MARKS.sub("", text).startswith(beginnings)


def is_reply(subject: str) -> bool:
    """Whether a person's program put an answer's prefix before the subject."""
    return subject.lower().lstrip().startswith(_REPLY_PREFIXES)
