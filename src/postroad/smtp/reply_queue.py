"""Replies on their way out, in the order of the commands, although some become known later than others."""

from collections import deque
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from postroad.reply import EnhancedCode, Reply
from postroad.smtp.replies import render

_rendered: Final = lru_cache(maxsize=256)(render)  # a server says the same few things all day


def with_enhanced_code(reply: Reply) -> Reply:
    """RFC 2034 §4: every 2yz, 4yz and 5yz has one; x.0.0 says nothing more than the code."""
    if reply.enhanced is not None:
        return reply
    return replace(reply, enhanced=EnhancedCode(reply.code // 100, 0, 0))


def octets_of(reply: Reply, *, utf8: bool) -> bytes:
    """The reply's octets; in ASCII but for a client that has asked for ``utf8`` (RFC 6531 §3.5).

    Raises:
        ValueError: see ``replies.render``.
    """
    octets = _rendered(reply)
    return octets if utf8 or octets.isascii() else octets.decode().encode("ascii", "replace")


@dataclass(slots=True, eq=False)
class Place:
    """Where a reply will stand."""

    wire: bytes | None = None


class ReplyQueue:
    """RFC 2920 §3.2: replies go out in the order of their commands."""

    __slots__ = ("_held", "_places", "_ready")

    def __init__(self) -> None:
        self._ready = bytearray()
        self._places: deque[Place] = deque()  # from the first reply that is not known yet
        self._held = 0  # octets in these places

    @property
    def octets(self) -> int:
        """How much is known."""
        return len(self._ready) + self._held

    @property
    def ready(self) -> int:
        """How much of it may be written now."""
        return len(self._ready)

    def say(self, wire: bytes) -> None:
        """The reply to the latest command."""
        if self._places:
            self._places.append(Place(wire))
            self._held += len(wire)
        else:
            self._ready += wire

    def reserve(self) -> Place:
        """A place for a reply that comes later."""
        place = Place()
        self._places.append(place)
        return place

    def fill(self, place: Place, wire: bytes) -> None:
        """The reply for that place; it goes out with those behind it as soon as those before it are there."""
        place.wire = wire
        self._held += len(wire)
        while self._places and (known := self._places[0].wire) is not None:
            self._ready += known
            self._held -= len(known)
            self._places.popleft()

    def take(self) -> bytes:
        """What may be written now."""
        wire = bytes(self._ready)
        self._ready.clear()
        return wire
