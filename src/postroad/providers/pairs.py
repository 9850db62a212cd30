"""Tags and metadata for providers whose tags are pairs of plain words: Amazon SES, Resend.

Metadata are pairs already; the tags are numbered: ``tag_1=welcome``, ``tag_2=spring``. Read back, they are what they
were.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from postroad.message.envelope import MailObject
from postroad.providers.contract import Provider, unsupported

MAX_PAIRS: Final = 50  # SES: message tags of a message
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")  # what both providers document
_TAG: Final = re.compile(r"tag_[1-9][0-9]?")


def pairs_of(provider: Provider, mail: MailObject) -> list[tuple[str, str]]:
    """Tags and metadata as pairs.

    Raises:
        Unsupported: a word is not plain, or there are too many.
    """
    plain = "takes letters, digits, _ and - only, up to 256 of them"
    for tag in mail.tags:
        if not _WORD.fullmatch(tag):
            raise unsupported(provider, plain, field="tags")
    for name, value in mail.metadata.items():
        if not _WORD.fullmatch(name) or not _WORD.fullmatch(value) or _TAG.fullmatch(name):
            raise unsupported(provider, plain, field=f"metadata[{name!r}]")
    pairs = [(f"tag_{number}", tag) for number, tag in enumerate(mail.tags, 1)] + list(mail.metadata.items())
    if len(pairs) > MAX_PAIRS:
        raise unsupported(provider, f"takes up to {MAX_PAIRS} tags and metadata together", field="metadata")
    return pairs


def unpaired(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """Tags and metadata as they were."""
    known = dict(pairs)
    tags = sorted((name for name in known if _TAG.fullmatch(name)), key=lambda name: int(name[4:]))
    return tuple(known.pop(name) for name in tags), known
