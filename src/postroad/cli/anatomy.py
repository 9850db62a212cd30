"""What a message is made of: its headers as people know them, and its parts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from postroad.errors import MessageError
from postroad.message.header_decode import decoded, in_charset
from postroad.message.parse import parsed

if TYPE_CHECKING:
    from email.message import Message

    Part = Message[Any, Any]

_TEXT_SHOWN = 4_000  # characters; two pages, more is no look any longer


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part that holds other parts, or content. ``depth`` is how many parts it stands in; ``octets`` are decoded."""

    depth: int
    media_type: str
    filename: str | None
    cid: str | None
    octets: int | None

    def __str__(self) -> str:
        name = f" {self.filename}" if self.filename else ""
        cid = f" (cid:{self.cid})" if self.cid else ""
        size = f", {self.octets} octets" if self.octets is not None else ""
        return f"{'  ' * self.depth}{self.media_type}{name}{cid}{size}"

    def as_dict(self) -> dict[str, Any]:
        """The part as JSON types."""
        return {
            "depth": self.depth,
            "media_type": self.media_type,
            "filename": self.filename,
            "cid": self.cid,
            "octets": self.octets,
        }


@dataclass(frozen=True, slots=True)
class Anatomy:
    """``fields`` are the header's, decoded; ``text`` is what a person would read, cut where it is long."""

    fields: tuple[tuple[str, str], ...]
    parts: tuple[Leaf, ...]
    text: str

    def field(self, name: str) -> str:
        """The first field of that name, or an empty text."""
        return next((value for known, value in self.fields if known.lower() == name.lower()), "")


def anatomy_of(content: bytes) -> Anatomy:
    """Take a message apart.

    Raises:
        MessageError: it is larger or deeper than real mail, or no message at all.
    """
    message = parsed(content)
    fields = tuple((name, decoded(str(value))) for name, value in message.raw_items())
    walk = list(_walk(message, 0))
    leaves = tuple(_leaf(part, depth) for part, depth in walk)
    return Anatomy(fields, leaves, _text([part for part, _ in walk]))


def _walk(part: "Part", depth: int) -> Iterator[tuple["Part", int]]:
    yield part, depth
    payload: Any = part.get_payload()
    for inner in payload if isinstance(payload, list) else ():
        yield from _walk(inner, depth + 1)


def _leaf(part: "Part", depth: int) -> Leaf:
    filename = part.get_filename()
    cid = part.get("Content-ID")
    octets = None if part.is_multipart() else len(_content(part))
    name = decoded(filename) if filename else None
    return Leaf(depth, part.get_content_type(), name, decoded(str(cid)).strip("<>") if cid else None, octets)


def _content(part: "Part") -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _text(parts: list["Part"]) -> str:
    for part in parts:
        if part.get_content_type() == "text/plain" and part.get_content_disposition() != "attachment":
            return _decoded_text(part)
    return ""


def _decoded_text(part: "Part") -> str:
    text = in_charset(_content(part), part.get_content_charset() or "us-ascii").replace("\r\n", "\n")
    return text if len(text) <= _TEXT_SHOWN else f"{text[:_TEXT_SHOWN]}…"


def anatomy_or_fault(content: bytes) -> Anatomy | MessageError:
    """As ``anatomy_of``; what keeps it from being taken apart is a value for whoever shows whatever comes."""
    try:
        return anatomy_of(content)
    except MessageError as fault:
        return fault
