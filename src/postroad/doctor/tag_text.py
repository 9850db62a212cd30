"""Lists of ``tag=value; …`` written anew: with other values, without what does harm, everything else as it stood."""

import re
from collections.abc import Mapping
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")  # RFC 6376 §3.2
_NOTHING: Final = re.compile(r"[\x00-\x20\x7f]+")  # white space, folds and control characters


def retagged(text: str, changes: Mapping[str, str | None]) -> str:
    """The list with these tags changed, or taken away (``None``); new ones come last.

    What is no tag, and the second of two of one name, goes, and so does what no record may hold.
    """
    tags: dict[str, str | None] = {}
    for written in text.split(";"):
        name, equals, value = written.partition("=")
        if equals and _NAME.fullmatch(name.strip()) and value.isascii():
            tags.setdefault(name.strip(), _NOTHING.sub(" ", value).strip())
    present = {name.lower() for name in tags}
    kept = [(name, changes.get(name.lower(), value)) for name, value in tags.items()]
    new = [(name, value) for name, value in changes.items() if name not in present]
    # Readers of RFC 7489 §6.3 want the policy right behind the version.
    second = [one for one in new if one[0] == "p"]
    last = [one for one in new if one[0] != "p"]
    ordered = (*kept[:1], *second, *kept[1:], *last)
    return "; ".join(f"{name}={value}" for name, value in ordered if value is not None)
