"""The MIME structure of a content as slices of its bytes, so that one part can change and all else stays as it is.

Sources: RFC 2045 §2.4 (an entity is a header and a body), RFC 2046 §5.1.1 (multipart) and §5.2.1 (message/rfc822).
Nothing here raises: what cannot be walked, or is not read alike by everybody, carries its ``fault``.
"""

import re
from dataclasses import dataclass
from typing import Final

from postroad.message import limits
from postroad.message.content_fields import MESSAGE, TEXT, boundary_of, encoding_of, essence_of

_CRLF: Final = b"\r\n"
# RFC 5322 §2.2, with the white space before the colon of §4.5.
_FIELD: Final = re.compile(rb"([!-9;-~]++)[ \t]*+:[^\r\n]*+(?:\r\n[ \t][^\r\n]*+)*+(?:\r\n|\Z)")
_IDENTITY: Final = frozenset({"", "7bit", "8bit", "binary"})  # RFC 2045 §6.4: what a composite type may have
_SIGNATURES: Final = frozenset({"dkim-signature", "domainkey-signature"})  # RFC 6376, RFC 4870


@dataclass(frozen=True, slots=True)
class Field:
    """``raw`` is the whole field with its folding and line end; ``name`` as it stands there."""

    name: str
    raw: bytes

    @property
    def key(self) -> str:
        """The name for comparing."""
        return self.name.lower()

    @property
    def value(self) -> bytes:
        """What stands after the colon, unfolded."""
        return self.raw.partition(b":")[2].replace(_CRLF, b"").strip(b" \t")

    @property
    def text(self) -> str:
        """The value for reading its grammar, octets above ASCII as one character each."""
        return self.value.decode("latin-1")


@dataclass(frozen=True, slots=True)
class Entity:
    """A message or a part of one. ``octets`` are its header, the ``blank`` line (none without a body), its ``body``.

    The body of a multipart and of a message/rfc822 is ``glue[0] + parts[0] + glue[1] + …``: ``glue`` holds preamble,
    delimiter lines and epilogue. ``encoding`` is the Content-Transfer-Encoding, empty where there is none.
    """

    octets: bytes
    fields: tuple[Field, ...]
    blank: bytes
    body: bytes
    is_message: bool
    essence: str = TEXT
    encoding: str = ""
    parts: tuple["Entity", ...] = ()
    glue: tuple[bytes, ...] = ()
    fault: str | None = None

    @property
    def header(self) -> bytes:
        """The header's fields, without the blank line."""
        return b"".join(field.raw for field in self.fields)

    @property
    def header_signature(self) -> str | None:
        """The name of a field that signs header and body of this message; ``None`` where there is none."""
        if not self.is_message:
            return None
        return next((field.name for field in self.fields if _signs(field.key)), None)

    @property
    def body_signature(self) -> str | None:
        """What signs the body; a multipart/signed does not speak for its own header (RFC 1847 §2.1)."""
        return self.header_signature or (self.essence if self.essence == "multipart/signed" else None)


def _signs(key: str) -> bool:
    return key in _SIGNATURES or key.startswith("arc-")  # RFC 8617 §4.1


def joined(glue: tuple[bytes, ...], parts: list[bytes]) -> bytes:
    """The body that has these parts."""
    return b"".join(octets for pair in zip(glue, parts, strict=False) for octets in pair) + glue[-1]


def read(content: bytes) -> Entity:
    """The structure of a content with CRLF line ends."""
    return _Reader().entity(content, TEXT, 0, is_message=True)


class _Reader:
    """Counts the entities of one message, so that a bomb is left folded (``limits``)."""

    def __init__(self) -> None:
        self._entities = 0

    def entity(self, octets: bytes, default: str, depth: int, *, is_message: bool) -> Entity:
        self._entities += 1
        fields, end = _header(octets)
        blank = _CRLF if octets.startswith(_CRLF, end) else b""
        body = octets[end + len(blank) :]
        essence, encoding, fault = _content(fields, default)
        if body and not blank:
            fault = "a line in a header is no header field"
        if depth > limits.MAX_DEPTH or self._entities > limits.MAX_PARTS:
            fault = f"more than {limits.MAX_PARTS} parts, or nested more than {limits.MAX_DEPTH} deep"
        glue, parts = (), ()  # type: tuple[bytes, ...], tuple[Entity, ...]
        if fault is None:
            glue, parts, fault = self._inside(fields, body, essence, encoding, depth)
        return Entity(octets, fields, blank, body, is_message, essence, encoding, parts, glue, fault)

    def _inside(
        self, fields: tuple[Field, ...], body: bytes, essence: str, encoding: str, depth: int
    ) -> tuple[tuple[bytes, ...], tuple[Entity, ...], str | None]:
        if essence == MESSAGE and encoding in _IDENTITY:
            return (b"", b""), (self.entity(body, TEXT, depth + 1, is_message=True),), None
        if not essence.startswith("multipart/"):
            return (), (), None
        if encoding not in _IDENTITY:
            return (), (), f"a multipart says that it is encoded in {encoding} (RFC 2045 §6.4)"
        boundary = next((boundary_of(field.text) for field in fields if field.key == "content-type"), None)
        found = _split(body, boundary.encode("latin-1")) if boundary else None
        if found is None:
            return (), (), "a multipart whose parts cannot be found by its boundary"
        default = MESSAGE if essence == "multipart/digest" else TEXT  # RFC 2046 §5.1.5
        glue, parts = found
        return glue, tuple(self.entity(part, default, depth + 1, is_message=False) for part in parts), None


def _header(octets: bytes) -> tuple[tuple[Field, ...], int]:
    """The fields, and where they end."""
    fields: list[Field] = []
    position = 0
    while len(fields) < limits.MAX_FIELDS and (found := _FIELD.match(octets, position)):
        fields.append(Field(found[1].decode("ascii"), found.group()))
        position = found.end()
    return tuple(fields), position


def _content(fields: tuple[Field, ...], default: str) -> tuple[str, str, str | None]:
    """Type, encoding, and what is wrong with them."""
    given = [field for field in fields if field.key in ("content-type", "content-transfer-encoding")]
    if any(len(field.raw) > limits.MAX_MIME_FIELD_OCTETS for field in given):
        return default, "", f"a Content- field of more than {limits.MAX_MIME_FIELD_OCTETS} octets"
    types = {field.text for field in given if field.key == "content-type"}
    encodings = {encoding_of(field.text) for field in given if field.key == "content-transfer-encoding"}
    if len(types) > 1 or len(encodings) > 1:
        return default, "", "two Content-Type or Content-Transfer-Encoding fields that differ"
    essence = essence_of(types.pop()) if types else default
    if essence is None:
        return default, "", "a Content-Type that cannot be read"
    return essence, encodings.pop() if encodings else "", None


def _split(body: bytes, boundary: bytes) -> tuple[tuple[bytes, ...], tuple[bytes, ...]] | None:
    """The parts and what stands between them; ``None`` where no delimiter opens one.

    A delimiter is a line of its own, white space after it allowed, and owns the line end before it. The last part of
    a body that was cut off ends where the body does.
    """
    delimiter = re.compile(b"--" + re.escape(boundary) + rb"(--)?[ \t]*+(?:\r\n|\Z)")
    glue: list[bytes] = []
    parts: list[bytes] = []
    start, after = -1, 0  # of the part that is open, and behind the last delimiter
    for found in delimiter.finditer(body):
        if found.start() and body[found.start() - 2 : found.start()] != _CRLF:
            continue
        end = max(found.start() - 2, after)
        if start >= 0:
            parts.append(body[start:end])
        closes = found[1] is not None
        glue.append(body[end if start >= 0 else 0 : len(body) if closes and start >= 0 else found.end()])
        if closes:
            return (tuple(glue), tuple(parts)) if start >= 0 else None
        start = after = found.end()
    return ((*glue, b""), (*parts, body[start:])) if start >= 0 else None
