"""Content as it comes in behind DATA: up to the final dot, its dots unstuffed (RFC 5321 §4.5.2).

Only CRLF ends a line and only ``<CRLF>.<CRLF>`` ends the content. Whatever else somebody might take for a line end,
a bare CR or a bare LF, makes the content refused as a whole: that is how a second message is smuggled into the first
past a server that reads more liberally (CVE-2023-51764, -51765, -51766).
"""

from enum import Flag, auto
from typing import Final

END: Final = b"\r\n.\r\n"


class Fault(Flag):
    """What is wrong with a content."""

    NONE = 0
    TOO_LARGE = auto()
    BARE_LF = auto()
    BARE_CR = auto()
    NUL = auto()
    LONG_LINE = auto()


class ContentReader:
    """Reads one content in whatever pieces it comes.

    Memory stays within ``max_octets`` and one piece; a faulty content is not kept but still read to its end, so that
    what follows it is not taken for commands. ``max_line`` counts octets with CRLF, the added dot not among them.
    """

    __slots__ = ("_begun", "_kept", "_line", "_max_line", "_max_octets", "_tail", "faults", "octets")

    def __init__(self, max_octets: int, max_line: int | None) -> None:
        self.octets = 0  # of the content so far
        self.faults = Fault.NONE
        self._max_octets = max_octets
        self._max_line = max_line
        self._kept: list[bytes] = []
        self._line = 0  # octets of the line that is not complete yet
        # The content begins at a line's start, as if a CRLF had come before; it is taken off the first piece again.
        self._tail = b"\r\n"
        self._begun = False

    def feed(self, data: bytes) -> bytes | None:
        """Add octets. When the content is complete: what came behind its end; until then ``None``."""
        raw = self._tail + data
        end = raw.find(END)
        if end >= 0:
            self._add(raw[: end + 2])
            return raw[end + len(END) :]
        cut = len(raw) - _held_back(raw)
        self._tail = raw[cut:]
        self._add(raw[:cut])
        return None

    def content(self) -> bytes:
        """The content, complete and without faults."""
        return self._kept[0] if len(self._kept) == 1 else b"".join(self._kept)

    def _add(self, raw: bytes) -> None:
        """Take octets that break no CRLF and no dot-stuffing off a line."""
        if not raw:
            return
        faults = _line_end_faults(raw)
        piece = raw.replace(b"\r\n.", b"\r\n")
        if not self._begun:
            self._begun, piece = True, piece[2:]
        self.octets += len(piece)
        if self.octets > self._max_octets:
            faults |= Fault.TOO_LARGE
        if self._max_line is not None and self._has_long_line(piece, self._max_line):
            faults |= Fault.LONG_LINE
        self._keep(piece, faults)

    def _keep(self, piece: bytes, faults: Fault) -> None:
        if faults:
            self.faults |= faults
        if self.faults:
            self._kept.clear()
        else:
            self._kept.append(piece)

    def _has_long_line(self, piece: bytes, longest: int) -> bool:
        """In leaps as long as a line may be, not line by line."""
        start = 0
        room = longest - self._line
        while start + room < len(piece):
            end = piece.rfind(b"\n", start, start + room)
            if end < 0:
                self._line = 0
                return True
            start, room = end + 1, longest
        last = piece.rfind(b"\n")
        self._line = len(piece) - last - 1 if last >= 0 else self._line + len(piece)
        return False


def _held_back(raw: bytes) -> int:
    """How many octets at the end may be the beginning of ``END``, and so must wait for more."""
    if raw[-1:] not in (b"\r", b"\n", b"."):
        return 0
    for size in range(len(END) - 1, 0, -1):
        if raw.endswith(END[:size]):
            return size
    return 0


def _line_end_faults(raw: bytes) -> Fault:
    faults = Fault.NONE
    lines = raw.count(b"\r\n")
    if raw.count(b"\n") != lines:
        faults |= Fault.BARE_LF
    if raw.count(b"\r") != lines:
        faults |= Fault.BARE_CR
    if b"\0" in raw:
        faults |= Fault.NUL
    return faults
