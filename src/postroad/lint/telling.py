"""What strangers wrote, told in a sentence: on one line, escaped, and not without end."""

from collections.abc import Iterable


def shortened(text: str, most: int) -> str:
    """The text on one line, escaped where a terminal would obey it, and cut to this many characters."""
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return cut if cut.isprintable() else ascii(cut)[1:-1]


def listed(texts: Iterable[str], most: int) -> str:
    """The first of them, each once, and how many there are more."""
    each = list(dict.fromkeys(texts))
    more = f"; and {len(each) - most} more" if len(each) > most else ""
    return "; ".join(each[:most]) + more
