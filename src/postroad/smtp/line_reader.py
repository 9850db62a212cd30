"""Command lines out of whatever pieces the wire delivers (RFC 5321 §2.3.8: only CRLF ends a line)."""


class LineTooLong(Exception):
    """A line is longer than allowed; it has been skipped."""


class BareLineEnd(Exception):
    """A CR or LF stands alone. Others may have read one line here or two: nothing behind it can be believed."""


class LineReader:
    """A buffer with a reading position, so that many short lines in one piece cost one copy each."""

    __slots__ = ("_buffer", "_position", "_skipping")

    def __init__(self) -> None:
        self._buffer = b""
        self._position = 0
        self._skipping = False  # the rest of a line that is too long

    @property
    def buffered(self) -> int:
        """Octets that have not been read."""
        return len(self._buffer) - self._position

    def feed(self, data: bytes) -> None:
        self._buffer = self._buffer[self._position :] + data if self._buffer else data
        self._position = 0

    def line(self, longest: int) -> bytes | None:
        """The next line without its end, ``None`` until it is complete. ``longest`` is in octets with CRLF.

        Raises:
            LineTooLong: once, when its end has come.
            BareLineEnd: see there.
        """
        if not self._buffer:
            return None
        end = self._buffer.find(b"\n", self._position) + 1
        if not end:
            self._skipping |= self.buffered > longest
            if self._skipping:
                self.clear()
            return None
        line = self._buffer[self._position : end]
        self._position = end
        if end == len(self._buffer):
            self.clear()
        if self._skipping or len(line) > longest:
            self._skipping = False
            raise LineTooLong
        if not line.endswith(b"\r\n") or line.find(b"\r") != len(line) - 2:
            raise BareLineEnd
        return line[:-2]

    def take(self) -> bytes:
        """All octets that have not been read, which are no lines any more."""
        rest = self._buffer[self._position :] if self._position else self._buffer
        self.clear()
        return rest

    def clear(self) -> None:
        """Forget what has not been read."""
        self._buffer, self._position = b"", 0
