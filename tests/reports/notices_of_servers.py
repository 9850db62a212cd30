"""The notices of ``notices_of_servers.txt``, taken apart."""

import re
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_suffix(".txt")
_PLAIN = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit"


@dataclass(frozen=True, slots=True)
class ServerNotice:
    """A mail, and what it is to be read as: its kind, and recipient and class of each event."""

    name: str
    kind: str
    expected: tuple[tuple[str, str], ...]
    raw: bytes


def server_notices() -> list[ServerNotice]:
    """All of them, in their order."""
    return [_notice(chunk) for chunk in re.split(r"(?m)^=== ", _FILE.read_text(encoding="utf-8"))[1:]]


def _notice(chunk: str) -> ServerNotice:
    head, _, mail = chunk.partition("\n")
    name, kind, events = [*head.rstrip(" |").split(" | "), ""][:3]
    expected = tuple(
        (recipient, bounce_class)
        for event in events.split(";") if event
        for recipient, _, bounce_class in [event.strip().rpartition(" ")]
    )  # fmt: skip
    header, _, body = mail.partition("\n\n")
    if "\ncontent-type:" not in header.lower():
        header = f"{header}\n{_PLAIN}"
    return ServerNotice(name, kind, expected, f"{header}\nTo: joe@acme.example\n\n{body}".encode())
