"""Domain names as mail authentication compares and asks for them: A-labels in lower case, without a final dot."""

import re
from typing import Final

MAX_OCTETS: Final = 253  # of a name in text, without the final dot (RFC 1035 §2.3.4 counts 255 with the lengths)
# Wider than a host name: underscores are part of the DNS (RFC 8552), and senders use them.
_LABEL: Final = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)


def domain_name(text: str) -> str | None:
    """The name in its one spelling; ``None`` if the text is none that the DNS could hold. U-labels become A-labels."""
    name = text.strip(" \t").removesuffix(".").lower()
    if not name.isascii():
        name = _a_labels(name) or ""
    return name if len(name) <= MAX_OCTETS and _NAME.fullmatch(name) else None


def is_within(name: str, ancestor: str) -> bool:
    """Whether ``name`` is ``ancestor`` or stands below it. Both are in their one spelling."""
    return name == ancestor or name.endswith(f".{ancestor}")


def _a_labels(name: str) -> str | None:
    if len(name) > MAX_OCTETS:  # before IDNA, which takes its time with what is far too long
        return None
    import idna  # loaded late: most names are ASCII, and its tables cost start-up time

    try:
        return idna.encode(name, uts46=True).decode("ascii").lower()  # RFC 5890 §2.3, RFC 5895
    except (idna.IDNAError, UnicodeError):
        return None
