"""UUIDs that sort by the time they were made (RFC 9562 §5.7)."""

from collections.abc import Callable

from postroad.chance import random_bytes

Octets = Callable[[int], bytes]
"""Returns that many octets that nobody can guess."""


def uuid7(now: float, octets: Octets = random_bytes) -> str:
    """A version 7 UUID in its text form; ``now`` is in seconds since the epoch."""
    chance = int.from_bytes(octets(10))
    return _text(now, 0x7 << 76 | (chance >> 68 & 0xFFF) << 64 | 0b10 << 62 | chance & 0x3FFF_FFFF_FFFF_FFFF)


def time_of_uuid7(text: str) -> float:
    """When a version 7 UUID was made, in seconds since the epoch."""
    return int(text.replace("-", "")[:12], 16) / 1000


def first_uuid7(now: float) -> str:
    """What sorts before every one that is made from then on, and behind all that were made before."""
    return _text(now, 0)


def _text(now: float, rest: int) -> str:
    milliseconds = max(0, int(now * 1000)) & 0xFFFF_FFFF_FFFF  # 48 bits: until the year 10889
    text = f"{milliseconds << 80 | rest:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
