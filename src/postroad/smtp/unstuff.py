"""Content as it comes in behind DATA: up to the final dot, its dots unstuffed (RFC 5321 §4.5.2).

Only ``<CRLF>.<CRLF>`` ends it. A faulty content is still read to that end, so that what follows is not taken for
commands.
"""

from itertools import repeat
from typing import Final

from postroad.smtp.incoming_content import CRLF, IncomingContent

_DOT: Final = b"."


class DotContent(IncomingContent):
    """Reads one content in whatever pieces it comes; the added dots count as no octets."""

    __slots__ = ()

    def feed(self, data: bytes) -> bytes | None:
        """Add octets. When the content is complete: what came behind its end; until then ``None``."""
        raw = self._tail + data
        lines = raw.split(CRLF)
        tail = lines.pop()
        end = self._final_dot(lines)
        if end is None:
            self._take_stuffed(lines, raw[: len(raw) - len(tail)])
            self._hold(tail)
            return None
        behind = lines[end + 1 :]
        rest = sum(map(len, behind)) + len(behind) * len(CRLF) + len(tail)
        dot = len(raw) - rest - len(_DOT) - len(CRLF)
        self._tail = b""
        self._take_stuffed(lines[:end], raw[:dot])
        return raw[len(raw) - rest :]

    def _final_dot(self, lines: list[bytes]) -> int | None:
        try:
            return lines.index(_DOT, 1 if self._begun else 0)
        except ValueError:
            return None

    def _take_stuffed(self, lines: list[bytes], piece: bytes) -> None:
        if not lines:
            return
        if any(map(bytes.startswith, lines, repeat(_DOT))):
            first = lines[0] if self._begun else lines[0].removeprefix(_DOT)
            lines = [first, *(line.removeprefix(_DOT) for line in lines[1:])]
            piece = CRLF.join((*lines, b""))
        self._take(lines, piece)

    def _line_start(self, part: bytes) -> bytes:
        return part.removeprefix(_DOT)
