"""The message that stands on standard input, to its end or to its dot."""

from typing import IO, Final

# Twice what the large providers take. Whoever pipes more in by mistake must not fill the machine's memory.
MAX_OCTETS: Final = 50_000_000


class TooLong(Exception):
    """There is more on standard input than any message holds; the text is for people."""


def read_message(stream: IO[bytes], *, whole: bool) -> bytes:
    """Everything up to the end, or (unless ``whole``) to a line that holds nothing but a dot.

    Raises:
        TooLong: more than ``MAX_OCTETS``.
    """
    raw = stream.read(MAX_OCTETS + 1) if whole else _to_the_dot(stream)
    if len(raw) > MAX_OCTETS:
        raise TooLong(f"the message is larger than {MAX_OCTETS // 1_000_000} MB")
    return raw


def _to_the_dot(stream: IO[bytes]) -> bytes:
    lines: list[bytes] = []
    size = 0
    # By line, because a person who types a message ends it so, and nothing behind the dot may be waited for.
    while size <= MAX_OCTETS and (line := stream.readline(MAX_OCTETS + 1)):
        if line in (b".\n", b".\r\n", b".") and (not lines or lines[-1].endswith(b"\n")):
            break
        lines.append(line)
        size += len(line)
    return b"".join(lines)
