"""Replies on their way out, in the order of the commands, although some become known later than others."""

from collections import deque
from dataclasses import dataclass


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
