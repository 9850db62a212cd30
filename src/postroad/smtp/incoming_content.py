"""Content as it comes in, judged line by line: by DATA or by chunks, it must be what DATA can pass on.

Only CRLF ends a line (RFC 5321 §2.3.8). Whatever else somebody might take for a line end, a bare CR or a bare LF,
makes the content refused as a whole: that is how a second message is smuggled into the first past a server that reads
more liberally (CVE-2023-51764, -51765, -51766). It holds for chunks too, since they go on to others by DATA.
"""

import sys
from enum import Flag, auto
from typing import Final

CRLF: Final = b"\r\n"
# Octets of a line whose end has not come; more are taken without waiting for it. Twice what RFC 5321 lets a line have.
LINE_HELD: Final = 2048


class Fault(Flag):
    """What is wrong with a content."""

    NONE = 0
    TOO_LARGE = auto()
    BARE_LF = auto()
    BARE_CR = auto()
    NUL = auto()
    LONG_LINE = auto()


class IncomingContent:
    """Counts lines, judges and keeps them; how they come is known to those who inherit.

    Memory stays within ``max_octets`` and one piece: of a faulty content nothing is kept. ``max_line`` counts octets
    with CRLF, ``None`` is no limit.
    """

    __slots__ = ("_begun", "_faulty", "_kept", "_longest", "_max_octets", "_tail", "_taken", "faults")

    def __init__(self, max_octets: int, max_line: int | None) -> None:
        self.faults = Fault.NONE
        self._faulty = False
        self._max_octets = max_octets
        self._longest = sys.maxsize if max_line is None else max_line - len(CRLF)
        self._kept: list[bytes] = []
        self._taken = 0  # octets judged
        self._tail = b""  # of a line that has not ended
        self._begun = 0  # octets of that line which were taken already

    @property
    def octets(self) -> int:
        """Of the content so far."""
        return self._taken + len(self._tail)

    def content(self) -> bytes:
        """The content, complete and without faults."""
        return self._kept[0] if len(self._kept) == 1 else b"".join(self._kept)

    def _take(self, lines: list[bytes], piece: bytes) -> None:
        """Complete lines without their ends; ``piece`` is the same with them."""
        longest = max(map(len, lines))
        if self._begun:
            longest, self._begun = max(longest, self._begun + len(lines[0])), 0
        self._judge(b"".join(lines), longest)
        self._keep(piece)

    def _hold(self, tail: bytes) -> None:
        """The beginning of a line; it waits for its end, unless it is too long for that."""
        self._tail = tail
        if len(tail) > LINE_HELD:
            self._tail = tail[-1:] if tail.endswith(b"\r") else b""  # it may be the first half of a CRLF
            part = tail[: len(tail) - len(self._tail)]
            part = part if self._begun else self._line_start(part)
            self._begun += len(part)
            self._judge(part, self._begun)
            self._keep(part)

    def _line_start(self, part: bytes) -> bytes:
        """What a line that is taken before its end begins with."""
        return part

    def _judge(self, text: bytes, longest: int) -> None:
        """Octets whose line ends were taken off, so whatever looks like one is none."""
        if b"\n" in text:
            self._found(Fault.BARE_LF)
        if b"\r" in text:
            self._found(Fault.BARE_CR)
        if b"\0" in text:
            self._found(Fault.NUL)
        if longest > self._longest:
            self._found(Fault.LONG_LINE)

    def _keep(self, piece: bytes) -> None:
        self._taken += len(piece)
        if self._taken > self._max_octets:
            self._found(Fault.TOO_LARGE)
        if self._faulty:
            self._kept.clear()
        else:
            self._kept.append(piece)

    def _found(self, fault: Fault) -> None:
        self._faulty = True
        self.faults |= fault
