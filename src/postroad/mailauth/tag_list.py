"""The lists of ``tag=value; …`` that signatures, key records and policies are written in (RFC 6376 §3.2)."""

import re
from typing import Final

MAX_OCTETS: Final = 65_536  # of a list; a signature over 100 fields with an RSA-4096 key has 3,000
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_FWS: Final = " \t\r\n"
# tval, and the white space between two of them; what is above ASCII is allowed by RFC 8616 §3.
_NO_VALUE: Final = re.compile(r"[^!-:<-~\u0080-\U0010ffff \t\r\n]")


class MalformedTagList(ValueError):
    """This is no tag list; the text says where it stops being one."""


def read_tags(octets: bytes) -> dict[str, str]:
    """The tags in their order; names are case-sensitive, values without the white space around them, folds and all.

    Raises:
        MalformedTagList: not UTF-8, a tag without name or ``=``, one that stands there twice, or too long a list.
    """
    if len(octets) > MAX_OCTETS:
        raise MalformedTagList(f"more than {MAX_OCTETS} octets")
    try:
        specs = octets.decode().split(";")
    except UnicodeDecodeError:
        raise MalformedTagList("octets that are not UTF-8") from None
    if len(specs) > 1 and not specs[-1].strip(_FWS):
        specs.pop()  # the list may end with a semicolon
    tags: dict[str, str] = {}
    for spec in specs:
        name, value = _tag(spec)
        if name in tags:
            raise MalformedTagList(f"the tag {name}= stands there twice")
        tags[name] = value
    return tags


def _tag(spec: str) -> tuple[str, str]:
    name, equals, value = spec.partition("=")
    name, value = name.strip(_FWS), value.strip(_FWS)
    if not equals:
        raise MalformedTagList(f"{_excerpt(spec)} is not written tag=value")
    if not _NAME.match(name):
        raise MalformedTagList(f"{_excerpt(name)} is no name of a tag")
    if found := _NO_VALUE.search(value):
        raise MalformedTagList(f"the tag {name}= holds {found.group()!r}")
    return name, value


def _excerpt(text: str) -> str:
    text = text.strip(_FWS)
    return ascii(text if len(text) <= 20 else text[:20] + "…")


def without_white_space(value: str) -> str:
    """The value of a tag that ignores white space inside, as base64 does (RFC 6376 §3.5, b=)."""
    return "".join(value.split())


_SIGNATURE: Final = re.compile(rb"((?:\A|;)[ \t\r\n]*+b[ \t\r\n]*+=)[^;]*+")


def without_signature(raw: bytes) -> bytes:
    """A whole signature field whose ``b=`` has no value, the white space around it gone too (RFC 6376 §3.7)."""
    name, colon, value = raw.partition(b":")
    emptied, count = _SIGNATURE.subn(rb"\1", value, count=1)
    ended = b"" if not count or emptied.endswith(b"\r\n") or not raw.endswith(b"\r\n") else b"\r\n"
    return name + colon + emptied + ended
