"""Replies, read from the wire and written to it (RFC 5321 §4.2)."""

import re
from functools import lru_cache
from typing import Final

from postroad.errors import ProtocolError
from postroad.reply import Code, EnhancedCode, Reply

# RFC 5321 §4.5.3.1.5: 512 octets a line with its end. Real servers write longer ones (texts with URLs): four times.
MAX_LINE_OCTETS: Final = 2048
# No limit in the RFC: an EHLO of fifty extensions is 4 KiB; beyond this a peer only means to fill our memory.
MAX_REPLY_OCTETS: Final = 64 * 1024

_TOO_LONG: Final = f"a reply line is longer than {MAX_LINE_OCTETS} octets"
_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f]")
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?: |$)")


class ReplyReader:
    """Turns any chunking of a server's bytes into replies.

    ``feed`` returns the replies that became complete. When the peer breaks the grammar or a limit, ``fault`` says how,
    after the replies before it were returned; nothing is read behind it.
    """

    __slots__ = ("_buffer", "_lines", "_size", "fault")

    def __init__(self) -> None:
        self._buffer = b""  # an incomplete line
        self._lines: list[bytes] = []  # complete lines of an incomplete reply
        self._size = 0
        self.fault: ProtocolError | None = None

    @property
    def pending(self) -> bool:
        """Part of a reply has been read."""
        return bool(self._buffer or self._lines)

    def feed(self, data: bytes) -> list[Reply]:
        """Add bytes; return the replies that are complete now, and see whether ``fault`` is set."""
        if self.fault is not None:
            return []
        data = self._buffer + data
        *lines, self._buffer = data.split(b"\n")
        if not self._lines and len(data) <= MAX_LINE_OCTETS:  # so that no line is too long
            try:
                return [*map(_of_one_line, lines)]  # nearly always
            except ProtocolError:
                pass
        return self._add_all(lines)

    def _add_all(self, lines: list[bytes]) -> list[Reply]:
        replies: list[Reply] = []
        try:
            for line in lines:
                reply = self._add(_without_end(line))
                if reply is not None:
                    replies.append(reply)
            if len(self._buffer) > MAX_LINE_OCTETS + 1:  # the one may be the CR of its end
                raise ProtocolError(_TOO_LONG)
        except ProtocolError as fault:
            self.fault = fault
        return replies

    def _add(self, line: bytes) -> Reply | None:
        if len(line) > MAX_LINE_OCTETS:
            raise ProtocolError(_TOO_LONG)
        self._size += len(line)
        if self._size > MAX_REPLY_OCTETS:
            raise ProtocolError(f"a reply is longer than {MAX_REPLY_OCTETS} octets")
        self._lines.append(line)
        if self._lines[0][:3] != line[:3]:
            # RFC 5321 §4.2.1: every line of a reply has the same code.
            raise ProtocolError(f"the lines of one reply disagree: {_shown(self._lines[0])}, then {_shown(line)}")
        if line[3:4] == b"-":
            _match(line)
            return None
        lines, self._lines, self._size = self._lines, [], 0
        return _reply(lines)


@lru_cache(maxsize=256)  # a busy connection gets the same few one-line replies for ever
def _of_one_line(line: bytes) -> Reply:
    if line[3:4] == b"-":
        raise ProtocolError("not all of a reply")
    return _reply([_without_end(line)])


def _without_end(line: bytes) -> bytes:
    return line.removesuffix(b"\r")  # a bare LF ends a line too: old servers, no ambiguity


def _reply(lines: list[bytes]) -> Reply:
    matches = [_match(line) for line in lines]
    code = Code(matches[0].group(1))
    texts = tuple((match.group(3) or b"").decode("utf-8", "backslashreplace") for match in matches)
    return Reply(code, texts, enhanced_of(code, texts[0]))


def _match(line: bytes) -> re.Match[bytes]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ProtocolError(f"not an SMTP reply: {_shown(line)}")
    return match


def enhanced_of(code: int, text: str) -> EnhancedCode | None:
    """The enhanced status code at the start of a reply's text (RFC 2034 §4): its class is the code's first digit."""
    match = _ENHANCED.match(text)
    if match is None or int(match.group(1)) != code // 100:
        return None
    return EnhancedCode(*map(int, match.groups()))


def from_text(text: str) -> Reply:
    """A reply of one line from its text: ``"550 5.1.1 No such mailbox"``.

    Raises:
        ValueError: the text does not begin with a reply code.
    """
    match = _LINE.fullmatch(text.encode())
    if match is None or match.group(2) != b" ":
        raise ValueError(f"not a reply of one line: {text!r}")
    code, words = Code(text[:3]), text[4:]
    enhanced = enhanced_of(code, words)
    return Reply(code, (words.removeprefix(f"{enhanced}").lstrip() if enhanced else words,), enhanced)


def _shown(line: bytes) -> str:
    return repr(line[:80].decode("ascii", "backslashreplace"))


def render(reply: Reply) -> bytes:
    """The reply as a server writes it, every line with the code and, where given, the enhanced code (RFC 2034 §4).

    Raises:
        ValueError: a line holds a control character, which would make a second reply of it.
    """
    prefix = f"{reply.enhanced} " if reply.enhanced else ""
    lines = reply.lines or ("",)
    rendered = []
    for number, line in enumerate(lines, 1):
        if _CONTROL.search(line):
            raise ValueError(f"a control character in a reply line: {line!r}")
        text = line if prefix and line.startswith(prefix) else prefix + line
        rendered.append(f"{int(reply.code)}{' ' if number == len(lines) else '-'}{text}\r\n")
    return "".join(rendered).encode()
